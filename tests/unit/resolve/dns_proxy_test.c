#include "resolve_case.h"
#include "../skip.h"

#include "resolve/dns_proxy.h"

#define EDE 15

/* A DNS proxy in the small world, one client of it over UDP and one over TCP. */
struct scene {
	struct world *world;
	struct dns_proxy *proxy;
	struct events *events;
	char log[64];
	struct ip_endpoint endpoint;
	struct loop_watch udp, tcp;
	struct builder query;
	uint8_t reply[70000]; /* UDP: the last; TCP: the stream */
	size_t length;
	size_t wanted; /* replies over TCP that end the run */
	bool closed;
	bool readable_when_learned;
};

static struct scene *s_scene;

static void udp_reply(struct loop_watch *watch, uint32_t events)
{
	ssize_t length = recv(watch->descriptor, s_scene->reply, sizeof(s_scene->reply), 0);

	(void)events;
	assert_true(length > 0);
	s_scene->length = (size_t)length;
	loop_stop(s_scene->world->loop);
}

static size_t count_frames(void)
{
	size_t at = 0, count = 0;

	while (at + 2 <= s_scene->length) {
		size_t length = (size_t)(s_scene->reply[at] << 8 | s_scene->reply[at + 1]);

		if (at + 2 + length > s_scene->length)
			break;
		at += 2 + length;
		count++;
	}
	return count;
}

static void tcp_reply(struct loop_watch *watch, uint32_t events)
{
	ssize_t length = recv(watch->descriptor, s_scene->reply + s_scene->length,
			      sizeof(s_scene->reply) - s_scene->length, 0);

	(void)events;
	if (length > 0)
		s_scene->length += (size_t)length;
	if (length <= 0) {
		s_scene->closed = true;
		loop_watch_remove(s_scene->world->loop, watch);
	}
	if (s_scene->closed || (s_scene->wanted && count_frames() >= s_scene->wanted))
		loop_stop(s_scene->world->loop);
}

static int connect_to_proxy(int type)
{
	struct sockaddr_storage address;
	socklen_t length = ip_to_sockaddr(&s_scene->endpoint, &address);
	int descriptor = open_local(type, 0);

	assert_true(connect(descriptor, (struct sockaddr *)&address, length) == 0 ||
		    errno == EINPROGRESS);
	return descriptor;
}

static void open_tcp(void)
{
	int descriptor = connect_to_proxy(SOCK_STREAM);

	s_scene->length = 0;
	s_scene->closed = false;
	assert_int_equal(
		loop_watch_add(s_scene->world->loop, &s_scene->tcp, descriptor, EPOLLIN, tcp_reply),
		0);
}

static void close_tcp(void)
{
	loop_watch_remove(s_scene->world->loop, &s_scene->tcp);
	close(s_scene->tcp.descriptor);
}

static void stop_loop(struct loop_timer *timer)
{
	(void)timer;
	loop_stop(s_scene->world->loop);
}

/* Lets the others do what they have to do now. */
static void run_for(uint64_t milliseconds)
{
	struct loop_timer timer = {0};

	assert_int_equal(loop_timer_start(s_scene->world->loop, &timer, milliseconds, stop_loop),
			 0);
	loop_run(s_scene->world->loop);
}

static void settle(void)
{
	run_for(20);
}

/* The answer must not be on its way before it is learned: a datagram on loopback would be there. */
static void look_for_reply(struct world *world)
{
	uint8_t byte;

	(void)world;
	if (recv(s_scene->udp.descriptor, &byte, 1, MSG_PEEK | MSG_DONTWAIT) >= 0)
		s_scene->readable_when_learned = true;
}

static struct scene *scene_new_with(struct dns_proxy_settings settings)
{
	int udp, tcp;

	s_scene = calloc(1, sizeof(*s_scene));
	assert_non_null(s_scene);
	s_scene->world = world_new();
	s_scene->world->on_learn = look_for_reply;
	snprintf(s_scene->log, sizeof(s_scene->log), "/tmp/dns_proxy_test.XXXXXX");
	close(mkstemp(s_scene->log));
	s_scene->events = events_open(s_scene->log);
	assert_non_null(s_scene->events);
	s_scene->endpoint.port = open_pair(&udp, &tcp);
	s_scene->endpoint.address = ip_from_v4(INADDR_LOOPBACK);
	close(udp);
	close(tcp);
	if (settings.listen_count == 0)
		settings.listen[settings.listen_count++] = s_scene->endpoint;
	else
		settings.listen[0].port = s_scene->endpoint.port;
	s_scene->proxy = dns_proxy_new(s_scene->world->loop, s_scene->world->resolver,
				       s_scene->world->slot, s_scene->events, &settings);
	assert_non_null(s_scene->proxy);
	udp = connect_to_proxy(SOCK_DGRAM);
	assert_int_equal(
		loop_watch_add(s_scene->world->loop, &s_scene->udp, udp, EPOLLIN, udp_reply), 0);
	return s_scene;
}

