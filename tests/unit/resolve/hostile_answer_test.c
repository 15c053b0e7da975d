/*
 * Answers as a hostile zone, a broken upstream or a forger would send them, each through the whole
 * resolver: what comes of the question, and what is learned.
 */
#include "resolve_case.h"

#define ASKED  "www.test.example"
#define HONEST 0x14000001 /* 20.0.0.1 */

struct asker {
	struct resolver_ask ask;
	struct world *world;
	bool over;
	int status;
	enum reason reason;
};

static void ask_done(struct resolver_ask *ask, const struct resolver_answer *answer)
{
	struct asker *asker = loop_owner(ask, struct asker, ask);

	asker->over = true;
	asker->status = answer->status;
	asker->reason = answer->reason;
	loop_stop(asker->world->loop);
}

static struct asker learn_of(struct world *world, const char *text, uint16_t type)
{
	struct asker asker = {.world = world};
	struct name name = named(text);

	assert_int_equal(
		resolver_ask(world->resolver, &name, type, ASK_LEARN, &asker.ask, ask_done), 0);
	world_run(world);
	assert_true(asker.over);
	return asker;
}

static void answer_by(struct world *world,
		      bool (*script)(struct fake_upstream *upstream, const uint8_t *query,
				     size_t length, struct builder *reply))
{
	world->upstreams[0].script = world->upstreams[1].script = script;
}

/* ------------------------------------------------------------- answers that are unsound */

/* Header, the question, and then what `fill` adds as one answer record. */
static bool one_record(struct builder *reply, const uint8_t *query, void (*fill)(struct builder *))
{
	reply_start(reply, query, 0, 1, 0);
	fill(reply);
	return true;
}

static void rest_of_a(struct builder *reply)
{
	size_t begin = open_record(reply, DNS_TYPE_A, 60);

	put32(reply, HONEST);
	close_record(reply, begin);
}

static void owner_points_forward(struct builder *reply)
{
	put_pointer(reply, reply->length + 20);
	rest_of_a(reply);
}

static void owner_points_to_itself(struct builder *reply)
{
	put_pointer(reply, reply->length);
	rest_of_a(reply);
}

static void owners_point_to_each_other(struct builder *reply)
{
	size_t at = reply->length;

	put8(reply, 1);
	put(reply, "a", 1);
	put_pointer(reply, at);
	rest_of_a(reply);
}

static void owner_points_into_the_header(struct builder *reply)
{
	put_pointer(reply, 0);
	rest_of_a(reply);
}

static void owner_has_a_label_of_another_kind(struct builder *reply)
{
	put8(reply, 0x41);
	put8(reply, 0);
	rest_of_a(reply);
}

static void owner_never_ends(struct builder *reply)
{
	for (int i = 0; i < 128; i++) {
		put8(reply, 1);
		put(reply, "a", 1);
	}
	put8(reply, 0);
	rest_of_a(reply);
}

static void address_of_five_bytes(struct builder *reply)
{
	put_name(reply, ASKED);
	size_t begin = open_record(reply, DNS_TYPE_A, 60);
	put32(reply, HONEST);
	put8(reply, 0);
	close_record(reply, begin);
}

static void record_longer_than_the_message(struct builder *reply)
{
	put_a(reply, ASKED, 60, HONEST);
	reply->length -= 2;
}

static void alias_that_ends_early(struct builder *reply)
{
	put_name(reply, ASKED);
	size_t begin = open_record(reply, DNS_TYPE_CNAME, 60);
	put_name(reply, "a.test.example");
	put8(reply, 0);
	close_record(reply, begin);
}

static void alias_to_a_pointer_loop(struct builder *reply)
{
	put_name(reply, ASKED);
	size_t begin = open_record(reply, DNS_TYPE_CNAME, 60);
	put_pointer(reply, begin);
	close_record(reply, begin);
}

static void trailing_bytes(struct builder *reply)
{
	put_a(reply, ASKED, 60, HONEST);
	put8(reply, 0);
}

