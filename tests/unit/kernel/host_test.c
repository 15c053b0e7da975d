/* Routing, settings and the life sign, in a namespace of this process's own. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "kernel/host.h"
#include "kernel/nft.h"
#include "kernel/packet_sender.h"
#include "proto/packet/packet.h"
#include "namespace.h"
#include "settings.h"

static const char *const s_inside[] = {"eth0", "eth1"};

/* How often `part` stands in what `command` prints. */
static int count_in_output(const char *command, const char *part)
{
	char line[512];
	int count = 0;
	FILE *output = popen(command, "re");

	assert_non_null(output);
	while (fgets(line, sizeof(line), output))
		count += strstr(line, part) != NULL;
	pclose(output);
	return count;
}

static void routing_is_installed_once_and_removed(void **state)
{
	(void)state;
	if (!enter_own_namespace())
		skip_because("needs root, for a network namespace of its own");
	assert_int_equal(host_routing_install(), 0);
	assert_int_equal(host_routing_install(), 0);
	assert_int_equal(count_in_output("ip rule", "fwmark 0xb0000000/0xf0000000 lookup 7053"), 1);
	assert_int_equal(count_in_output("ip -6 rule", "fwmark 0xb0000000/0xf0000000 lookup 7053"),
			 1);
	assert_int_equal(count_in_output("ip route show table 7053", "local default dev lo"), 1);
	assert_int_equal(count_in_output("ip -6 route show table 7053", "local default dev lo"), 1);
	assert_int_equal(host_routing_remove(), 0);
	assert_int_equal(host_routing_remove(), 0);
	assert_int_equal(count_in_output("ip rule; ip -6 rule", "7053"), 0);
	assert_int_equal(
		count_in_output("ip route show table all; ip -6 route show table all", "7053"), 0);
}

static void settings_are_switched_on(void **state)
{
	unsigned int switched = 0;
	const char *path = NULL;

	(void)state;
	if (!enter_own_namespace())
		skip_because("needs root, for a network namespace of its own");
	assert_int_equal(
		nft_apply("table inet x {\nchain c {\ntype filter hook forward priority 0; "
			  "ct state new accept\n}\n}\n",
			  &(struct text){0}),
		0);
	assert_int_equal(host_sysctl_prepare(false, &switched, &path), 0);
	assert_int_equal(count_in_output("cat /proc/sys/net/netfilter/nf_conntrack_acct "
					 "/proc/sys/net/netfilter/nf_conntrack_timestamp",
					 "1"),
			 2);
	assert_int_equal(count_in_output("cat /proc/sys/net/ipv4/tcp_early_demux", "0"), 1);
	switched = 0;
	assert_int_equal(host_sysctl_prepare(true, &switched, &path), 0);
	assert_int_equal(switched, 3); /* forwarding alone: the others were on */
	assert_int_equal(host_sysctl_prepare(true, &switched, &path), 0);
	assert_int_equal(switched, 3);
	assert_null(path);
	assert_int_equal(count_in_output("cat /proc/sys/net/ipv4/ip_forward "
					 "/proc/sys/net/ipv6/conf/all/forwarding",
					 "1"),
			 2);
	assert_int_equal(host_sysctl_restore(switched), 0);
	assert_int_equal(count_in_output("cat /proc/sys/net/ipv4/ip_forward "
					 "/proc/sys/net/ipv6/conf/all/forwarding "
					 "/proc/sys/net/netfilter/nf_conntrack_acct",
					 "0"),
			 2);
}

static void own_addresses_leave_out_loopback_and_link_local(void **state)
{
	struct ip_address addresses[4];
	struct ip_address wanted[] = {address("10.9.8.7"), address("fd00::7")};
	size_t count = 77;

	(void)state;
	if (!enter_own_namespace())
		skip_because("needs root, for a network namespace of its own");
	assert_int_equal(host_addresses(addresses, 4, &count), 0);
	assert_int_equal(count, 0);
	assert_int_equal(system("ip link add v0 type veth peer name v1 && ip link set v0 up && "
				"ip link set v1 up && ip addr add 10.9.8.7/24 dev v0 && "
				"ip addr add 169.254.3.3/16 dev v0 && "
				"ip addr add fd00::7/64 dev v0 nodad && "
				"ip addr add fe80::77/64 dev v0 nodad"),
			 0);
	assert_int_equal(host_addresses(addresses, 4, &count), 0);
	assert_int_equal(count, 2);
	assert_true(ip_equal(&addresses[0], &wanted[0]));
	assert_true(ip_equal(&addresses[1], &wanted[1]));
	assert_int_equal(host_addresses(addresses, 1, &count), -ENOSPC);
	assert_int_equal(count, 2);
}