static struct scene *scene_new(void)
{
	return scene_new_with((struct dns_proxy_settings){.query_capacity = 4});
}

static void scene_free(struct scene *scene)
{
	dns_proxy_free(scene->proxy);
	loop_watch_remove(scene->world->loop, &scene->udp);
	close(scene->udp.descriptor);
	events_close(scene->events);
	unlink(scene->log);
	world_free(scene->world);
	free(scene);
}

/* ------------------------------------------------------------- asking and reading */

static void make_query(const char *name, unsigned int type, unsigned int edns_size)
{
	start(&s_scene->query, RD, 0, 0, edns_size > 0);
	question(&s_scene->query, name, type);
	if (edns_size)
		opt_record(&s_scene->query, edns_size, 0);
}

static void ask_made(void)
{
	assert_int_equal(
		send(s_scene->udp.descriptor, s_scene->query.bytes, s_scene->query.length, 0),
		s_scene->query.length);
	s_scene->length = 0;
	world_run(s_scene->world);
}

static void ask(const char *name, unsigned int type, unsigned int edns_size)
{
	make_query(name, type, edns_size);
	ask_made();
}

static void send_tcp(void)
{
	uint8_t size[2] = {(uint8_t)(s_scene->query.length >> 8), (uint8_t)s_scene->query.length};

	send_all(s_scene->tcp.descriptor, size, 2);
	send_all(s_scene->tcp.descriptor, s_scene->query.bytes, s_scene->query.length);
}

static unsigned int reply_code(void)
{
	return s_scene->reply[3] & 0xfu;
}

static bool reply_is_truncated(void)
{
	return s_scene->reply[2] & (TC >> 8);
}

static unsigned int reply_answers(void)
{
	return (unsigned int)(s_scene->reply[6] << 8 | s_scene->reply[7]);
}

/* INFO-CODE of the extended error, which stands in the OPT at the end; -1: there is none. */
static int reply_extended_error(void)
{
	for (size_t i = 12; i + 6 <= s_scene->length; i++)
		if (s_scene->reply[i] == 0 && s_scene->reply[i + 1] == EDE &&
		    i + 4 + (size_t)(s_scene->reply[i + 2] << 8 | s_scene->reply[i + 3]) ==
			    s_scene->length)
			return s_scene->reply[i + 4] << 8 | s_scene->reply[i + 5];
	return -1;
}

static void assert_logged(const char *part)
{
	static char text[20000];
	FILE *file = fopen(s_scene->log, "r");
	size_t length;

	assert_non_null(file);
	length = fread(text, 1, sizeof(text) - 1, file);
	fclose(file);
	text[length] = '\0';
	if (!strstr(text, part))
		fail_msg("no \"%s\" in: %s", part, text);
}

/* ---------------------------------------------------------------------- the tests */

static void an_allowed_name_is_learned_before_its_answer_goes_out(void **state)
{
	struct scene *scene = scene_new();

	(void)state;
	ask("Plain.TEST.example", DNS_TYPE_A, 0);
	assert_int_equal(reply_code(), 0);
	assert_int_equal(reply_answers(), 1);
	assert_memory_equal(scene->reply, "\x12\x34", 2);
	assert_memory_equal(scene->reply + 12, "\5Plain\4TEST\7example", 19); /* as asked */
	assert_int_equal(scene->world->learnings, 1);
	assert_false(scene->readable_when_learned);
	assert_logged("\"action\":\"allow\"");
	assert_logged("names/test");
	assert_logged("\"name\":\"plain.test.example\"");
	ask("plain.test.example", DNS_TYPE_A, 0); /* from the cache */
	assert_int_equal(scene->world->learnings, 2);
	assert_false(scene->readable_when_learned);
	assert_int_equal(scene->world->upstreams[0].by_udp, 1);
	assert_int_equal(dns_proxy_figures(scene->proxy).answered, 2);
	scene_free(scene);
}

static void a_name_that_no_rule_allows_is_refused_with_an_extended_error(void **state)
{
	struct scene *scene = scene_new();

	(void)state;
	ask("evil.example", DNS_TYPE_A, 1232);
	assert_int_equal(reply_code(), REFUSED);
	assert_int_equal(reply_extended_error(), DNS_EDE_BLOCKED);
	assert_int_equal(scene->world->upstreams[0].by_udp, 0);
	assert_logged("\"reason\":\"dns_name\"");
	assert_logged("\"action\":\"deny\"");
	assert_logged("\"protocol\":\"dns\"");
	ask("test.example", DNS_TYPE_AAAA, 0); /* the apex of the wildcard; no EDNS */
	assert_int_equal(reply_code(), REFUSED);
	assert_int_equal(reply_extended_error(), -1);
	assert_int_equal(dns_proxy_figures(scene->proxy).refused, 2);
	scene_free(scene);
}

