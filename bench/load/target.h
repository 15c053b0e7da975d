/*
 * What the load client connects to and says first. The request is a ClientHello as a real client
 * sent it, read from a file, or the head of an HTTP request; the server's first flight answers it,
 * and after that one byte (TLS) or the request's path and method (HTTP) say what is to flow.
 */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TARGET_ADDRESSES 64
#define REQUEST_MAX      4096

enum purpose {
	PURPOSE_GREET, /* the first flight alone */
	PURPOSE_DOWN,  /* then bytes from the server without end */
	PURPOSE_UP,    /* then bytes to the server without end */
};

struct target {
	struct sockaddr_in to[TARGET_ADDRESSES], from[TARGET_ADDRESSES];
	size_t to_count, from_count; /* from_count 0: the kernel chooses */
	bool is_http;
	char request[REQUEST_MAX];
	size_t request_length;
};

/* "192.0.2.1,192.0.2.2" with one port. Each ends the program when it cannot. */
void target_set_addresses(struct target *target, const char *to, uint16_t port, const char *from);
void target_set_hello(struct target *target, const char *file);
void target_set_http(struct target *target, const char *host, enum purpose purpose);

/*
 * Begins a connection that does not block, the `serial`-th: sources and destinations take turns, so
 * that the ports of none run out. Negative errno when the kernel refuses.
 */
int target_connect(const struct target *target, uint64_t serial);

/* Sends the request over a new connection. False: it failed. */
bool target_greet(const struct target *target, int fd);