static void (*const s_unsound[])(struct builder *) = {
	owner_points_forward,
	owner_points_to_itself,
	owners_point_to_each_other,
	owner_points_into_the_header,
	owner_has_a_label_of_another_kind,
	owner_never_ends,
	address_of_five_bytes,
	record_longer_than_the_message,
	alias_that_ends_early,
	alias_to_a_pointer_loop,
	trailing_bytes,
};

static void (*s_fill)(struct builder *);

static bool send_unsound(struct fake_upstream *upstream, const uint8_t *query, size_t length,
			 struct builder *reply)
{
	(void)upstream;
	(void)length;
	return one_record(reply, query, s_fill);
}

static void an_unsound_answer_is_no_answer(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(s_unsound) / sizeof(s_unsound[0]); i++) {
		struct world *world = world_new();
		struct asker asker;

		s_fill = s_unsound[i];
		answer_by(world, send_unsound);
		asker = learn_of(world, ASKED, DNS_TYPE_A);
		if (asker.status != -EPROTO)
			fail_msg("unsound answer %zu: status %d", i, asker.status);
		assert_int_equal(world->learnings, 0);
		assert_int_equal(resolver_figures(world->resolver).cache_held, 0);
		/* the right answer is found as soon as there is one */
		answer_by(world, NULL);
		assert_int_equal(learn_of(world, ASKED, DNS_TYPE_A).status, 0);
		world_free(world);
	}
}

/* ------------------------------------------------- answers that are to something else */

static size_t s_offset;
static uint8_t s_flip;

/* The honest answer with one byte of header or question changed. */
static bool send_changed(struct fake_upstream *upstream, const uint8_t *query, size_t length,
			 struct builder *reply)
{
	(void)upstream;
	(void)length;
	reply_start(reply, query, 0, 1, 0);
	put_a(reply, ASKED, 60, HONEST);
	reply->bytes[s_offset] ^= s_flip;
	return true;
}

static void an_answer_to_something_else_is_not_taken(void **state)
{
	static const struct {
		size_t offset;
		uint8_t flip;
	} changes[] = {
		{0, 1},     {1, 1}, /* id */
		{2, 0x80},          /* a query, not an answer */
		{2, 0x08},          /* another opcode */
		{4, 1},     {5, 1}, /* no question; 257 of them */
		{5, 3},             /* two questions */
		{7, 3},             /* two answers, of which one is missing */
		{13, 0x20},         /* a letter in upper case, which we did not write */
		{13, 1},            /* another name */
		{30, 1},            /* another type */
		{32, 2},            /* another class */
	};

	(void)state;
	/* 12 + 18 bytes of name: the type's low byte is at 31, the class's at 33 */
	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		struct world *world = world_new();
		struct asker asker;

		s_offset = changes[i].offset;
		s_flip = changes[i].flip;
		answer_by(world, send_changed);
		asker = learn_of(world, ASKED, DNS_TYPE_A);
		if (asker.status != -EPROTO)
			fail_msg("byte %zu: status %d", s_offset, asker.status);
		assert_int_equal(world->learnings, 0);
		world_free(world);
	}
}

/* ----------------------------------------------------------------------- forgeries */

#define FORGERIES 200 /* as many as a socket holds beside the right answer */

static int s_strangers[2]; /* another port; another address with the upstream's port */

static void open_strangers(const struct world *world)
{
	struct sockaddr_in other = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1),
		.sin_port = htons(world->upstreams[0].endpoint.port),
	};

	s_strangers[0] = open_local(SOCK_DGRAM, 0);
	s_strangers[1] = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(s_strangers[1], (struct sockaddr *)&other, sizeof(other)), 0);
}

static void close_strangers(void)
{
	close(s_strangers[0]);
	close(s_strangers[1]);
}

static void send_forgery(int descriptor, const struct fake_upstream *upstream,
			 const struct builder *forgery)
{
	(void)!sendto(descriptor, forgery->bytes, forgery->length, 0,
		      (const struct sockaddr *)&upstream->asked_from, sizeof(upstream->asked_from));
}

/* All is known but the id; or all, but it comes from elsewhere. Then the right answer comes. */
static bool forge(struct fake_upstream *upstream, const uint8_t *query, size_t length,
		  struct builder *reply)
{
	static struct builder forgery;
	static uint16_t guess;
	uint16_t id = (uint16_t)(query[0] << 8 | query[1]);