static void with_the_setting_denied_names_do_not_exist(void **state)
{
	struct scene *scene =
		scene_new_with((struct dns_proxy_settings){.denied_answer = DNS_DENIED_NXDOMAIN});

	(void)state;
	ask("evil.example", DNS_TYPE_A, 1232);
	assert_int_equal(reply_code(), NXDOMAIN);
	assert_int_equal(reply_extended_error(), DNS_EDE_BLOCKED);
	scene_free(scene);
}

static void with_resolve_any_denied_names_are_answered_but_not_learned(void **state)
{
	struct scene *scene = scene_new_with((struct dns_proxy_settings){.resolve_any = true});

	(void)state;
	ask("plain.evil.example", DNS_TYPE_A, 0);
	assert_int_equal(reply_code(), 0);
	assert_int_equal(reply_answers(), 1);
	assert_int_equal(scene->world->learnings, 0);
	assert_logged("answered but not learned");
	ask("plain.test.example", DNS_TYPE_A, 0);
	assert_int_equal(scene->world->learnings, 1);
	scene_free(scene);
}

static void an_answer_with_a_special_address_is_refused_whole(void **state)
{
	struct scene *scene = scene_new();

	(void)state;
	ask("special.test.example", DNS_TYPE_A, 1232);
	assert_int_equal(reply_code(), REFUSED);
	assert_int_equal(reply_answers(), 0);
	assert_int_equal(reply_extended_error(), DNS_EDE_BLOCKED);
	assert_int_equal(scene->world->learnings, 0);
	assert_logged("\"reason\":\"special_address\"");
	assert_logged("169.254.169.254");
	ask("private.test.example", DNS_TYPE_A, 1232);
	assert_int_equal(reply_code(), REFUSED);
	assert_logged("\"reason\":\"private_address\"");
	scene_free(scene);
}

static void ask_from(uint8_t last, const char *name)
{
	struct sockaddr_in self = {.sin_family = AF_INET,
				   .sin_addr.s_addr = htonl(0x7f000000u + last)};
	int descriptor = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	struct sockaddr_storage address;
	socklen_t length = ip_to_sockaddr(&s_scene->endpoint, &address);

	assert_int_equal(bind(descriptor, (struct sockaddr *)&self, sizeof(self)), 0);
	assert_int_equal(connect(descriptor, (struct sockaddr *)&address, length), 0);
	loop_watch_remove(s_scene->world->loop, &s_scene->udp);
	close(s_scene->udp.descriptor);
	assert_int_equal(
		loop_watch_add(s_scene->world->loop, &s_scene->udp, descriptor, EPOLLIN, udp_reply),
		0);
	ask(name, DNS_TYPE_A, 1232);
}

static void a_tunnel_below_a_wildcard_is_refused_and_others_are_not_harmed(void **state)
{
	struct scene *scene =
		scene_new_with((struct dns_proxy_settings){.denied_answer = DNS_DENIED_NXDOMAIN});
	unsigned int answered = 0;

	(void)state;
	ask_from(2, "known.test.example");
	for (int i = 0; i < 40; i++) {
		char name[128];

		snprintf(name, sizeof(name),
			 "abcdefghijklmnopqrstuvwxyz234567abcdefghijklmnopqrstuvwxyz23456."
			 "%08x.test.example",
			 i * 0x12345);
		ask_from(2, name);
		if (reply_code() == 0)
			answered++;
		else
			assert_int_equal(reply_code(),
					 REFUSED); /* of no name it is said that it is not */
	}
	assert_in_range(answered, 4, 8);
	assert_int_equal(reply_extended_error(), DNS_EDE_PROHIBITED);
	assert_logged("\"reason\":\"dns_budget\"");
	assert_int_equal(scene->world->upstreams[0].by_udp, 1 + answered);
	ask_from(2, "known.test.example");
	assert_int_equal(reply_code(), 0);
	ask_from(3, "fresh.test.example");
	assert_int_equal(reply_code(), 0);
	scene_free(scene);
}

#define ECS 8

static uint8_t s_upstream_query[600];
static size_t s_upstream_length;
static unsigned int s_upstream_questions;

static bool note_query(struct fake_upstream *upstream, const uint8_t *query, size_t length,
		       struct builder *reply)
{
	(void)upstream;
	(void)reply;
	memcpy(s_upstream_query, query, length);
	s_upstream_length = length;
	s_upstream_questions++;
	return false;
}

