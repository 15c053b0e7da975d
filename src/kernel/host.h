/* What the host around the table needs: policy routing for TPROXY, forwarding, the life sign. */
#pragma once

#include "base/ip.h"

/* `ip rule fwmark TPROXY lookup 7053` and `local default dev lo table 7053`, both families.
 * Idempotent. */
int host_routing_install(void);
int host_routing_remove(void);

/*
 * net.ipv4.ip_forward, net.ipv6.conf.all.forwarding, conntrack accounting and timestamps, how long
 * it keeps closed connections, and no search for a local socket ahead of routing. Only once the
 * ruleset is loaded: before it nothing may be forwarded, and the conntrack settings come with its
 * first use. Each setting that was off is added to *ret_switched as a bit, also on failure;
 * then ret_path points at the constant path of the setting that could not be written.
 */
int host_sysctl_prepare(bool set_forwarding, unsigned int *ret_switched, const char **ret_path);
/* Switches off again what `switched` names. */
int host_sysctl_restore(unsigned int switched);

/* The addresses of this host's interfaces (loopback and link-local left out). */
int host_addresses(struct ip_address *addresses, size_t capacity, size_t *ret_count);

/*
 * The life sign: a table of its own (`sallyport_alive`) that belongs to our netlink socket. It
 * marks packets from the inside as ALIVE; without that mark no new connection is admitted. And it
 * drops what leaves with the mark, as nothing does that the ruleset let pass: while the process
 * lives nobody opens the gateway by flushing the ruleset. The kernel removes the table the moment
 * the process dies, however it dies.
 */
struct life_sign;
struct life_sign *life_sign_start(const char *const *interfaces, size_t count); /* NULL: errno */
void life_sign_stop(struct life_sign *sign);

/* Deletes our table (on_stop: flush). */
int host_ruleset_flush(void);
