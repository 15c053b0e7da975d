/*
 * The DNS load of the measuring laboratory: keeps a window of questions unanswered on each of its
 * sockets (each a port of its own), hot (a few names again and again) or cold (every name new), and
 * counts what comes back. A question without an answer after PATIENCE is lost. With --rate, no more
 * questions leave than so many a second: then the longest wait says how long the server paused.
 *
 * usage: dns_client --server ADDRESS --suffix NAME --names N|new OPTION...   (see s_usage)
 */
#include <arpa/inet.h>
#include <getopt.h>
#include <pthread.h>
#include <stdbool.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clock.h"
#include "die.h"
#include "dns_message.h"
#include "histogram.h"

#define PATIENCE    NS_PER_SECOND
#define SWEEP_EVERY (NS_PER_SECOND / 20)
#define WINDOW_MAX  1024
#define BATCH       64
#define LABEL       9 /* "x" and eight letters that are a number */
#define CODES       16

static const char s_usage[] =
	"usage: dns_client --server ADDRESS --suffix NAME --names N|new OPTION...\n"
	"  --port PORT       default 53\n"
	"  --threads N       default 1\n"
	"  --sockets N       of each thread; default 8\n"
	"  --window N        unanswered questions of each socket, at most 1024; default 32\n"
	"  --rate N          questions a second at most; default 0: as many as the windows let\n"
	"  --seconds S --warm-up S   how long is counted, after how long; default 1 and 0.2\n";

struct settings {
	struct sockaddr_in server;
	const char *suffix;
	uint32_t names; /* 0: every name is new */
	int threads, sockets, window;
	double rate, seconds, warm_up;
};

struct socket_state {
	int fd;
	uint64_t sent[WINDOW_MAX];       /* 0: the place is free */
	uint16_t generation[WINDOW_MAX]; /* of the id: a late answer is not taken for the next one's
					  */
	int free[WINDOW_MAX], free_count;
};

struct asker {
	const struct settings *settings;
	pthread_t thread;
	int epoll;
	struct socket_state *sockets;
	uint8_t question[DNS_MESSAGE_MAX];
	size_t question_length;
	uint64_t next_name, salt, asked;
	uint64_t began, count_from, end;
	uint64_t answered, lost, codes[CODES], all;
	struct histogram times;
};

/* The number as eight letters, into the first label. */
static void write_number(uint8_t *label, uint64_t number)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz234567";

	for (int i = 0; i < LABEL - 1; i++, number >>= 5)
		label[i] = (uint8_t)letters[number & 31];
}

static uint16_t id_of(const struct settings *settings, const struct socket_state *state, int place)
{
	return (uint16_t)(place + state->generation[place] * settings->window);
}

static int may_ask(const struct asker *asker, uint64_t now)
{
	double rate = asker->settings->rate / asker->settings->threads;

	if (rate <= 0)
		return BATCH;
	double allowed = (double)(now - asker->began) / NS_PER_SECOND * rate - (double)asker->asked;

	return allowed < 1 ? 0 : allowed > BATCH ? BATCH : (int)allowed;
}

static void ask(struct asker *asker, struct socket_state *state, uint64_t now)
{
	uint8_t questions[BATCH][DNS_MESSAGE_MAX];
	struct iovec pieces[BATCH];
	struct mmsghdr headers[BATCH] = {0};
	int places[BATCH], count = 0, limit = may_ask(asker, now);

	while (count < limit && state->free_count > 0) {
		int place = state->free[--state->free_count];
		uint32_t names = asker->settings->names;
		uint64_t number = asker->next_name++;
		uint16_t id = htons(id_of(asker->settings, state, place));

		memcpy(questions[count], asker->question, asker->question_length);
		memcpy(questions[count], &id, 2);
		write_number(questions[count] + DNS_HEADER + 2,
			     names ? number % names : number ^ asker->salt);
		pieces[count] = (struct iovec){questions[count], asker->question_length};
		headers[count].msg_hdr =
			(struct msghdr){.msg_iov = &pieces[count], .msg_iovlen = 1};
		places[count++] = place;
	}
	int sent = count ? sendmmsg(state->fd, headers, (unsigned int)count, 0) : 0;

	for (int i = 0; i < count; i++) {
		if (i < sent)
			state->sent[places[i]] = now;
		else
			state->free[state->free_count++] = places[i];
	}
	asker->asked += sent > 0 ? (uint64_t)sent : 0;
}

