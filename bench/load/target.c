#include <arpa/inet.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>
#include <netinet/tcp.h>

#include "die.h"
#include "target.h"

/* As good as without end: 4 PiB. */
#define ENDLESS "4503599627370496"

static size_t parse_addresses(struct sockaddr_in *addresses, const char *text, uint16_t port)
{
	char *copy = strdup(text), *rest = copy;
	size_t count = 0;

	for (char *word; (word = strsep(&rest, ",")); count++) {
		if (count == TARGET_ADDRESSES)
			die("more than %d addresses", TARGET_ADDRESSES);
		addresses[count] =
			(struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(port)};
		if (inet_pton(AF_INET, word, &addresses[count].sin_addr) != 1)
			die("'%s' is no IPv4 address", word);
	}
	free(copy);
	return count;
}

void target_set_addresses(struct target *target, const char *to, uint16_t port, const char *from)
{
	target->to_count = parse_addresses(target->to, to, port);
	target->from_count = from ? parse_addresses(target->from, from, 0) : 0;
}

void target_set_hello(struct target *target, const char *file)
{
	FILE *stream = fopen(file, "rb");

	if (!stream)
		die_errno(file);
	target->request_length = fread(target->request, 1, REQUEST_MAX, stream);
	fclose(stream);
	if (target->request_length < 5 || target->request[0] != 0x16)
		die("%s: not a TLS handshake record", file);
}

void target_set_http(struct target *target, const char *host, enum purpose purpose)
{
	static const char *const lines[] = {
		[PURPOSE_GREET] = "GET /greet",
		[PURPOSE_DOWN] = "GET /down",
		[PURPOSE_UP] = "POST /up",
	};
	const char *body = purpose == PURPOSE_UP ? "Content-Length: " ENDLESS "\r\n" : "";

	target->is_http = true;
	target->request_length =
		(size_t)snprintf(target->request, REQUEST_MAX, "%s HTTP/1.1\r\nHost: %s\r\n%s\r\n",
				 lines[purpose], host, body);
}

int target_connect(const struct target *target, uint64_t serial)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), on = 1;
	size_t turn = target->from_count ? serial / target->from_count : serial;
	const struct sockaddr_in *to = &target->to[turn % target->to_count];

	if (fd < 0)
		return -errno;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (target->from_count) {
		const struct sockaddr_in *from = &target->from[serial % target->from_count];

		/* The port is chosen at connect(), when the whole of the tuple is known. */
		setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on));
		if (bind(fd, (const struct sockaddr *)from, sizeof(*from)) < 0)
			die_errno("bind");
	}
	if (connect(fd, (const struct sockaddr *)to, sizeof(*to)) < 0 && errno != EINPROGRESS) {
		int error = errno;

		close(fd);
		return -error;
	}
	return fd;
}

bool target_greet(const struct target *target, int fd)
{
	return send(fd, target->request, target->request_length, MSG_NOSIGNAL) ==
	       (ssize_t)target->request_length;
}