static void the_life_sign_goes_with_its_owner(void **state)
{
	int ends[2];
	char byte;

	(void)state;
	if (!enter_own_namespace())
		skip_because("needs root, for a network namespace of its own");
	assert_int_equal(pipe(ends), 0);
	pid_t child = fork();
	if (child == 0) {
		struct life_sign *sign = life_sign_start(s_inside, COUNT(s_inside));

		(void)!write(ends[1], sign ? "y" : "n", 1);
		pause();
		_exit(0);
	}
	assert_int_equal(read(ends[0], &byte, 1), 1);
	assert_int_equal(byte, 'y');
	assert_int_equal(
		count_in_output("nft list table inet sallyport_alive", "meta mark set 0xa0000000"),
		2);
	/* nobody else can have one, or take it away */
	errno = 0;
	assert_null(life_sign_start(s_inside, 1));
	assert_true(errno == EPERM || errno == EEXIST);
	assert_int_not_equal(system("nft delete table inet sallyport_alive 2>/dev/null"), 0);
	(void)!system("nft flush ruleset 2>/dev/null");
	assert_int_equal(count_in_output("nft list tables", "sallyport_alive"), 1);
	assert_int_equal(kill(child, SIGKILL), 0);
	assert_int_equal(waitpid(child, NULL, 0), child);
	assert_int_equal(count_in_output("nft list tables", "sallyport_alive"), 0);
	close(ends[0]);
	close(ends[1]);
}

static void the_life_sign_can_be_taken_back(void **state)
{
	struct life_sign *sign;

	(void)state;
	if (!enter_own_namespace())
		skip_because("needs root, for a network namespace of its own");
	sign = life_sign_start(s_inside, COUNT(s_inside));
	assert_non_null(sign);
	life_sign_stop(sign);
	assert_int_equal(count_in_output("nft list tables", "sallyport_alive"), 0);
	sign = life_sign_start(s_inside, COUNT(s_inside));
	assert_non_null(sign);
	life_sign_stop(sign);
	life_sign_stop(NULL);
}

static void flushing_removes_our_table_only(void **state)
{
	struct text words = TEXT_EMPTY;

	(void)state;
	if (!enter_own_namespace())
		skip_because("needs root, for a network namespace of its own");
	assert_int_equal(host_ruleset_flush(), 0);
	assert_int_equal(nft_apply("table inet sallyport {\n}\ntable inet other {\n}\n", &words),
			 0);
	assert_int_equal(host_ruleset_flush(), 0);
	assert_int_equal(count_in_output("nft list tables", "sallyport"), 0);
	assert_int_equal(count_in_output("nft list tables", "other"), 1);
}

/* A reset whose source is nobody here arrives as it was made. */
static void check_reset(const char *from, const char *to, int family, size_t skip_header)
{
	struct ip_endpoint source = endpoint(from), destination = endpoint(to);
	uint8_t packet[PACKET_RESET_SIZE], got[128];
	struct packet_sender *sender = packet_sender_open();
	int receiver = socket(family, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_TCP);
	struct timeval patience = {2, 0};

	assert_non_null(sender);
	setsockopt(receiver, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	size_t length = packet_build_reset(&source, &destination, 77, 0, false, packet);
	assert_int_equal(packet_sender_send(sender, PACKET_SENDING_IN_FLOW, &destination.address,
					    packet, length),
			 0);
	assert_int_equal(recv(receiver, got, sizeof(got), 0), length - skip_header);
	assert_memory_equal(got + (skip_header ? 0 : 20), packet + (skip_header ? 40 : 20), 20);
	close(receiver);
	packet_sender_close(sender);
}

static void resets_carry_any_source(void **state)
{
	(void)state;
	if (!enter_own_namespace())
		skip_because("needs root, for a network namespace of its own");
	check_reset("203.0.113.7:443", "127.0.0.1:5000", AF_INET, 0);
	check_reset("[2001:db8::7]:443", "[::1]:5000", AF_INET6, 40);
	packet_sender_close(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(routing_is_installed_once_and_removed),
		cmocka_unit_test(settings_are_switched_on),
		cmocka_unit_test(own_addresses_leave_out_loopback_and_link_local),
		cmocka_unit_test(the_life_sign_goes_with_its_owner),
		cmocka_unit_test(the_life_sign_can_be_taken_back),
		cmocka_unit_test(flushing_removes_our_table_only),
		cmocka_unit_test(resets_carry_any_source),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
