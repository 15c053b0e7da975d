/*
 * The upstream DNS server of the measuring laboratory: whatever name is asked for has an A record,
 * and the answer leaves at once; so that what is measured is what stands before it. Other types
 * have no record and the answer says so. The address follows from the name, within 198.18.0.0/15.
 *
 * usage: dns_server --address ADDRESS [--port PORT] [--threads N] [--ttl SECONDS]
 *                   [--fixed NAME=ADDRESS[,ADDRESS...]]   (one name, its addresses)
 */
#include <arpa/inet.h>
#include <getopt.h>
#include <pthread.h>
#include <stdbool.h>
#include <sys/socket.h>

#include "die.h"
#include "dns_message.h"

#define BATCH     64
#define ADDRESSES 64
#define ANSWER    16 /* pointer to the name, type, class, TTL, length, address */
#define SOA       34 /* the same, with two names and five numbers in place of the address */

struct settings {
	struct sockaddr_in listen;
	int threads;
	uint32_t ttl;
	uint8_t fixed[DNS_MESSAGE_MAX]; /* the question for the fixed name */
	size_t fixed_length;
	struct in_addr addresses[ADDRESSES];
	size_t address_count;
};

/* FNV-1a, of a name in whatever case. */
static uint32_t hash_of(const uint8_t *name, size_t length)
{
	uint32_t hash = 2166136261u;

	for (size_t i = 0; i < length; i++)
		hash = (hash ^ (name[i] | 0x20)) * 16777619u;
	return hash;
}

static size_t add_answer(const struct settings *settings, uint8_t *at, struct in_addr address)
{
	const uint8_t head[] = {0xc0, DNS_HEADER, 0, DNS_TYPE_A, 0, 1};
	uint32_t ttl = htonl(settings->ttl);

	memcpy(at, head, sizeof(head));
	memcpy(at + 6, &ttl, 4);
	at[10] = 0;
	at[11] = 4;
	memcpy(at + 12, &address, 4);
	return ANSWER;
}

/* A name without addresses of that family: the zone's SOA says how long that holds (RFC 2308), as
   of a real resolver; without it nobody keeps the answer. */
static size_t add_nothing(const struct settings *settings, uint8_t *at)
{
	const uint8_t head[] = {0xc0, DNS_HEADER, 0, DNS_TYPE_SOA, 0, 1};
	uint32_t ttl = htonl(settings->ttl);

	memset(at, 0, SOA);
	memcpy(at, head, sizeof(head));
	memcpy(at + 6, &ttl, 4);
	at[11] = 22;                   /* two names, both the root, and five numbers */
	memcpy(at + SOA - 4, &ttl, 4); /* the last: how long to keep */
	return SOA;
}

/* Turns a question into its answer, in place; 0: it deserves none. */
static size_t answer(const struct settings *settings, uint8_t *message, size_t length)
{
	size_t end = dns_question_end(message, length), at = end, count = 0;

	if (end == 0 || message[2] & 0x80)
		return 0;
	bool is_a = message[end - 4] == 0 && message[end - 3] == DNS_TYPE_A;

	if (is_a && end == settings->fixed_length &&
	    strncasecmp((const char *)message + DNS_HEADER,
			(const char *)settings->fixed + DNS_HEADER, end - DNS_HEADER) == 0) {
		for (; count < settings->address_count; count++)
			at += add_answer(settings, message + at, settings->addresses[count]);
	} else if (is_a) {
		uint32_t hash = hash_of(message + DNS_HEADER, end - DNS_HEADER);
		struct in_addr address = {htonl(0xc6120000u | (hash ^ hash >> 17) % 0x1ffffu)};

		at += add_answer(settings, message + at, address);
		count = 1;
	} else {
		at += add_nothing(settings, message + at);
	}
	message[2] = 0x80 | (message[2] & 0x01); /* an answer, recursion desired as asked */
	message[3] = 0x80;                       /* recursion available, no error */
	memset(message + 6, 0, 6);
	message[7] = (uint8_t)count;
	message[9] = !is_a;
	return at;
}