/* A query that says all that a query may say. */
static void make_talkative_query(const char *name)
{
	start(&s_scene->query, RD | CD | AD, 0, 0, 1);
	question(&s_scene->query, name, DNS_TYPE_A);
	put8(&s_scene->query, 0);
	put16(&s_scene->query, DNS_TYPE_OPT);
	put16(&s_scene->query, 4096);
	put32(&s_scene->query, 0);
	size_t begin = s_scene->query.length + 2;
	put16(&s_scene->query, 0);
	put16(&s_scene->query, ECS);
	put16(&s_scene->query, 8);
	put(&s_scene->query, "\0\1\40\0\6\6\6\6", 8);
	put16(&s_scene->query, 10); /* cookie */
	put16(&s_scene->query, 8);
	put(&s_scene->query, "smuggled", 8);
	close_record(&s_scene->query, begin);
}

static void nothing_of_a_client_but_the_name_goes_upstream(void **state)
{
	struct scene *scene = scene_new();
	uint8_t plain[600];
	size_t plain_length;

	(void)state;
	scene->world->upstreams[0].script = scene->world->upstreams[1].script = note_query;
	ask("www.test.example", DNS_TYPE_A, 0);
	plain_length = s_upstream_length;
	memcpy(plain, s_upstream_query, plain_length);
	make_talkative_query("wWw.TeSt.ExAmPlE");
	ask_made();
	assert_int_equal(s_upstream_length, plain_length);
	assert_memory_equal(s_upstream_query + 2, plain + 2, plain_length - 2);
	scene_free(scene);
}

/* Whoever asks first, and however: the others get what they would have got. */
static void sources_that_ask_the_same_share_one_question_and_nothing_else(void **state)
{
	struct scene *scene = scene_new();
	unsigned int before;

	(void)state;
	scene->world->upstreams[0].script = scene->world->upstreams[1].script = note_query;
	s_upstream_questions = 0;
	make_talkative_query("WWW.test.example");
	assert_int_equal(send(scene->udp.descriptor, scene->query.bytes, scene->query.length, 0),
			 scene->query.length);
	settle();
	before = s_upstream_questions;
	assert_int_equal(before, 1);
	scene->world->upstreams[0].script = scene->world->upstreams[1].script = NULL;
	ask_from(3, "www.TEST.example"); /* follows; answered by the second try */
	assert_int_equal(reply_code(), 0);
	assert_int_equal(reply_answers(), 1);
	assert_memory_equal(scene->reply + 12, "\3www\4TEST\7example", 18);
	assert_int_equal(scene->reply[3] & CD, 0);
	assert_int_equal(scene->world->upstreams[0].by_udp + scene->world->upstreams[1].by_udp, 2);
	scene_free(scene);
}

static void a_failure_to_learn_is_a_server_failure(void **state)
{
	struct scene *scene = scene_new();

	(void)state;
	scene->world->learn_error = -ENOSPC;
	ask("plain.test.example", DNS_TYPE_A, 0);
	assert_int_equal(reply_code(), SERVFAIL);
	assert_int_equal(reply_answers(), 0);
	assert_logged("\"reason\":\"pins_full\"");
	scene->world->learn_error = -EIO;
	ask("plain.test.example", DNS_TYPE_A, 0);
	assert_int_equal(reply_code(), SERVFAIL);
	assert_logged("\"reason\":\"internal\"");
	scene_free(scene);
}

static void upstreams_that_fail_make_a_server_failure_and_codes_are_relayed(void **state)
{
	struct scene *scene = scene_new();

	(void)state;
	ask("silent.test.example", DNS_TYPE_A, 1232);
	assert_int_equal(reply_code(), SERVFAIL);
	assert_int_equal(reply_extended_error(), DNS_EDE_NO_REACHABLE_AUTHORITY);
	assert_logged("\"reason\":\"lookup_failed\"");
	scene->world->upstreams[0].code = scene->world->upstreams[1].code = REFUSED;
	ask("plain.test.example", DNS_TYPE_A, 0);
	assert_int_equal(reply_code(), REFUSED);
	assert_logged("the upstream's code is 5");
	scene_free(scene);
}

static void a_negative_answer_is_relayed(void **state)
{
	struct scene *scene = scene_new();

	(void)state;
	ask("none.test.example", DNS_TYPE_A, 0);
	assert_int_equal(reply_code(), NXDOMAIN);
	ask("v4only.test.example", DNS_TYPE_AAAA, 0);
	assert_int_equal(reply_code(), 0);
	assert_int_equal(reply_answers(), 0);
	ask("plain.test.example", 16, 0); /* TXT: any type may be asked */
	assert_int_equal(reply_code(), 0);
	assert_int_equal(scene->world->learnings, 0);
	scene_free(scene);
}

