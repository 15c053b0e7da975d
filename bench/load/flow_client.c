/*
 * The client of the measuring laboratory: TLS's first bytes as a real client sent them, then bytes
 * without meaning; no cryptography, so that what is measured is the way between client and server.
 *
 * usage: flow_client bulk|connections|hold OPTION...   (see s_usage)
 */
#include <getopt.h>

#include "die.h"
#include "flow_client.h"

static const char s_usage[] =
	"usage: flow_client bulk|connections|hold OPTION...\n"
	"  --to ADDRESS[,ADDRESS...]    destinations, taken in turn\n"
	"  --from ADDRESS[,ADDRESS...]  sources, taken in turn (default: the kernel's choice)\n"
	"  --port PORT                  default 443\n"
	"  --hello FILE                 a recorded ClientHello; or\n"
	"  --http HOST                  an HTTP request\n"
	"  --direction down|up          where the bytes go (bulk); default down\n"
	"  --at-once N                  connections at a time; default 1\n"
	"  --threads N                  default 1\n"
	"  --seconds S --warm-up S      how long is counted, after how long; default 1 and 0.2\n";

static const struct option s_options[] = {
	{"to", required_argument, NULL, 't'},
	{"from", required_argument, NULL, 'f'},
	{"port", required_argument, NULL, 'p'},
	{"hello", required_argument, NULL, 'h'},
	{"http", required_argument, NULL, 'H'},
	{"direction", required_argument, NULL, 'd'},
	{"at-once", required_argument, NULL, 'n'},
	{"threads", required_argument, NULL, 'T'},
	{"seconds", required_argument, NULL, 's'},
	{"warm-up", required_argument, NULL, 'w'},
	{NULL, 0, NULL, 0},
};

struct words {
	const char *to, *from, *hello, *http;
	uint16_t port;
};

static void read_option(int option, struct load *load, struct words *words)
{
	switch (option) {
	case 't':
		words->to = optarg;
		break;
	case 'f':
		words->from = optarg;
		break;
	case 'p':
		words->port = (uint16_t)atoi(optarg);
		break;
	case 'h':
		words->hello = optarg;
		break;
	case 'H':
		words->http = optarg;
		break;
	case 'd':
		load->purpose = strcmp(optarg, "up") == 0 ? PURPOSE_UP : PURPOSE_DOWN;
		break;
	case 'n':
		load->at_once = (unsigned int)atoi(optarg);
		break;
	case 'T':
		load->threads = (unsigned int)atoi(optarg);
		break;
	case 's':
		load->seconds = atof(optarg);
		break;
	case 'w':
		load->warm_up = atof(optarg);
		break;
	default:
		die("%s", s_usage);
	}
}

static void (*verb_of(const char *word))(const struct load *)
{
	if (strcmp(word, "bulk") == 0)
		return load_bulk;
	if (strcmp(word, "connections") == 0)
		return load_connections;
	if (strcmp(word, "hold") == 0)
		return load_hold;
	die("%s", s_usage);
}

int main(int argc, char **argv)
{
	struct load load = {.at_once = 1, .threads = 1, .seconds = 1, .warm_up = 0.2};
	struct words words = {.port = 443};

	if (argc < 2)
		die("%s", s_usage);
	void (*verb)(const struct load *) = verb_of(argv[1]);

	load.purpose = verb == load_bulk ? PURPOSE_DOWN : PURPOSE_GREET;
	for (int option; (option = getopt_long(argc - 1, argv + 1, "", s_options, NULL)) != -1;)
		read_option(option, &load, &words);
	if (!words.to || !words.hello == !words.http || !load.at_once || !load.threads)
		die("%s", s_usage);
	if (load.threads > load.at_once)
		load.threads = load.at_once;
	target_set_addresses(&load.target, words.to, words.port, words.from);
	if (words.hello)
		target_set_hello(&load.target, words.hello);
	else
		target_set_http(&load.target, words.http, load.purpose);
	verb(&load);
	return 0;
}