	(void)length;
	reply_start(&forgery, query, 0, 1, 0);
	put_a(&forgery, ASKED, 60, 0x14000066);
	send_forgery(s_strangers[0], upstream, &forgery);
	send_forgery(s_strangers[1], upstream, &forgery);
	for (int i = 0; i < FORGERIES; i++) {
		if (++guess == id)
			guess++;
		forgery.bytes[0] = (uint8_t)(guess >> 8);
		forgery.bytes[1] = (uint8_t)guess;
		send_forgery(upstream->udp.descriptor, upstream, &forgery);
	}
	reply_start(reply, query, 0, 1, 0);
	put_a(reply, ASKED, 0, HONEST);
	return true;
}

static void ten_thousand_forgeries_do_not_displace_the_right_answer(void **state)
{
	struct world *world = world_new();

	(void)state;
	open_strangers(world);
	answer_by(world, forge);
	for (unsigned int i = 1; i <= 50; i++) {
		assert_int_equal(learn_of(world, ASKED, DNS_TYPE_A).status, 0);
		assert_int_equal(world->learnings, i);
		assert_int_equal(world->learned[0].address.bytes[3], 1);
	}
	/* From the upstream's own address they were seen and counted, from elsewhere not even that.
	 */
	assert_int_equal(resolver_figures(world->resolver).malformed, 50 * FORGERIES);
	assert_int_equal(world->upstreams[0].by_udp, 50);
	close_strangers();
	world_free(world);
}

static unsigned int s_questions;

static bool count_and_wait(struct fake_upstream *upstream, const uint8_t *query, size_t length,
			   struct builder *reply)
{
	(void)upstream;
	(void)query;
	(void)length;
	(void)reply;
	s_questions++;
	return false;
}

/* Each question under way would be one more id that a guess may hit. */
static void many_who_ask_the_same_make_no_birthday(void **state)
{
	struct world *world = world_new();
	struct resolver_settings settings = quick_settings(world);
	struct name name = named(ASKED);
	static struct asker askers[500];

	(void)state;
	settings.pending_capacity = 500;
	settings.timeout_ms = 1000;
	world_make_resolver(world, &settings);
	s_questions = 0;
	answer_by(world, count_and_wait);
	for (size_t i = 0; i < 500; i++) {
		askers[i] = (struct asker){.world = world,
					   .ask.source = ip_from_v4(0x0a000001 + (uint32_t)i % 3)};
		assert_int_equal(resolver_ask(world->resolver, &name, DNS_TYPE_A, ASK_LEARN,
					      &askers[i].ask, ask_done),
				 0);
	}
	assert_int_equal(resolver_figures(world->resolver).asked, 1);
	answer_by(world, NULL);
	for (size_t i = 0; i < 500 && !askers[i].over; i++)
		world_run(world);
	for (size_t i = 0; i < 500; i++)
		assert_int_equal(askers[i].status, 0);
	assert_true(s_questions <= 1);
	world_free(world);
}

/* ------------------------------------------------------------ unpredictable questions */

#define SAMPLES 2000

static uint16_t s_ids[SAMPLES], s_ports[SAMPLES];
static size_t s_sampled;

static bool sample(struct fake_upstream *upstream, const uint8_t *query, size_t length,
		   struct builder *reply)
{
	(void)length;
	s_ids[s_sampled] = (uint16_t)(query[0] << 8 | query[1]);
	s_ports[s_sampled++] = ntohs(upstream->asked_from.sin_port);
	reply_start(reply, query, 0, 1, 0);
	put_a(reply, ASKED, 0, HONEST);
	return true;
}

static int compare_values(const void *a, const void *b)
{
	return *(const uint16_t *)a - *(const uint16_t *)b;
}

static size_t count_distinct(const uint16_t values[SAMPLES])
{
	uint16_t sorted[SAMPLES];
	size_t count = 1;

	memcpy(sorted, values, sizeof(sorted));
	qsort(sorted, SAMPLES, sizeof(*sorted), compare_values);
	for (size_t i = 1; i < SAMPLES; i++)
		count += sorted[i] != sorted[i - 1];
	return count;
}