static void ech_is_taken_out_and_hints_are_learned(void **state)
{
	struct scene *scene = scene_new();

	(void)state;
	ask("plain.test.example", DNS_TYPE_HTTPS, 0);
	assert_int_equal(reply_answers(), 1);
	assert_null(memmem(scene->reply, scene->length, "ech-config", 10));
	assert_int_equal(scene->world->learned[0].address.bytes[3], 5);
	scene_free(scene);
}

static void a_ttl_is_capped(void **state)
{
	struct scene *scene = scene_new();

	(void)state;
	ask("long.test.example", DNS_TYPE_A, 0);
	assert_non_null(memmem(scene->reply, scene->length, "\0\1\0\1\0\0\x0e\x10\0\4", 10));
	assert_int_equal(scene->world->learned[0].ttl, 86400);
	scene_free(scene);
}

static void what_is_no_question_for_data_is_refused(void **state)
{
	struct scene *scene = scene_new();

	(void)state;
	ask("plain.test.example", DNS_TYPE_ANY, 0);
	assert_int_equal(reply_code(), DNS_CODE_NOTIMP);
	for (unsigned int type = 249; type <= 254; type++) { /* TKEY, TSIG, IXFR, AXFR, MAILB/A */
		ask("plain.test.example", type, 0);
		assert_int_equal(reply_code(), REFUSED);
	}
	make_query("plain.test.example", DNS_TYPE_A, 0);
	scene->query.bytes[scene->query.length - 1] = 3; /* CHAOS */
	ask_made();
	assert_int_equal(reply_code(), REFUSED);
	assert_logged("\"reason\":\"dns_malformed\"");
	ask("plain.te st.example", DNS_TYPE_A, 0);
	assert_int_equal(reply_code(), REFUSED);
	assert_logged("\"reason\":\"name_invalid\"");
	ask("", 2, 0); /* the root */
	assert_int_equal(reply_code(), REFUSED);
	assert_int_equal(scene->world->upstreams[0].by_udp, 0);
	scene_free(scene);
}

static void a_broken_message_is_a_format_error_and_a_reply_gets_nothing(void **state)
{
	struct scene *scene = scene_new();

	(void)state;
	make_query("plain.test.example", DNS_TYPE_A, 0);
	scene->query.length--;
	ask_made();
	assert_int_equal(reply_code(), DNS_CODE_FORMERR);
	assert_int_equal(scene->length, 12);
	make_query("plain.test.example", DNS_TYPE_A, 0);
	scene->query.bytes[2] = 5 << 3; /* opcode UPDATE */
	ask_made();
	assert_int_equal(reply_code(), DNS_CODE_NOTIMP);
	scene->length = 0;
	make_query("plain.test.example", DNS_TYPE_A, 0);
	scene->query.bytes[2] = 0x80;
	send_all(scene->udp.descriptor, scene->query.bytes, scene->query.length);
	send_all(scene->udp.descriptor, scene->query.bytes, 5);
	settle();
	assert_int_equal(scene->length, 0);
	assert_int_equal(dns_proxy_figures(scene->proxy).malformed, 4);
	scene_free(scene);
}

static void a_datagram_longer_than_any_query_is_dropped(void **state)
{
	struct scene *scene = scene_new();

	(void)state;
	make_query("plain.test.example", DNS_TYPE_A, 0);
	send_all(scene->udp.descriptor, scene->query.bytes, 5000);
	settle();
	assert_int_equal(scene->length, 0);
	assert_int_equal(dns_proxy_figures(scene->proxy).malformed, 1);
	scene_free(scene);
}

static void an_answer_too_long_for_the_client_is_truncated_over_udp_and_whole_over_tcp(void **state)
{
	struct scene *scene = scene_new();

	(void)state;
	ask("many.test.example", DNS_TYPE_A, 0);
	assert_true(reply_is_truncated());
	assert_true(scene->length <= 512);
	ask("many.test.example", DNS_TYPE_A, 65000);
	assert_true(reply_is_truncated());
	assert_true(scene->length <= 1232);
	make_query("many.test.example", DNS_TYPE_A, 0);
	open_tcp();
	scene->wanted = 1;
	settle();
	send_tcp();
	world_run(scene->world);
	assert_int_equal(scene->reply[2 + 6] << 8 | scene->reply[2 + 7], MANY_ADDRESSES);
	close_tcp();
	scene_free(scene);
}