static bool counts(const struct asker *asker, uint64_t now)
{
	return now >= asker->count_from && now < asker->end;
}

static void release(struct socket_state *state, int place, const struct settings *settings)
{
	state->sent[place] = 0;
	state->generation[place] =
		(uint16_t)((state->generation[place] + 1) % (65536 / settings->window));
	state->free[state->free_count++] = place;
}

static void take(struct asker *asker, struct socket_state *state, const uint8_t *answer,
		 size_t length, uint64_t now)
{
	if (length < DNS_HEADER || !(answer[2] & 0x80))
		return;
	uint16_t id = (uint16_t)(answer[0] << 8 | answer[1]);
	int place = id % asker->settings->window;

	if (!state->sent[place] || id_of(asker->settings, state, place) != id)
		return;
	asker->all++;
	if (counts(asker, now)) {
		asker->answered++;
		asker->codes[answer[3] & 15]++;
		histogram_add(&asker->times, now - state->sent[place]);
	}
	release(state, place, asker->settings);
}

static void hear(struct asker *asker, struct socket_state *state)
{
	uint8_t answers[BATCH][DNS_MESSAGE_MAX];
	struct iovec pieces[BATCH];
	struct mmsghdr headers[BATCH] = {0};
	int got;

	do {
		for (int i = 0; i < BATCH; i++) {
			pieces[i] = (struct iovec){answers[i], DNS_MESSAGE_MAX};
			headers[i].msg_hdr =
				(struct msghdr){.msg_iov = &pieces[i], .msg_iovlen = 1};
		}
		got = recvmmsg(state->fd, headers, BATCH, MSG_DONTWAIT, NULL);
		uint64_t now = clock_ns();

		for (int i = 0; i < got; i++)
			take(asker, state, answers[i], headers[i].msg_len, now);
		ask(asker, state, now);
	} while (got == BATCH);
}

static void sweep(struct asker *asker, uint64_t now)
{
	for (int i = 0; i < asker->settings->sockets; i++) {
		struct socket_state *state = &asker->sockets[i];

		for (int place = 0; place < asker->settings->window; place++) {
			if (!state->sent[place] || now < state->sent[place] + PATIENCE)
				continue;
			asker->lost += counts(asker, now);
			release(state, place, asker->settings);
		}
		ask(asker, state, now);
	}
}

static void *asker_run(void *argument)
{
	struct asker *asker = argument;
	struct epoll_event events[64];
	uint64_t now = asker->began, next_sweep = now;

	for (; now < asker->end; now = clock_ns()) {
		int count =
			epoll_wait(asker->epoll, events, 64, asker->settings->rate > 0 ? 1 : 10);

		for (int i = 0; i < count; i++)
			hear(asker, events[i].data.ptr);
		if (now >= next_sweep) {
			sweep(asker, now);
			next_sweep = now + SWEEP_EVERY;
		} else if (asker->settings->rate > 0) {
			ask(asker, &asker->sockets[asker->asked % asker->settings->sockets], now);
		}
	}
	return NULL;
}

static void open_socket(struct asker *asker, struct socket_state *state)
{
	const struct settings *settings = asker->settings;
	struct epoll_event event = {.events = EPOLLIN, .data.ptr = state};
	int room = 1 << 20;

	state->fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	setsockopt(state->fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room));
	if (connect(state->fd, (const struct sockaddr *)&settings->server,
		    sizeof(settings->server)) < 0 ||
	    epoll_ctl(asker->epoll, EPOLL_CTL_ADD, state->fd, &event) < 0)
		die_errno("a socket");
	for (int place = 0; place < settings->window; place++)
		state->free[state->free_count++] = place;
}

static void asker_init(struct asker *asker, const struct settings *settings, int index)
{
	char name[300];

	snprintf(name, sizeof(name), "xaaaaaaaa.%s", settings->suffix);
	*asker = (struct asker){.settings = settings, .epoll = epoll_create1(EPOLL_CLOEXEC)};
	asker->question_length = dns_write_question(asker->question, name);
	asker->began = clock_ns();
	asker->salt = ((uint64_t)getpid() << 24 ^ asker->began) & ~0x3fffffffull;
	asker->next_name = (uint64_t)index << 28; /* no name is asked for by two threads */
	asker->count_from = asker->began + (uint64_t)(settings->warm_up * NS_PER_SECOND);
	asker->end = asker->count_from + (uint64_t)(settings->seconds * NS_PER_SECOND);
	asker->sockets = calloc((size_t)settings->sockets, sizeof(*asker->sockets));
	if (!asker->sockets)
		die_errno("memory");
	for (int i = 0; i < settings->sockets; i++)
		open_socket(asker, &asker->sockets[i]);
}