/* Steps from one to the next: of a counter they would be few. */
static size_t count_distinct_steps(const uint16_t values[SAMPLES])
{
	uint16_t steps[SAMPLES] = {0};

	for (size_t i = 1; i < SAMPLES; i++)
		steps[i] = (uint16_t)(values[i] - values[i - 1]);
	return count_distinct(steps);
}

/*
 * The bounds are six standard deviations or more from what is expected of random numbers: 1,970 of
 * 2,000 ids and about 1,930 of the ports (28,232 in the kernel's range) are distinct.
 */
static void ids_and_ports_cannot_be_foretold(void **state)
{
	struct world *world = world_new();

	(void)state;
	s_sampled = 0;
	answer_by(world, sample);
	for (size_t i = 0; i < SAMPLES; i++)
		learn_of(world, ASKED, DNS_TYPE_A);
	assert_int_equal(s_sampled, SAMPLES);
	assert_true(count_distinct(s_ids) > 1930);
	assert_true(count_distinct_steps(s_ids) > 1930);
	assert_true(count_distinct(s_ports) > 1800);
	assert_true(count_distinct_steps(s_ports) > 1800);
	for (int bit = 0; bit < 16; bit++) {
		size_t set = 0;

		for (size_t i = 0; i < SAMPLES; i++)
			set += s_ids[i] >> bit & 1u;
		assert_in_range(set, SAMPLES * 43 / 100, SAMPLES * 57 / 100);
	}
	world_free(world);
}

/* ------------------------------------------------------------------ chains and aliases */

struct answer_row {
	const char *text; /* records: "owner CNAME target" or "owner A address", apart by ';' */
	int status;
	size_t learned;
};

static const struct answer_row *s_row;

static void put_row_record(struct builder *reply, char *record)
{
	char *rest = NULL, *owner = strtok_r(record, " ", &rest);
	const char *type = strtok_r(NULL, " ", &rest), *data = strtok_r(NULL, " ", &rest);
	struct ip_address address;

	if (strcmp(type, "CNAME") == 0) {
		put_cname(reply, owner, 60, data);
	} else {
		assert_int_equal(ip_parse(data, &address), 0);
		put_a(reply, owner, 60,
		      (uint32_t)address.bytes[0] << 24 | (uint32_t)address.bytes[1] << 16 |
			      (uint32_t)address.bytes[2] << 8 | address.bytes[3]);
	}
}

static bool send_row(struct fake_upstream *upstream, const uint8_t *query, size_t length,
		     struct builder *reply)
{
	char text[1024], *rest = NULL;
	unsigned int count = 0;

	(void)upstream;
	(void)length;
	reply_start(reply, query, 0, 0, 0);
	snprintf(text, sizeof(text), "%s", s_row->text);
	for (char *record = strtok_r(text, ";", &rest); record;
	     record = strtok_r(NULL, ";", &rest)) {
		put_row_record(reply, record);
		count++;
	}
	reply->bytes[7] = (uint8_t)count;
	return true;
}