static void queries_over_tcp_may_be_pipelined_and_answered_out_of_order(void **state)
{
	struct scene *scene = scene_new();

	(void)state;
	open_tcp();
	settle();
	make_query("silent.test.example", DNS_TYPE_A, 0);
	send_tcp();
	for (unsigned int i = 0; i < 20; i++) {
		make_query(i % 2 ? "plain.test.example" : "evil.example", DNS_TYPE_A, 0);
		scene->query.bytes[1] = (uint8_t)i;
		send_tcp();
		if (i < 2) /* afterwards it is in the cache: no place in the table is needed */
			settle();
	}
	scene->wanted = 20;
	world_run(scene->world);
	assert_int_equal(count_frames(), 20);
	scene->wanted = 21;
	world_run(scene->world); /* the silent one, last */
	assert_int_equal(dns_proxy_figures(scene->proxy).queries_tcp, 21);
	close_tcp();
	settle();
	scene_free(scene);
}

static void a_query_over_tcp_may_come_byte_by_byte(void **state)
{
	struct scene *scene = scene_new();
	uint8_t framed[100];

	(void)state;
	open_tcp();
	settle();
	make_query("evil.example", DNS_TYPE_A, 0);
	framed[0] = 0;
	framed[1] = (uint8_t)scene->query.length;
	memcpy(framed + 2, scene->query.bytes, scene->query.length);
	for (size_t i = 0; i < scene->query.length + 1; i++) {
		send_all(scene->tcp.descriptor, framed + i, 1);
		run_for(2);
	}
	assert_int_equal(scene->length, 0);
	scene->wanted = 1;
	send_all(scene->tcp.descriptor, framed + scene->query.length + 1, 1);
	world_run(scene->world);
	assert_int_equal(count_frames(), 1);
	close_tcp();
	scene_free(scene);
}

static void answers_still_go_out_after_the_client_has_ended(void **state)
{
	struct scene *scene = scene_new();

	(void)state;
	open_tcp();
	settle();
	make_query("plain.test.example", DNS_TYPE_A, 0);
	send_tcp();
	shutdown(scene->tcp.descriptor, SHUT_WR);
	world_run(scene->world);
	assert_true(scene->closed);
	assert_int_equal(count_frames(), 1);
	close(scene->tcp.descriptor);
	scene_free(scene);
}

static void a_client_that_goes_away_takes_its_queries_along(void **state)
{
	struct scene *scene = scene_new();

	(void)state;
	open_tcp();
	settle();
	make_query("silent.test.example", DNS_TYPE_A, 0);
	send_tcp();
	settle();
	assert_int_equal(resolver_figures(scene->world->resolver).pending, 1);
	setsockopt(scene->tcp.descriptor, SOL_SOCKET, SO_LINGER, &(struct linger){1, 0},
		   sizeof(struct linger)); /* reset */
	close_tcp();
	settle();
	assert_int_equal(resolver_figures(scene->world->resolver).pending, 0);
	scene_free(scene);
}

static void a_frame_longer_than_any_query_closes_the_connection(void **state)
{
	struct scene *scene = scene_new();

	(void)state;
	open_tcp();
	settle();
	send_all(scene->tcp.descriptor, "\xff\xff", 2);
	world_run(scene->world);
	assert_true(scene->closed);
	close(scene->tcp.descriptor);
	scene_free(scene);
}

static void read_and_forget(void)
{
	ssize_t length;

	do
		length = recv(s_scene->tcp.descriptor, s_scene->reply, sizeof(s_scene->reply), 0);
	while (length > 0);
	assert_true(length < 0 && errno == EAGAIN); /* not closed */
}

/* It asks for long answers without end and reads none: its queries are left where they are, until
   it does. */
