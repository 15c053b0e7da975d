/*
 * The host around the table: policy routing for TPROXY by rtnetlink, the settings under /proc/sys,
 * the host's own addresses.
 *
 * TPROXY assigns a packet to a local socket, but routing decides before that whether it is
 * delivered or forwarded. So packets with the mark TPROXY are looked up in a table of their own, in
 * which every address is local. A kernel without IPv6 has no such packets; its refusal of the
 * family is fine.
 */
#include "kernel/host.h"

#include <errno.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdio.h>
#include <sys/socket.h>

#include <libmnl/libmnl.h>

#include "base/cleanup.h"
#include "kernel/conntrack.h"
#include "kernel/mark.h"

/* system calls: openat write close bind getsockname sendto recvmsg */

#define ROUTING_TABLE 7053 /* and the priority of the rule that leads there */
#define MESSAGE_SIZE  256

/* Of every network namespace: LOOPBACK_IFINDEX in the kernel's net/net_namespace.h. */
#define LOOPBACK_INDEX 1

static void close_socket(struct mnl_socket *socket)
{
	mnl_socket_close(socket);
}
DEFINE_CLEANUP(close_socket_variable, struct mnl_socket *, close_socket);

static int ask(struct mnl_socket *socket, struct nlmsghdr *message)
{
	char answer[1024] __attribute__((aligned(NLMSG_ALIGNTO)));
	ssize_t got;

	message->nlmsg_flags |= NLM_F_REQUEST | NLM_F_ACK;
	message->nlmsg_seq = 1;
	if (mnl_socket_sendto(socket, message, message->nlmsg_len) < 0)
		return -errno;
	got = mnl_socket_recvfrom(socket, answer, sizeof(answer));
	if (got < 0)
		return -errno;
	return mnl_cb_run(answer, (size_t)got, 1, mnl_socket_get_portid(socket), NULL, NULL) < 0
		       ? -errno
		       : 0;
}

static int change_rule(struct mnl_socket *socket, uint8_t family, uint16_t type, uint16_t flags)
{
	char buffer[MESSAGE_SIZE] __attribute__((aligned(NLMSG_ALIGNTO))) = {0};
	struct nlmsghdr *message = mnl_nlmsg_put_header(buffer);
	struct fib_rule_hdr *header;

	message->nlmsg_type = type;
	message->nlmsg_flags = flags;
	header = mnl_nlmsg_put_extra_header(message, sizeof(*header));
	header->family = family;
	header->action = FR_ACT_TO_TBL;
	mnl_attr_put_u32(message, FRA_PRIORITY, ROUTING_TABLE);
	mnl_attr_put_u32(message, FRA_FWMARK, MARK_TPROXY);
	mnl_attr_put_u32(message, FRA_FWMASK, MARK_STATE_MASK);
	mnl_attr_put_u32(message, FRA_TABLE, ROUTING_TABLE);
	return ask(socket, message);
}

static int change_route(struct mnl_socket *socket, uint8_t family, uint16_t type, uint16_t flags)
{
	char buffer[MESSAGE_SIZE] __attribute__((aligned(NLMSG_ALIGNTO))) = {0};
	struct nlmsghdr *message = mnl_nlmsg_put_header(buffer);
	struct rtmsg *header;

	message->nlmsg_type = type;
	message->nlmsg_flags = flags;
	header = mnl_nlmsg_put_extra_header(message, sizeof(*header));
	header->rtm_family = family;
	header->rtm_table = RT_TABLE_UNSPEC; /* RTA_TABLE says it */
	header->rtm_protocol = RTPROT_STATIC;
	header->rtm_scope = RT_SCOPE_HOST;
	header->rtm_type = RTN_LOCAL;
	mnl_attr_put_u32(message, RTA_TABLE, ROUTING_TABLE);
	mnl_attr_put_u32(message, RTA_OIF, LOOPBACK_INDEX);
	return ask(socket, message);
}

static bool is_family_missing(uint8_t family, int error)
{
	return family == AF_INET6 && (error == -EAFNOSUPPORT || error == -EOPNOTSUPP);
}

static int install_family(struct mnl_socket *socket, uint8_t family)
{
	int r = change_rule(socket, family, RTM_NEWRULE, NLM_F_CREATE | NLM_F_EXCL);

	if (is_family_missing(family, r))
		return 0;
	if (r && r != -EEXIST)
		return r;
	return change_route(socket, family, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE);
}

static int remove_family(struct mnl_socket *socket, uint8_t family)
{
	int rule = change_rule(socket, family, RTM_DELRULE, 0);
	int route;

	if (is_family_missing(family, rule))
		return 0;
	route = change_route(socket, family, RTM_DELROUTE, 0);
	if (rule && rule != -ENOENT)
		return rule;
	return route == -ESRCH || route == -ENOENT ? 0 : route;
}