static void only_what_hangs_on_the_question_is_learned_and_for_its_name(void **state)
{
	static const struct answer_row rows[] = {
		/* an allowed name that leads through names that no rule allows */
		{ASKED " CNAME a.cdn.example;a.cdn.example A 20.0.0.1", 0, 1},
		/* in any order */
		{"b.cdn.example A 20.0.0.1;a.cdn.example CNAME b.cdn.example;" ASKED
		 " CNAME a.cdn.example",
		 0, 1},
		/* records of strangers, of parents and of other allowed names */
		{ASKED " A 20.0.0.1;stranger.example A 20.0.0.2;test.example A 20.0.0.3;"
		       "other.test.example A 20.0.0.4",
		 0, 1},
		/* a chain that is not connected; a link that only another name has */
		{ASKED " CNAME a.cdn.example;b.cdn.example A 20.0.0.1", 0, 0},
		{"other.test.example CNAME b.cdn.example;b.cdn.example A 20.0.0.1", 0, 0},
		/* an address beside the alias is not at the end of the chain */
		{ASKED " CNAME a.cdn.example;" ASKED " A 20.0.0.1", 0, 0},
		/* loops of one, two and three, also beside an address */
		{ASKED " CNAME " ASKED ";" ASKED " A 20.0.0.1", -EPROTO, 0},
		{ASKED " CNAME a.example;a.example CNAME " ASKED, -EPROTO, 0},
		{ASKED " CNAME a.example;a.example CNAME b.example;b.example CNAME a.example;"
		       "a.example A 20.0.0.1",
		 -EPROTO, 0},
		/* two ways to go */
		{ASKED " CNAME a.example;" ASKED " CNAME b.example;a.example A 20.0.0.1", -EPROTO,
		 0},
		/* a special address anywhere, on the chain or off it */
		{ASKED " A 20.0.0.1;" ASKED " A 169.254.169.254", -EACCES, 0},
		{ASKED " A 20.0.0.1;stranger.example A 127.0.0.1", -EACCES, 0},
		{ASKED " CNAME a.cdn.example;a.cdn.example A 168.63.129.16", -EACCES, 0},
		{ASKED " A 10.1.2.3", -EACCES, 0},
		{ASKED " A 10.9.2.3;" ASKED " A 0.0.0.0", -EACCES, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct world *world = world_new();
		struct asker asker;

		s_row = &rows[i];
		answer_by(world, send_row);
		asker = learn_of(world, ASKED, DNS_TYPE_A);
		if (asker.status != rows[i].status || world->learned_count != rows[i].learned)
			fail_msg("%s: status %d, learned %zu", rows[i].text, asker.status,
				 world->learned_count);
		if (rows[i].learned > 0) {
			assert_string_equal(world->learned_name.text, ASKED);
			assert_int_equal(world->learned[0].address.bytes[3], 1);
		}
		world_free(world);
	}
}

/* -------------------------------------------------------------------------- rebinding */

static struct ip_address s_bound;
static enum { AS_ADDRESS, AS_HINT } s_as;

static bool rebind(struct fake_upstream *upstream, const uint8_t *query, size_t length,
		   struct builder *reply)
{
	bool v4 = s_bound.family == 4;
	size_t begin;

	(void)upstream;
	(void)length;
	reply_start(reply, query, 0, 1, 0);
	put_name(reply, ASKED);
	if (s_as == AS_ADDRESS) {
		begin = open_record(reply, v4 ? DNS_TYPE_A : DNS_TYPE_AAAA, 60);
		put(reply, s_bound.bytes, ip_size(&s_bound));
	} else {
		begin = open_record(reply, DNS_TYPE_HTTPS, 60);
		put16(reply, 1);
		put8(reply, 0);
		parameter(reply, v4 ? 4 : 6, s_bound.bytes, ip_size(&s_bound));
	}
	close_record(reply, begin);
	return true;
}

static void assert_refused(const char *text)
{
	assert_int_equal(ip_parse(text, &s_bound), 0);
	for (s_as = AS_ADDRESS; s_as <= AS_HINT; s_as++) {
		struct world *world = world_new();
		uint16_t type = s_as == AS_HINT       ? DNS_TYPE_HTTPS
				: s_bound.family == 4 ? DNS_TYPE_A
						      : DNS_TYPE_AAAA;
		struct asker asker;

		answer_by(world, rebind);
		asker = learn_of(world, ASKED, type);
		if (asker.status != -EACCES || world->learnings > 0)
			fail_msg("%s as %s: status %d", text, s_as == AS_HINT ? "hint" : "address",
				 asker.status);
		world_free(world);
	}
}

static void no_special_address_is_learned_in_any_disguise(void **state)
{
	static const char *const special[] = {"0.0.0.0",       "127.0.0.1",       "169.254.169.254",
					      "168.63.129.16", "224.0.0.251",     "240.0.0.1",
					      "192.0.0.192",   "255.255.255.255", "10.1.2.3",
					      "172.16.0.1",    "192.168.0.1",     "100.64.0.1"};
	static const char *const before[] = {"::",
					     "::ffff:",
					     "::ffff:0:",
					     "64:ff9b::",
					     "64:ff9b:1::",
					     "64:ff9b:1:2:3:4:",
					     "2001:0:4136:e378:8000:63bf:"};
	static const char *const alone[] = {"::",      "::1",     "fe80::1", "fec0::1",
					    "fc00::1", "fd00::1", "ff02::1", "2001:2::1",
					    "100::1",  "5f00::1"};
	char text[80];

	(void)state;
	for (size_t i = 0; i < sizeof(special) / sizeof(special[0]); i++) {
		unsigned int b[4];

		assert_refused(special[i]);
		for (size_t j = 0; j < sizeof(before) / sizeof(before[0]); j++) {
			snprintf(text, sizeof(text), "%s%s", before[j], special[i]);
			assert_refused(text);
		}
		assert_int_equal(sscanf(special[i], "%u.%u.%u.%u", &b[0], &b[1], &b[2], &b[3]), 4);
		snprintf(text, sizeof(text), "2002:%x:%x::1", b[0] << 8 | b[1], b[2] << 8 | b[3]);
		assert_refused(text);
		/* Teredo's, upside down */
		snprintf(text, sizeof(text), "2001:0:4136:e378:8000:63bf:%x:%x",
			 0xffff ^ (b[0] << 8 | b[1]), 0xffff ^ (b[2] << 8 | b[3]));
		assert_refused(text);
	}
	for (size_t i = 0; i < sizeof(alone) / sizeof(alone[0]); i++)
		assert_refused(alone[i]);
}

/* ------------------------------------------------------------------ sizes and times */

static uint32_t s_ttl;
static unsigned int s_count;

static bool send_many(struct fake_upstream *upstream, const uint8_t *query, size_t length,
		      struct builder *reply)
{
	(void)upstream;
	(void)length;
	reply_start(reply, query, 0, s_count, 0);
	for (uint32_t i = 0; i < s_count; i++) {
		put_pointer(reply, 12);
		size_t begin = open_record(reply, DNS_TYPE_A, s_ttl);
		put32(reply, HONEST + i);
		close_record(reply, begin);
	}
	return true;
}

static void times_to_live_are_bounded_on_both_sides(void **state)
{
	static const struct {
		uint32_t sent, learned;
	} cases[] = {
		{0, 0},
		{1, 1},
		{86400, 86400},
		{86401, 86400},
		{0x7fffffff, 86400},
		{0x80000000, 0},
		{0xffffffff, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct world *world = world_new();

		s_ttl = cases[i].sent;
		s_count = 1;
		answer_by(world, send_many);
		assert_int_equal(learn_of(world, ASKED, DNS_TYPE_A).status, 0);
		assert_int_equal(world->learned[0].ttl, cases[i].learned);
		assert_int_equal(resolver_figures(world->resolver).cache_held,
				 cases[i].learned > 0);
		world_free(world);
	}
}

static void answers_of_any_size_end_well(void **state)
{
	static const struct {
		unsigned int count;
		int status;
		size_t learned;
	} cases[] = {
		{0, 0, 0},
		{64, 0, 64},
		{65, 0, 64},
		{250, 0, 64} /* 4,034 bytes */,
		{256, 0, 64},
		{257, -EPROTO, 0},
		{4000, -EPROTO, 0} /* 64,034 bytes */,
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct world *world = world_new();
		struct asker asker;

		s_ttl = 60;
		s_count = cases[i].count;
		answer_by(world, send_many);
		asker = learn_of(world, ASKED, DNS_TYPE_A);
		if (asker.status != cases[i].status || world->learned_count != cases[i].learned)
			fail_msg("%u records: status %d, learned %zu", cases[i].count, asker.status,
				 world->learned_count);
		world_free(world);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_unsound_answer_is_no_answer),
		cmocka_unit_test(an_answer_to_something_else_is_not_taken),
		cmocka_unit_test(ten_thousand_forgeries_do_not_displace_the_right_answer),
		cmocka_unit_test(many_who_ask_the_same_make_no_birthday),
		cmocka_unit_test(ids_and_ports_cannot_be_foretold),
		cmocka_unit_test(only_what_hangs_on_the_question_is_learned_and_for_its_name),
		cmocka_unit_test(no_special_address_is_learned_in_any_disguise),
		cmocka_unit_test(times_to_live_are_bounded_on_both_sides),
		cmocka_unit_test(answers_of_any_size_end_well),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