static void a_slow_reader_is_not_read_from(void **state)
{
	int small = 65536;
	unsigned int sent = 0;
	uint64_t taken;

	(void)state;
	if (getenv("SALLYPORT_SLOW"))
		skip_because("its client would be closed for its silence before it is full");
	struct scene *scene = scene_new();
	ask("big.test.example", DNS_TYPE_A, 0); /* into the cache */
	open_tcp();
	loop_watch_remove(scene->world->loop, &scene->tcp);
	setsockopt(scene->tcp.descriptor, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
	settle();
	for (; sent < 10000; sent++) {
		uint8_t framed[64] = {0, (uint8_t)scene->query.length};

		memcpy(framed + 2, scene->query.bytes, scene->query.length);
		if (send(scene->tcp.descriptor, framed, scene->query.length + 2, MSG_NOSIGNAL) < 0)
			break;
	}
	do {
		taken = dns_proxy_figures(scene->proxy).queries_tcp;
		settle();
	} while (dns_proxy_figures(scene->proxy).queries_tcp != taken);
	assert_true(taken > 10 && taken < sent);
	ask("plain.test.example", DNS_TYPE_A, 0); /* nobody else notices */
	assert_int_equal(reply_answers(), 1);
	for (int i = 0; dns_proxy_figures(scene->proxy).queries_tcp < sent && i < 20000; i++) {
		read_and_forget();
		run_for(1);
	}
	assert_int_equal(dns_proxy_figures(scene->proxy).queries_tcp, sent);
	close(scene->tcp.descriptor);
	settle();
	scene_free(scene);
}

static void a_full_table_of_queries_answers_with_a_server_failure(void **state)
{
	struct scene *scene = scene_new();

	(void)state;
	make_query("silent.test.example", DNS_TYPE_A, 0);
	for (int i = 0; i < 4; i++)
		send_all(scene->udp.descriptor, scene->query.bytes, scene->query.length);
	ask("plain.test.example", DNS_TYPE_A, 0);
	assert_int_equal(reply_code(), SERVFAIL);
	assert_int_equal(dns_proxy_figures(scene->proxy).full, 1);
	assert_logged("too many queries under way");
	ask("evil.example", DNS_TYPE_A, 0); /* needs no place */
	assert_int_equal(reply_code(), REFUSED);
	scene_free(scene); /* with queries under way */
}

static void a_full_table_of_clients_closes_the_next(void **state)
{
	struct scene *scene = scene_new_with((struct dns_proxy_settings){.client_capacity = 2});
	int others[2];

	(void)state;
	for (int i = 0; i < 2; i++)
		others[i] = connect_to_proxy(SOCK_STREAM);
	settle();
	open_tcp();
	world_run(scene->world);
	assert_true(scene->closed);
	assert_int_equal(dns_proxy_figures(scene->proxy).full, 1);
	close(scene->tcp.descriptor);
	close(others[0]);
	settle();
	open_tcp(); /* there is a place again */
	settle();
	assert_false(scene->closed);
	close_tcp();
	close(others[1]);
	scene_free(scene);
}

/* While the answer is being found the policy changes: the answer must not go out. */
static void a_reload_holds_for_queries_under_way(void **state)
{
	struct scene *scene = scene_new();

	(void)state;
	make_query("plain.test.example", DNS_TYPE_A, 0);
	scene->world->upstreams[0].silent = true;
	send_all(scene->udp.descriptor, scene->query.bytes, scene->query.length);
	settle();
	policy_slot_swap(scene->world->slot, make_policy("*.other.example"));
	world_run(scene->world);
	assert_int_equal(reply_code(), REFUSED);
	assert_logged("\"reason\":\"dns_name\"");
	scene_free(scene);
}

/* The client is connected to 127.0.0.2, so it would not take an answer from 127.0.0.1. */
static void a_wildcard_listener_answers_from_the_address_that_was_asked(void **state)
{
	struct dns_proxy_settings settings = {.listen = {{.address = {.family = 4}}},
					      .listen_count = 1};
	struct scene *scene = scene_new_with(settings);
	struct ip_endpoint other = {ip_from_v4(INADDR_LOOPBACK + 1), scene->endpoint.port};
	struct sockaddr_storage address;
	socklen_t length = ip_to_sockaddr(&other, &address);

	(void)state;
	assert_int_equal(connect(scene->udp.descriptor, (struct sockaddr *)&address, length), 0);
	ask("evil.example", DNS_TYPE_A, 0);
	assert_int_equal(reply_code(), REFUSED);
	assert_logged("\"destination\":\"127.0.0.2");
	scene_free(scene);
}

static void it_listens_on_ipv6_beside_ipv4(void **state)
{
	struct dns_proxy_settings settings = {
		.listen = {{.address = {.family = 4}}, {.address = {.family = 6}}},
		.listen_count = 1};
	struct scene *scene;
	struct sockaddr_in6 address = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
	int descriptor = socket(AF_INET6, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	struct dns_proxy *second;

	(void)state;
	if (descriptor < 0 || bind(descriptor, (struct sockaddr *)&address, sizeof(address)) < 0)
		skip_because("there is no IPv6 here");
	scene = scene_new_with(settings);
	settings.listen[0] =
		(struct ip_endpoint){.address = {.family = 6}, .port = scene->endpoint.port};
	second = dns_proxy_new(scene->world->loop, scene->world->resolver, scene->world->slot,
			       scene->events, &settings);
	assert_non_null(second);
	loop_watch_remove(scene->world->loop, &scene->udp);
	close(scene->udp.descriptor);
	address.sin6_port = htons(scene->endpoint.port);
	assert_int_equal(connect(descriptor, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(
		loop_watch_add(scene->world->loop, &scene->udp, descriptor, EPOLLIN, udp_reply), 0);
	ask("plain.test.example", DNS_TYPE_A, 0);
	assert_int_equal(reply_answers(), 1);
	assert_logged("\"destination\":\"[::1]");
	dns_proxy_free(second);
	scene_free(scene);
}

static void several_workers_may_listen_on_one_address(void **state)
{
	struct scene *scene = scene_new();
	struct dns_proxy_settings settings = {.listen = {scene->endpoint}, .listen_count = 1};
	struct dns_proxy *second = dns_proxy_new(scene->world->loop, scene->world->resolver,
						 scene->world->slot, scene->events, &settings);

	(void)state;
	assert_non_null(second);
	dns_proxy_free(second);
	scene_free(scene);
}

static void an_address_in_use_is_an_error(void **state)
{
	struct scene *scene = scene_new();
	struct dns_proxy_settings settings = {.listen_count = 1};
	int udp, tcp;

	(void)state;
	settings.listen[0] = scene->endpoint;
	settings.listen[0].port = open_pair(&udp, &tcp);
	assert_null(dns_proxy_new(scene->world->loop, scene->world->resolver, scene->world->slot,
				  scene->events, &settings));
	assert_int_equal(errno, EADDRINUSE);
	close(udp); /* now the datagram socket can be made, the listener cannot */
	assert_int_equal(listen(tcp, 1), 0);
	assert_null(dns_proxy_new(scene->world->loop, scene->world->resolver, scene->world->slot,
				  scene->events, &settings));
	assert_int_equal(errno, EADDRINUSE);
	close(tcp);
	scene_free(scene);
}

/* Needs CAP_NET_ADMIN. An address of the machine with the query's port stands for the original
   destination; the redirection itself is the laboratory's to test. */
static void a_transparent_listener_knows_the_destination(void **state)
{
	int probe = socket(AF_INET, SOCK_DGRAM, 0), one = 1;
	bool may = setsockopt(probe, IPPROTO_IP, IP_TRANSPARENT, &one, sizeof(one)) == 0;
	struct scene *scene;

	(void)state;
	close(probe);
	if (!may)
		skip_because("needs root, for a transparent socket");
	scene = scene_new_with((struct dns_proxy_settings){.transparent = true});
	ask("plain.test.example", DNS_TYPE_A, 0);
	assert_int_equal(reply_answers(), 1);
	assert_logged("\"destination\":\"127.0.0.1:");
	open_tcp();
	settle();
	scene->wanted = 1;
	send_tcp();
	world_run(scene->world);
	assert_int_equal(count_frames(), 1);
	close_tcp();
	scene_free(scene);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_allowed_name_is_learned_before_its_answer_goes_out),
		cmocka_unit_test(a_name_that_no_rule_allows_is_refused_with_an_extended_error),
		cmocka_unit_test(with_the_setting_denied_names_do_not_exist),
		cmocka_unit_test(with_resolve_any_denied_names_are_answered_but_not_learned),
		cmocka_unit_test(an_answer_with_a_special_address_is_refused_whole),
		cmocka_unit_test(a_tunnel_below_a_wildcard_is_refused_and_others_are_not_harmed),
		cmocka_unit_test(nothing_of_a_client_but_the_name_goes_upstream),
		cmocka_unit_test(sources_that_ask_the_same_share_one_question_and_nothing_else),
		cmocka_unit_test(a_failure_to_learn_is_a_server_failure),
		cmocka_unit_test(upstreams_that_fail_make_a_server_failure_and_codes_are_relayed),
		cmocka_unit_test(a_negative_answer_is_relayed),
		cmocka_unit_test(ech_is_taken_out_and_hints_are_learned),
		cmocka_unit_test(a_ttl_is_capped),
		cmocka_unit_test(what_is_no_question_for_data_is_refused),
		cmocka_unit_test(a_broken_message_is_a_format_error_and_a_reply_gets_nothing),
		cmocka_unit_test(a_datagram_longer_than_any_query_is_dropped),
		cmocka_unit_test(
			an_answer_too_long_for_the_client_is_truncated_over_udp_and_whole_over_tcp),
		cmocka_unit_test(queries_over_tcp_may_be_pipelined_and_answered_out_of_order),
		cmocka_unit_test(a_query_over_tcp_may_come_byte_by_byte),
		cmocka_unit_test(answers_still_go_out_after_the_client_has_ended),
		cmocka_unit_test(a_client_that_goes_away_takes_its_queries_along),
		cmocka_unit_test(a_frame_longer_than_any_query_closes_the_connection),
		cmocka_unit_test(a_slow_reader_is_not_read_from),
		cmocka_unit_test(a_full_table_of_queries_answers_with_a_server_failure),
		cmocka_unit_test(a_full_table_of_clients_closes_the_next),
		cmocka_unit_test(a_reload_holds_for_queries_under_way),
		cmocka_unit_test(a_wildcard_listener_answers_from_the_address_that_was_asked),
		cmocka_unit_test(it_listens_on_ipv6_beside_ipv4),
		cmocka_unit_test(several_workers_may_listen_on_one_address),
		cmocka_unit_test(an_address_in_use_is_an_error),
		cmocka_unit_test(a_transparent_listener_knows_the_destination),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
