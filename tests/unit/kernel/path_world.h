/*
 * The world of path_test.c and path_quic_test.c: a node, this process as the gateway and a server,
 * each in a network namespace, joined by veth links. The "inspector" here accepts or denies
 * whatever it sees; the server answers a made-up hello with made-up TLS records.
 */
#pragma once

#include <errno.h>
#include <fcntl.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <poll.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <cmocka.h>

#include <libmnl/libmnl.h>

#include "base/cleanup.h"
#include "kernel/conntrack.h"
#include "kernel/fingerprint.h"
#include "kernel/host.h"
#include "kernel/nft.h"
#include "kernel/packet_log.h"
#include "kernel/queue.h"
#include "kernel/sequence_rules.h"
#include "kernel/sets.h"
#include "proto/packet/packet.h"
#include "namespace.h"
#include "settings.h"

#define SERVER_V4  "192.0.2.2"
#define SERVER_V6  "[2001:db8:2::2]"
#define PROXY_PORT 15001
#define NUMBER     5

/* What the server does with the first byte of a hello. */
#define HELLO_PLAIN 'H' /* answers with a handshake record */
#define HELLO_RETRY 'R' /* answers with a HelloRetryRequest, the next with a handshake record */
#define HELLO_LATE  'L' /* answers after LATE_MS */
#define LATE_MS     400
#define HELLO_FLOOD 'F' /* answers with a handshake record, then sends a byte now and then */
#define PAUSE_MS    30

#define ICMP_UNREACHABLE 3 /* RFC 792; code 1: the host */
#define ICMP_REDIRECT    5 /* likewise */

static struct {
	bool ready;
	pid_t node, server;
	struct loop *loop;
	struct queue *queue;
	struct packet_log *log;
	struct conntrack_events *events;
	struct life_sign *sign;
	bool without_snat;
	bool with_quic; /* inspected on port 443 */
	int packets;    /* that came to the queue */
	enum mark_state verdict;
	bool always_first;   /* the inspector has forgotten that the hello left */
	char prefixes[1024]; /* of the logged packets */
	int ended;
	struct conntrack_flow last_ended;
	struct conntrack_flow flow; /* the last one that a walk showed */
	int flows;
} s_world;

/* --- the server --- */

static inline void answer(int connection)
{
	static const uint8_t retry_random[] = {0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11,
					       0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91};
	uint8_t record[64] = {0x16, 3, 3, 0, 59, 2, 0, 0, 55, 3, 3};
	char byte[2000];
	bool answered = false;
	ssize_t got;

	while ((got = recv(connection, byte, sizeof(byte), 0)) > 0) {
		if (answered) {
			(void)!send(connection, byte, (size_t)got, MSG_NOSIGNAL);
			continue;
		}
		memset(record + 11, 0, 16);
		if (byte[0] == HELLO_RETRY)
			memcpy(record + 11, retry_random, sizeof(retry_random));
		else
			answered = true;
		if (byte[0] == HELLO_LATE)
			usleep(LATE_MS * 1000);
		(void)!send(connection, record, sizeof(record), MSG_NOSIGNAL);
		while (byte[0] == HELLO_FLOOD && send(connection, "x", 1, MSG_NOSIGNAL) == 1)
			usleep(PAUSE_MS * 1000);
	}
}