static int bind_socket(const struct settings *settings)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), on = 1, room = 4 << 20;

	setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on));
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room));
	setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &room, sizeof(room));
	if (bind(fd, (const struct sockaddr *)&settings->listen, sizeof(settings->listen)) < 0)
		die_errno("bind");
	return fd;
}

struct batch {
	struct mmsghdr headers[BATCH];
	struct iovec pieces[BATCH];
	struct sockaddr_in peers[BATCH];
	uint8_t messages[BATCH][DNS_MESSAGE_MAX + ADDRESSES * ANSWER];
};

static void batch_reset(struct batch *batch)
{
	for (int i = 0; i < BATCH; i++) {
		batch->pieces[i] = (struct iovec){batch->messages[i], DNS_MESSAGE_MAX};
		batch->headers[i].msg_hdr = (struct msghdr){.msg_name = &batch->peers[i],
							    .msg_namelen = sizeof(batch->peers[i]),
							    .msg_iov = &batch->pieces[i],
							    .msg_iovlen = 1};
	}
}

static void *serve(void *argument)
{
	const struct settings *settings = argument;
	struct batch *batch = calloc(1, sizeof(*batch));
	int fd = bind_socket(settings);

	if (!batch)
		die_errno("memory");
	for (;;) {
		unsigned int count = 0;

		batch_reset(batch);
		int got = recvmmsg(fd, batch->headers, BATCH, MSG_WAITFORONE, NULL);

		for (int i = 0; i < got; i++) {
			size_t length =
				answer(settings, batch->messages[i], batch->headers[i].msg_len);

			if (length == 0)
				continue;
			batch->pieces[i].iov_len = length;
			batch->headers[count++].msg_hdr = batch->headers[i].msg_hdr;
		}
		for (unsigned int sent = 0; sent < count;) {
			int done = sendmmsg(fd, batch->headers + sent, count - sent, 0);

			sent += done > 0 ? (unsigned int)done
					 : 1; /* one that cannot be sent is lost */
		}
	}
	return NULL;
}

static void set_fixed(struct settings *settings, char *text)
{
	char *rest = strchr(text, '=');

	if (!rest)
		die("--fixed NAME=ADDRESS");
	*rest++ = '\0';
	settings->fixed_length = dns_write_question(settings->fixed, text);
	for (char *word; (word = strsep(&rest, ",")) && settings->address_count < ADDRESSES;)
		if (inet_pton(AF_INET, word, &settings->addresses[settings->address_count++]) != 1)
			die("'%s' is no IPv4 address", word);
}

static void read_options(int argc, char **argv, struct settings *settings)
{
	static const struct option options[] = {
		{"address", required_argument, NULL, 'a'}, {"port", required_argument, NULL, 'p'},
		{"threads", required_argument, NULL, 'T'}, {"ttl", required_argument, NULL, 't'},
		{"fixed", required_argument, NULL, 'f'},   {NULL, 0, NULL, 0},
	};

	for (int option; (option = getopt_long(argc, argv, "", options, NULL)) != -1;) {
		if (option == 'a' && inet_pton(AF_INET, optarg, &settings->listen.sin_addr) != 1)
			die("'%s' is no IPv4 address", optarg);
		else if (option == 'p')
			settings->listen.sin_port = htons((uint16_t)atoi(optarg));
		else if (option == 'T')
			settings->threads = atoi(optarg);
		else if (option == 't')
			settings->ttl = (uint32_t)atoi(optarg);
		else if (option == 'f')
			set_fixed(settings, optarg);
		else if (option == '?')
			die("usage: dns_server --address ADDRESS [--port PORT] [--threads N] "
			    "[--ttl SECONDS] [--fixed NAME=ADDRESS,...]");
	}
}

int main(int argc, char **argv)
{
	static struct settings settings = {
		.listen = {.sin_family = AF_INET}, .threads = 1, .ttl = 60};
	pthread_t thread;

	settings.listen.sin_port = htons(53);
	read_options(argc, argv, &settings);
	for (int i = 0; i < settings.threads; i++)
		if (pthread_create(&thread, NULL, serve, &settings))
			die("no thread");
	puts("ready");
	fflush(stdout);
	pthread_join(thread, NULL);
	return 0;
}