static int for_families(int (*change)(struct mnl_socket *socket, uint8_t family))
{
	cleanup(close_socket_variable) struct mnl_socket *socket =
		mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
	int r;

	if (!socket || mnl_socket_bind(socket, 0, MNL_SOCKET_AUTOPID) < 0)
		return -errno;
	r = change(socket, AF_INET);
	return r ? r : change(socket, AF_INET6);
}

int host_routing_install(void)
{
	return for_families(install_family);
}

int host_routing_remove(void)
{
	return for_families(remove_family);
}

/* Written unless it stands there already (settings may be read-only and right). */
static const struct {
	const char *path;
	unsigned int value;
	bool forwarding, needs_v6;
} s_settings[] = {
	{"/proc/sys/net/ipv4/ip_forward", 1, true, false},
	{"/proc/sys/net/ipv6/conf/all/forwarding", 1, true, true},
	{"/proc/sys/net/netfilter/nf_conntrack_acct", 1, false, false},
	{"/proc/sys/net/netfilter/nf_conntrack_timestamp", 1, false, false},
	{"/proc/sys/net/netfilter/nf_conntrack_tcp_timeout_time_wait", CONNTRACK_TIME_WAIT_S, false,
	 false},
	/* The proxy's sockets have clients' and servers' addresses. A connection that is forwarded,
	   but has the addresses and ports of one that was proxied within the last minute
	   (TIME_WAIT), would find that socket here, ahead of routing, and be dropped as not ours to
	   forward. Both families. */
	{"/proc/sys/net/ipv4/tcp_early_demux", 0, false, false},
};

#define SETTING_COUNT (sizeof(s_settings) / sizeof(s_settings[0]))

static int write_setting(const char *path, unsigned int value)
{
	cleanup(close_descriptor) int descriptor = open(path, O_WRONLY | O_CLOEXEC);

	return descriptor < 0 || dprintf(descriptor, "%u\n", value) < 0 ? -errno : 0;
}

/* 1: it was off (0); 0: it had another value, or this one. */
static int set(const char *path, unsigned int value)
{
	char text[16] = "";
	cleanup(close_descriptor) int descriptor = open(path, O_RDONLY | O_CLOEXEC);
	unsigned long now;
	int r;

	if (descriptor < 0 || read(descriptor, text, sizeof(text) - 1) < 0)
		return -errno;
	now = strtoul(text, NULL, 10);
	if (now == value)
		return 0;
	r = write_setting(path, value);
	return r ? r : now == 0;
}

int host_sysctl_prepare(bool set_forwarding, unsigned int *ret_switched, const char **ret_path)
{
	for (size_t i = 0; i < SETTING_COUNT; i++) {
		int r;

		if (s_settings[i].forwarding && !set_forwarding)
			continue;
		r = set(s_settings[i].path, s_settings[i].value);
		if (r == -ENOENT && s_settings[i].needs_v6)
			continue; /* a kernel without IPv6 forwards none */
		if (r < 0) {
			*ret_path = s_settings[i].path;
			return r;
		}
		if (r > 0)
			*ret_switched |= 1u << i;
	}
	return 0;
}

int host_sysctl_restore(unsigned int switched)
{
	int error = 0;

	for (size_t i = 0; i < SETTING_COUNT; i++) {
		if (!(switched & 1u << i))
			continue;
		int r = write_setting(s_settings[i].path, 0);
		if (r < 0)
			error = r;
	}
	return error;
}

static bool is_own_address(const struct ifaddrs *entry, struct ip_address *ret_address)
{
	struct sockaddr_storage storage = {0};
	struct ip_endpoint endpoint;

	if (!entry->ifa_addr || (entry->ifa_flags & IFF_LOOPBACK))
		return false;
	if (entry->ifa_addr->sa_family == AF_INET)
		*(struct sockaddr_in *)&storage =
			*(const struct sockaddr_in *)(void *)entry->ifa_addr;
	else if (entry->ifa_addr->sa_family == AF_INET6)
		*(struct sockaddr_in6 *)&storage =
			*(const struct sockaddr_in6 *)(void *)entry->ifa_addr;
	if (ip_from_sockaddr(&storage, &endpoint) != 0)
		return false;
	*ret_address = endpoint.address;
	if (endpoint.address.family == 4)
		return endpoint.address.bytes[0] != 169 || endpoint.address.bytes[1] != 254;
	return endpoint.address.bytes[0] != 0xfe || (endpoint.address.bytes[1] & 0xc0) != 0x80;
}

int host_addresses(struct ip_address *addresses, size_t capacity, size_t *ret_count)
{
	struct ip_address address;
	struct ifaddrs *list;
	size_t count = 0;
	int r = 0;

	if (getifaddrs(&list) < 0)
		return -errno;
	for (const struct ifaddrs *entry = list; entry; entry = entry->ifa_next) {
		if (!is_own_address(entry, &address))
			continue;
		if (count == capacity) {
			r = -ENOSPC;
			break;
		}
		addresses[count++] = address;
	}
	freeifaddrs(list);
	if (r == 0)
		*ret_count = count;
	return r;
}