static inline int listen_on(const char *where, bool transparent)
{
	struct ip_endpoint at = endpoint(where);
	struct sockaddr_storage storage;
	socklen_t size = ip_to_sockaddr(&at, &storage);
	int one = 1;
	int listener = socket(storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (transparent && setsockopt(listener, SOL_IP, IP_TRANSPARENT, &one, sizeof(one)) < 0)
		abort();
	if (bind(listener, (struct sockaddr *)&storage, size) < 0 || listen(listener, 16) < 0)
		abort();
	return listener;
}

static inline int receive_on(const char *where)
{
	struct ip_endpoint at = endpoint(where);
	struct sockaddr_storage storage;
	socklen_t size = ip_to_sockaddr(&at, &storage);
	int receiver = socket(storage.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (bind(receiver, (struct sockaddr *)&storage, size) < 0)
		abort();
	return receiver;
}

/* Datagrams come back as they were. */
static inline void echo(int receiver)
{
	struct sockaddr_storage from;
	socklen_t size = sizeof(from);
	uint8_t datagram[4096];
	ssize_t got =
		recvfrom(receiver, datagram, sizeof(datagram), 0, (struct sockaddr *)&from, &size);

	if (got > 0)
		(void)!sendto(receiver, datagram, (size_t)got, 0, (struct sockaddr *)&from, size);
}

static inline void serve(void)
{
	struct pollfd receivers[] = {{receive_on(SERVER_V4 ":443"), POLLIN, 0},
				     {receive_on(SERVER_V6 ":443"), POLLIN, 0}};
	struct pollfd listeners[] = {{listen_on(SERVER_V4 ":443", false), POLLIN, 0},
				     {listen_on(SERVER_V6 ":443", false), POLLIN, 0},
				     {listen_on(SERVER_V4 ":8080", false), POLLIN, 0}};

	signal(SIGCHLD, SIG_IGN);
	if (fork() == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		while (poll(receivers, COUNT(receivers), -1) > 0)
			for (size_t i = 0; i < COUNT(receivers); i++)
				if (receivers[i].revents & POLLIN)
					echo(receivers[i].fd);
		_exit(0);
	}
	while (poll(listeners, COUNT(listeners), -1) > 0)
		for (size_t i = 0; i < COUNT(listeners); i++) {
			if (!(listeners[i].revents & POLLIN))
				continue;
			int connection = accept4(listeners[i].fd, NULL, NULL, SOCK_CLOEXEC);
			if (fork() == 0) {
				prctl(PR_SET_PDEATHSIG, SIGKILL);
				answer(connection);
				_exit(0);
			}
			close(connection);
		}
}

/* --- the world --- */

/* A process in a namespace of its own; the links are given to it before it starts. */
static inline pid_t spawn(void (*start)(void), int *ret_go)
{
	int made[2], go[2];
	char byte;
	pid_t child;

	assert_int_equal(pipe(made), 0);
	assert_int_equal(pipe(go), 0);
	child = fork();
	if (child == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (!enter_own_namespace())
			_exit(1);
		(void)!write(made[1], "m", 1);
		(void)!read(go[0], &byte, 1);
		start();
		_exit(0);
	}
	assert_int_equal(read(made[0], &byte, 1), 1);
	close(made[0]);
	close(made[1]);
	close(go[0]);
	*ret_go = go[1];
	return child;
}

static inline void sleep_for_ever(void)
{
	for (;;)
		pause();
}

__attribute__((format(printf, 1, 2))) static void run(const char *format, ...)
{
	char command[1024];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(command, sizeof(command), format, arguments);
	va_end(arguments);
	if (system(command) != 0)
		fail_msg("%s", command);
}

static inline void make_link(const char *name, pid_t peer, const char *v4, const char *v6)
{
	run("ip link add %s type veth peer name eth0 netns %d", name, peer);
	run("ip link set %s up", name);
	run("ip addr add %s.1/24 dev %s && ip addr add %s::1/64 dev %s nodad", v4, name, v6, name);
	run("nsenter --net=/proc/%d/ns/net sh -c 'ip link set eth0 up && "
	    "ip addr add %s.2/24 dev eth0 && ip addr add %s::2/64 dev eth0 nodad && "
	    "ip route add default via %s.1 && ip route add default via %s::1'",
	    peer, v4, v6, v4, v6);
}

static inline void apply_with(const char *const *interfaces, size_t count, bool first)
{
	static const uint16_t https[] = {443};
	static const struct ruleset_ports web[] = {{8080, 8080}}, secret[] = {{8081, 8081}},
					  time[] = {{123, 123}};
	struct ip_prefix sources[] = {prefix("10.1.0.0/24"), prefix("fd01::/64")};
	struct ip_prefix server = prefix(SERVER_V4 "/32");
	struct ruleset_rule rules[] = {
		{.number = 9,
		 .allow = true,
		 .label = "own/web",
		 .any_source = true,
		 .destinations = &server,
		 .destination_count = 1,
		 .transports = 1,
		 .ports = web,
		 .port_count = 1},
		{.number = 10,
		 .label = "own/secret",
		 .any_source = true,
		 .any_destination = true,
		 .transports = 1,
		 .ports = secret,
		 .port_count = 1},
		{.number = 11,
		 .allow = true,
		 .label = "own/time",
		 .any_source = true,
		 .any_destination = true,
		 .transports = 2,
		 .ports = time,
		 .port_count = 1},
	};
	struct ruleset_settings settings = {
		.interfaces = interfaces,
		.interface_count = count,
		.sources = sources,
		.source_count = 2,
		.https_ports = https,
		.https_port_count = 1,
		.quic_ports = https,
		.quic_port_count = s_world.with_quic ? 1 : 0,
		.proxy_port = PROXY_PORT,
		.snat = s_world.without_snat ? RULESET_SNAT_NONE : RULESET_SNAT_MASQUERADE,
		.pinned_capacity = 100,
		.handshake_capacity = 100,
	};
	cleanup(text_free) struct text text = TEXT_EMPTY;
	cleanup(text_free) struct text words = TEXT_EMPTY;

	assert_int_equal(
		ruleset_write(&settings, rules, COUNT(rules), NULL, 0, first, NULL, 0, &text), 0);
	if (nft_apply(text_string(&text), &words) != 0)
		fail_msg("%s", text_string(&words));
}

static inline void apply(bool first)
{
	static const char *const inside[] = {"inside0"};

	apply_with(inside, 1, first);
}

static inline void install_queue(void)
{
	assert_int_equal(queue_rule_install(3, 1), 0);
	assert_int_equal(sequence_rules_install(), 0);
}

static inline void pin(const char *text)
{
	struct kernel_element element = {0, address(text), 60000};
	struct kernel_sets *sets = kernel_sets_open();

	assert_non_null(sets);
	assert_int_equal(kernel_sets_put(sets, &element, 1), 0);
	kernel_sets_close(sets);
}

/* The datagram that makes the flow, or one of a flow that is made. */
static inline void datagram_queued(const struct queue_packet *packet)
{
	enum mark_state verdict = s_world.verdict;

	if (verdict == MARK_CONFIRM && mark_state(packet->mark) == MARK_INSPECTED &&
	    !s_world.always_first)
		verdict = MARK_REPEAT;
	assert_int_equal(queue_accept(s_world.queue, packet->id, mark_make(verdict, NUMBER)), 0);
}

static inline void packet_queued(void *context, const struct queue_packet *packet)
{
	struct packet parsed;

	(void)context;
	s_world.packets++;
	assert_false(packet->truncated);
	assert_int_equal(packet_parse(packet->bytes, packet->length, &parsed), 0);
	if (parsed.transport == PACKET_UDP) {
		datagram_queued(packet);
		return;
	}
	if (s_world.packets == 1)
		assert_int_equal(parsed.sequence, packet->first_sequence);
	assert_int_not_equal(packet->first_sequence, 0);
	enum mark_state verdict = s_world.verdict;
	if (verdict == MARK_CONFIRM && parsed.sequence != packet->first_sequence &&
	    !s_world.always_first)
		verdict = MARK_REPEAT; /* the connection's first hello has left */
	assert_int_equal(queue_accept(s_world.queue, packet->id, mark_make(verdict, NUMBER)), 0);
}

static inline void packet_logged(void *context, const struct packet_log_entry *entry)
{
	(void)context;
	assert_true(entry->length > 28);
	if (strlen(s_world.prefixes) + strlen(entry->prefix) + 2 < sizeof(s_world.prefixes)) {
		strcat(s_world.prefixes, entry->prefix);
		strcat(s_world.prefixes, " ");
	}
}

/* `prefix` with a space behind it. Packets of earlier clients may have been logged beside it. */
static inline bool was_logged(const char *prefix)
{
	const char *at = strstr(s_world.prefixes, prefix);

	return at && (at == s_world.prefixes || at[-1] == ' ');
}

static inline void flow_ended(void *context, const struct conntrack_flow *flow)
{
	(void)context;
	s_world.ended++;
	s_world.last_ended = *flow;
	s_world.last_ended.mark &= ~MARK_ENDED; /* whether its ends have closed by now */
}

static inline void start_sign(void)
{
	static const char *const interfaces[] = {"inside0", "outside0"};

	s_world.sign = life_sign_start(interfaces, 2);
	assert_non_null(s_world.sign);
}

static inline int build_world(void **state)
{
	int node_go, server_go;
	unsigned int switched = 0;
	const char *path;

	(void)state;
	if (!enter_own_namespace())
		return 0;
	s_world.node = spawn(sleep_for_ever, &node_go);
	s_world.server = spawn(serve, &server_go);
	make_link("inside0", s_world.node, "10.1.0", "fd01");
	make_link("outside0", s_world.server, "192.0.2", "2001:db8:2");
	apply(true);
	install_queue();
	assert_int_equal(host_sysctl_prepare(true, &switched, &path), 0);
	assert_int_equal(host_routing_install(), 0);
	s_world.loop = loop_new();
	s_world.queue = queue_open(s_world.loop, 3, 1024, packet_queued, NULL);
	assert_non_null(s_world.queue);
	s_world.log = packet_log_open(s_world.loop, RULESET_LOG_GROUP, packet_logged, NULL);
	assert_non_null(s_world.log);
	s_world.events = conntrack_events_open(s_world.loop, flow_ended, NULL);
	assert_non_null(s_world.events);
	start_sign();
	assert_int_equal(write(node_go, "g", 1), 1);
	assert_int_equal(write(server_go, "g", 1), 1);
	close(node_go);
	close(server_go);
	usleep(100000); /* the server's listeners */
	s_world.ready = true;
	return 0;
}

static inline int tear_down(void **state)
{
	(void)state;
	if (!s_world.ready)
		return 0;
	life_sign_stop(s_world.sign);
	conntrack_events_close(s_world.events);
	packet_log_close(s_world.log);
	queue_close(s_world.queue);
	loop_free(s_world.loop);
	kill(s_world.node, SIGKILL);
	kill(s_world.server, SIGKILL);
	return 0;
}

/* --- the node's clients: a process each, which ends with 0 or the errno it met --- */

static inline int dial(const char *where)
{
	struct ip_endpoint to = endpoint(where);
	struct sockaddr_storage storage;
	socklen_t size = ip_to_sockaddr(&to, &storage);
	struct timeval patience = {1, 0};
	int connection = socket(storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	setsockopt(connection, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	setsockopt(connection, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	if (connect(connection, (struct sockaddr *)&storage, size) < 0)
		_exit(errno);
	return connection;
}

static inline void exchange(int connection, char first)
{
	char bytes[300];

	memset(bytes, first, sizeof(bytes));
	if (send(connection, bytes, sizeof(bytes), MSG_NOSIGNAL) < 0)
		_exit(errno);
	ssize_t got = recv(connection, bytes, sizeof(bytes), 0);
	if (got <= 0)
		_exit(got == 0 ? EPIPE : errno);
}

static inline void stop_loop(struct loop_watch *watch, uint32_t events)
{
	(void)watch;
	(void)events;
	loop_stop(s_world.loop);
}

static inline void fired(struct loop_timer *timer)
{
	(void)timer;
	loop_stop(s_world.loop);
}

static inline void run_loop_for(uint64_t ms)
{
	struct loop_timer timer = {0};

	assert_int_equal(loop_timer_start(s_world.loop, &timer, ms, fired), 0);
	loop_run(s_world.loop);
}

static inline void enter_node(void)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/ns/net", s_world.node);
	int space = open(path, O_RDONLY | O_CLOEXEC);
	if (space < 0 || setns(space, CLONE_NEWNET) < 0)
		_exit(255);
	close(space);
}

/* Runs `client` in the node and the gateway's loop until it ends; returns its exit code. */
static inline int in_node(void (*client)(void))
{
	struct loop_watch watch = {0};
	int ends[2], status = 0;
	pid_t child;

	s_world.packets = 0;
	s_world.prefixes[0] = '\0';
	assert_int_equal(pipe(ends), 0);
	child = fork();
	if (child == 0) {
		enter_node();
		client();
		_exit(0);
	}
	close(ends[1]);
	assert_int_equal(loop_watch_add(s_world.loop, &watch, ends[0], EPOLLIN, stop_loop), 0);
	loop_run(s_world.loop);
	loop_watch_remove(s_world.loop, &watch);
	close(ends[0]);
	assert_int_equal(waitpid(child, &status, 0), child);
	run_loop_for(20); /* what is still under way to us */
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static inline void keep_flow(void *context, const struct conntrack_flow *flow)
{
	(void)context;
	s_world.flow = *flow;
	s_world.flow.mark &= ~MARK_ENDED; /* whether its ends have closed by now */
	s_world.flows++;
}

static inline void find_flows(void)
{
	s_world.flows = 0;
	assert_int_equal(conntrack_walk(keep_flow, NULL), 0);
}

/* A delete without a tuple means all of them. */
static inline void forget_flows(void)
{
	char buffer[1024] __attribute__((aligned(NLMSG_ALIGNTO)));
	struct nlmsghdr *message = mnl_nlmsg_put_header(buffer);
	struct nfgenmsg *header = mnl_nlmsg_put_extra_header(message, sizeof(*header));
	struct mnl_socket *socket = mnl_socket_open(NETLINK_NETFILTER);

	message->nlmsg_type = NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_DELETE;
	message->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
	header->nfgen_family = AF_UNSPEC;
	assert_true(socket && mnl_socket_bind(socket, 0, MNL_SOCKET_AUTOPID) == 0);
	assert_true(mnl_socket_sendto(socket, message, message->nlmsg_len) > 0);
	ssize_t got = mnl_socket_recvfrom(socket, buffer, sizeof(buffer));
	assert_true(got > 0 && mnl_cb_run(buffer, (size_t)got, 0, 0, NULL, NULL) >= 0);
	mnl_socket_close(socket);
}

/* Forgets all flows, and the pins. */
static inline void start_afresh(void)
{
	if (!s_world.ready)
		skip_because("needs root, for a network namespace of its own");
	forget_flows();
	apply(true);
	install_queue();
	s_world.verdict = MARK_CONFIRM;
	s_world.always_first = false;
	run_loop_for(1);
	s_world.ended = 0;
}

/* How many packets of the protocol leave towards the server until `client` has ended. */
static inline int count_leaving(uint8_t protocol, void (*client)(void))
{
	struct sockaddr_ll at = {.sll_family = AF_PACKET,
				 .sll_protocol = htons(ETH_P_ALL),
				 .sll_ifindex = (int)if_nametoindex("outside0")},
			   from = {0};
	int tap = socket(AF_PACKET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, htons(ETH_P_ALL));
	socklen_t size = sizeof(from);
	uint8_t packet[256];
	ssize_t got;
	int count = 0;

	assert_int_equal(bind(tap, (struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(in_node(client), 0);
	while ((got = recvfrom(tap, packet, sizeof(packet), 0, (struct sockaddr *)&from, &size)) >
	       0)
		count += got > 20 && from.sll_pkttype == PACKET_OUTGOING && packet[0] >> 4 == 4 &&
			 packet[9] == protocol;
	close(tap);
	return count;
}