static void read_option(int option, struct settings *settings)
{
	switch (option) {
	case 's':
		if (inet_pton(AF_INET, optarg, &settings->server.sin_addr) != 1)
			die("'%s' is no IPv4 address", optarg);
		break;
	case 'x':
		settings->suffix = optarg;
		break;
	case 'n':
		settings->names = strcmp(optarg, "new") == 0 ? 0 : (uint32_t)atoi(optarg);
		break;
	case 'p':
		settings->server.sin_port = htons((uint16_t)atoi(optarg));
		break;
	case 'T':
		settings->threads = atoi(optarg);
		break;
	case 'k':
		settings->sockets = atoi(optarg);
		break;
	case 'w':
		settings->window = atoi(optarg);
		break;
	case 'r':
		settings->rate = atof(optarg);
		break;
	case 'S':
		settings->seconds = atof(optarg);
		break;
	case 'W':
		settings->warm_up = atof(optarg);
		break;
	default:
		die("%s", s_usage);
	}
}

static void print_total(const struct asker *total, const struct settings *settings)
{
	printf("{\"per_second\": %.1f, \"lost\": %llu, \"good\": %llu, \"refused\": %llu, "
	       "\"failed\": %llu, \"p50_us\": %.1f, \"p99_us\": %.1f, \"longest_us\": %.1f, "
	       "\"all\": %llu}\n",
	       (double)total->answered / settings->seconds, (unsigned long long)total->lost,
	       (unsigned long long)total->codes[0], (unsigned long long)total->codes[5],
	       (unsigned long long)(total->answered - total->codes[0] - total->codes[5]),
	       histogram_quantile_us(&total->times, 0.5),
	       histogram_quantile_us(&total->times, 0.99), (double)total->times.longest_ns / 1000,
	       (unsigned long long)total->all);
}

static void run(const struct settings *settings)
{
	struct asker *askers = calloc((size_t)settings->threads, sizeof(*askers)), *total;

	total = calloc(1, sizeof(*total));
	if (!askers || !total)
		die_errno("memory");
	for (int i = 0; i < settings->threads; i++) {
		asker_init(&askers[i], settings, i);
		if (pthread_create(&askers[i].thread, NULL, asker_run, &askers[i]))
			die("no thread");
	}
	for (int i = 0; i < settings->threads; i++) {
		pthread_join(askers[i].thread, NULL);
		total->answered += askers[i].answered;
		total->lost += askers[i].lost;
		total->all += askers[i].all;
		for (int code = 0; code < CODES; code++)
			total->codes[code] += askers[i].codes[code];
		histogram_merge(&total->times, &askers[i].times);
	}
	print_total(total, settings);
	free(total);
	free(askers);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{"server", required_argument, NULL, 's'},
		{"suffix", required_argument, NULL, 'x'},
		{"names", required_argument, NULL, 'n'},
		{"port", required_argument, NULL, 'p'},
		{"threads", required_argument, NULL, 'T'},
		{"sockets", required_argument, NULL, 'k'},
		{"window", required_argument, NULL, 'w'},
		{"rate", required_argument, NULL, 'r'},
		{"seconds", required_argument, NULL, 'S'},
		{"warm-up", required_argument, NULL, 'W'},
		{NULL, 0, NULL, 0},
	};
	struct settings settings = {.server = {.sin_family = AF_INET},
				    .threads = 1,
				    .sockets = 8,
				    .window = 32,
				    .seconds = 1,
				    .warm_up = 0.2};

	settings.server.sin_port = htons(53);
	for (int option; (option = getopt_long(argc, argv, "", options, NULL)) != -1;)
		read_option(option, &settings);
	if (!settings.suffix || !settings.server.sin_addr.s_addr || settings.threads < 1 ||
	    settings.sockets < 1 || settings.window < 1 || settings.window > WINDOW_MAX)
		die("%s", s_usage);
	run(&settings);
	return 0;
}
