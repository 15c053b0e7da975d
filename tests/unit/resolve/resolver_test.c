#include "resolve_case.h"

#include <limits.h>

#include "resolve/cache_impl.h"

/* One question or lookup and what came of it. */
struct asker {
	struct resolver_ask ask;
	struct resolver_lookup lookup;
	struct world *world;
	bool over;
	int status;
	enum dns_code code;
	enum reason reason;
	uint32_t age;
	size_t length;
	struct ip_address refused;
	struct learned_address addresses[2 * RESOLVER_ADDRESSES_MAX];
	size_t count;
};

static void ask_done(struct resolver_ask *ask, const struct resolver_answer *answer)
{
	struct asker *asker = loop_owner(ask, struct asker, ask);

	assert_false(asker->over);
	asker->over = true;
	asker->status = answer->status;
	asker->code = answer->code;
	asker->reason = answer->reason;
	asker->age = answer->age;
	asker->length = answer->length;
	asker->refused = answer->refused;
	asker->count = answer->count;
	loop_stop(asker->world->loop);
}

static void lookup_done(struct resolver_lookup *lookup, const struct resolver_result *result)
{
	struct asker *asker = loop_owner(lookup, struct asker, lookup);

	assert_false(asker->over);
	asker->over = true;
	asker->status = result->status;
	asker->reason = result->reason;
	asker->count = result->count;
	for (size_t i = 0; i < result->count; i++)
		asker->addresses[i] = result->addresses[i];
	loop_stop(asker->world->loop);
}

static struct asker ask_of(struct world *world, const char *text, uint16_t type, unsigned int flags)
{
	struct asker asker = {.world = world};
	struct name name = named(text);

	assert_int_equal(resolver_ask(world->resolver, &name, type, flags, &asker.ask, ask_done),
			 0);
	world_run(world); /* at once when it was over before */
	assert_true(asker.over);
	return asker;
}

static struct asker learn_of(struct world *world, const char *text)
{
	return ask_of(world, text, DNS_TYPE_A, ASK_LEARN);
}

static struct asker look_up(struct world *world, const char *text)
{
	struct asker asker = {.world = world};
	struct name name = named(text);

	assert_int_equal(resolver_lookup(world->resolver, &name, &asker.lookup, lookup_done), 0);
	world_run(world);
	assert_true(asker.over);
	return asker;
}

static void an_answer_is_learned_and_kept(void **state)
{
	struct world *world = world_new();
	struct asker asker = learn_of(world, "plain.test.example");

	(void)state;
	assert_int_equal(asker.status, 0);
	assert_int_equal(asker.reason, REASON_RULE_ALLOWS);
	assert_int_equal(asker.count, 1);
	assert_int_equal(world->learnings, 1);
	assert_string_equal(world->learned_name.text, "plain.test.example");
	assert_int_equal(world->learned[0].ttl, 60);
	asker = learn_of(world, "plain.test.example");
	assert_int_equal(asker.status, 0);
	assert_int_equal(world->learnings, 2); /* also from the cache */
	assert_int_equal(world->upstreams[0].by_udp, 1);
	assert_int_equal(resolver_figures(world->resolver).cache_hits, 1);
	assert_int_equal(resolver_figures(world->resolver).cache_held, 1);
	asker = ask_of(world, "plain.test.example", DNS_TYPE_A, ASK_FRESH);
	assert_int_equal(world->upstreams[0].by_udp, 2);
	assert_int_equal(world->learnings, 2); /* nobody asked for it */
	world_free(world);
}

static void the_dnssec_flag_is_asked_and_kept_apart(void **state)
{
	struct world *world = world_new();

	(void)state;
	ask_of(world, "plain.test.example", DNS_TYPE_A, 0);
	ask_of(world, "plain.test.example", DNS_TYPE_A, ASK_DNSSEC_OK);
	assert_int_equal(world->upstreams[0].by_udp, 2);
	world_free(world);
}

static void ids_and_ports_differ_from_question_to_question(void **state)
{
	struct world *world = world_new();
	const struct fake_upstream *upstream = &world->upstreams[0];
	unsigned int same_ids = 0, same_ports = 0;

	(void)state;
	for (int i = 0; i < 20; i++)
		ask_of(world, "plain.test.example", DNS_TYPE_A, ASK_FRESH);
	for (int i = 1; i < 20; i++) {
		same_ids += upstream->ids[i] == upstream->ids[i - 1];
		same_ports += upstream->ports[i] == upstream->ports[i - 1];
	}
	assert_true(same_ids < 3);
	assert_true(same_ports < 3);
	world_free(world);
}

static void begin_asking(struct world *world, struct asker *asker, const char *text,
			 unsigned int flags)
{
	struct name name = named(text);

	*asker = (struct asker){.world = world};
	assert_int_equal(
		resolver_ask(world->resolver, &name, DNS_TYPE_A, flags, &asker->ask, ask_done), 0);
}

static size_t count_different(const uint16_t *numbers, size_t count)
{
	size_t different = 0;

	for (size_t i = 0; i < count; i++) {
		size_t earlier = 0;

		while (earlier < i && numbers[earlier] != numbers[i])
			earlier++;
		different += earlier == i;
	}
	return different;
}

/* More would ask for another port than FAKE_NOTES remembers. */
static void many_questions_at_once_share_a_few_ports_each_with_an_id_of_its_own(void **state)
{
	enum { MANY = 60 };
	struct world *world = world_new();
	const struct fake_upstream *upstream = &world->upstreams[0];
	struct resolver_settings settings = quick_settings(world);
	static struct asker askers[MANY];
	char name[64];

	(void)state;
	settings.pending_capacity = MANY;
	settings.timeout_ms = 2000;
	world_make_resolver(world, &settings);
	for (size_t i = 0; i < MANY; i++) {
		snprintf(name, sizeof(name), "plain.n%zu.test.example", i);
		begin_asking(world, &askers[i], name, ASK_LEARN);
	}
	while (resolver_figures(world->resolver).pending > 0)
		world_run(world);
	for (size_t i = 0; i < MANY; i++)
		assert_int_equal(askers[i].status, 0);
	assert_int_equal(upstream->by_udp, MANY);
	assert_int_equal(count_different(upstream->ports, 8), 8);
	assert_int_equal(count_different(upstream->ports, MANY), 8);
	assert_in_range(count_different(upstream->ids, MANY), MANY - 2, MANY);
	world_free(world);
}

static void the_same_question_goes_out_once_and_its_answer_to_all_who_asked(void **state)
{
	struct world *world = world_new();
	struct asker askers[6], other, signed_one;

	(void)state;
	for (size_t i = 0; i < 6; i++)
		begin_asking(world, &askers[i], "plain.test.example", ASK_LEARN);
	begin_asking(world, &other, "zero.test.example", ASK_LEARN);
	begin_asking(world, &signed_one, "plain.test.example", ASK_LEARN | ASK_DNSSEC_OK);
	assert_int_equal(resolver_figures(world->resolver).pending, 8);
	while (resolver_figures(world->resolver).pending > 0)
		world_run(world);
	for (size_t i = 0; i < 6; i++) {
		assert_true(askers[i].over);
		assert_int_equal(askers[i].status, 0);
		assert_int_equal(askers[i].count, 1);
		assert_int_equal(askers[i].length, askers[0].length);
	}
	assert_true(other.over && signed_one.over);
	assert_int_equal(world->upstreams[0].by_udp, 3);
	assert_int_equal(world->learnings, 3);
	world_free(world);
}

static void who_asked_first_may_go_and_the_others_still_get_the_answer(void **state)
{
	struct world *world = world_new();
	struct asker first, second, third;

	(void)state;
	begin_asking(world, &first, "plain.test.example", ASK_LEARN);
	begin_asking(world, &second, "plain.test.example", ASK_LEARN);
	begin_asking(world, &third, "plain.test.example", ASK_LEARN);
	resolver_ask_cancel(world->resolver, &first.ask);
	resolver_ask_cancel(world->resolver, &third.ask);
	while (!second.over)
		world_run(world);
	assert_false(first.over || third.over);
	assert_int_equal(second.status, 0);
	assert_int_equal(world->upstreams[0].by_udp, 1);
	assert_int_equal(resolver_figures(world->resolver).pending, 0);
	world_free(world);
}

static void when_all_have_gone_the_question_is_given_up(void **state)
{
	struct world *world = world_new();
	struct asker first, second, third;

	(void)state;
	begin_asking(world, &first, "plain.test.example", ASK_LEARN);
	begin_asking(world, &second, "plain.test.example", ASK_LEARN);
	resolver_ask_cancel(world->resolver, &first.ask);
	assert_int_equal(resolver_figures(world->resolver).pending, 2);
	resolver_ask_cancel(world->resolver, &second.ask);
	assert_int_equal(resolver_figures(world->resolver).pending, 0);
	begin_asking(world, &third, "plain.test.example", ASK_LEARN);
	while (!third.over)
		world_run(world);
	assert_int_equal(third.status, 0);
	assert_int_equal(world->learnings, 1);
	world_free(world);
}

struct leaver {
	struct asker asker;
	struct asker *other;
};

static void cancel_the_other(struct resolver_ask *ask, const struct resolver_answer *answer)
{
	struct leaver *leaver = loop_owner(ask, struct leaver, asker.ask);

	resolver_ask_cancel(leaver->asker.world->resolver, &leaver->other->ask);
	ask_done(ask, answer);
}

static void one_who_is_answered_may_cancel_another_who_would_be_next(void **state)
{
	struct world *world = world_new();
	struct name name = named("plain.test.example");
	struct asker asker, last;
	struct leaver leaver = {.asker.world = world, .other = &asker};

	(void)state;
	assert_int_equal(resolver_ask(world->resolver, &name, DNS_TYPE_A, ASK_LEARN,
				      &leaver.asker.ask, cancel_the_other),
			 0);
	begin_asking(world, &asker, "plain.test.example", ASK_LEARN);
	begin_asking(world, &last, "plain.test.example", ASK_LEARN);
	while (!last.over)
		world_run(world);
	assert_true(leaver.asker.over);
	assert_false(asker.over);
	assert_int_equal(resolver_figures(world->resolver).pending, 0);
	world_free(world);
}

static void the_next_upstream_is_asked_after_a_timeout_and_first_from_then_on(void **state)
{
	struct world *world = world_new();
	struct asker asker;

	(void)state;
	world->upstreams[0].silent = true;
	asker = learn_of(world, "plain.test.example");
	assert_int_equal(asker.status, 0);
	assert_int_equal(world->upstreams[0].by_udp, 1);
	assert_int_equal(world->upstreams[1].by_udp, 1);
	assert_int_equal(resolver_figures(world->resolver).timeouts, 1);
	learn_of(world, "other.test.example");
	assert_int_equal(world->upstreams[0].by_udp, 1);
	assert_int_equal(world->upstreams[1].by_udp, 2);
	world_free(world);
}

static void an_upstream_that_is_not_there_costs_no_timeout(void **state)
{
	struct world *world = world_new();
	struct resolver_settings settings = quick_settings(world);
	int udp, tcp;

	(void)state;
	settings.upstreams[0].port = open_pair(&udp, &tcp);
	close(udp);
	close(tcp);
	settings.timeout_ms = 4000;
	world_make_resolver(world, &settings);
	assert_int_equal(learn_of(world, "plain.test.example").status, 0);
	assert_int_equal(resolver_figures(world->resolver).timeouts, 0);
	world_free(world);
}

static void after_four_tries_it_is_given_up(void **state)
{
	struct world *world = world_new();
	struct asker asker = learn_of(world, "silent.test.example");

	(void)state;
	assert_int_equal(asker.status, -ETIMEDOUT);
	assert_int_equal(asker.reason, REASON_LOOKUP_FAILED);
	assert_int_equal(world->upstreams[0].by_udp, 2);
	assert_int_equal(world->upstreams[1].by_udp, 2);
	assert_int_equal(resolver_figures(world->resolver).timeouts, 4);
	assert_int_equal(resolver_figures(world->resolver).pending, 0);
	world_free(world);
}

static void an_error_code_makes_the_next_upstream_be_asked(void **state)
{
	struct world *world = world_new();

	(void)state;
	world->upstreams[0].code = SERVFAIL;
	assert_int_equal(learn_of(world, "plain.test.example").status, 0);
	/* It is not put back: the fault may be the name's. */
	learn_of(world, "other.test.example");
	assert_int_equal(world->upstreams[0].by_udp, 2);
	world_free(world);
}

static void when_all_give_error_codes_the_last_is_handed_on(void **state)
{
	struct world *world = world_new();
	struct asker asker;

	(void)state;
	world->upstreams[0].code = SERVFAIL;
	world->upstreams[1].code = REFUSED;
	asker = learn_of(world, "plain.test.example");
	assert_int_equal(asker.status, -EREMOTEIO);
	assert_int_equal(asker.code, DNS_CODE_REFUSED);
	assert_int_equal(world->upstreams[0].by_udp, 1);
	assert_int_equal(world->upstreams[1].by_udp, 1);
	assert_int_equal(resolver_figures(world->resolver).cache_held, 0);
	world_free(world);
}

static void a_truncated_answer_is_fetched_over_tcp(void **state)
{
	struct world *world = world_new();
	struct asker asker = learn_of(world, "many.test.example");

	(void)state;
	assert_int_equal(asker.status, 0);
	assert_int_equal(world->upstreams[0].by_udp, 1);
	assert_int_equal(world->upstreams[0].by_tcp, 1);
	assert_true(asker.length > CACHE_MESSAGE_MAX);
	assert_int_equal(world->learned_count, RESOLVER_ADDRESSES_MAX);
	assert_int_equal(resolver_figures(world->resolver).cache_held, 0);
	world_free(world);
}

static void a_hang_up_over_tcp_makes_the_next_upstream_be_asked(void **state)
{
	struct world *world = world_new();

	(void)state;
	world->upstreams[0].hangs_up = true;
	assert_int_equal(learn_of(world, "many.test.example").status, 0);
	assert_int_equal(world->upstreams[0].by_tcp, 0);
	assert_int_equal(world->upstreams[1].by_tcp, 1);
	world_free(world);
}

static void a_wrong_id_a_wrong_question_and_broken_answers_are_ignored(void **state)
{
	static const char *const names[] = {"wrongid.test.example", "wrongquestion.test.example",
					    "broken.test.example"};
	struct world *world = world_new();

	(void)state;
	for (unsigned int i = 0; i < 3; i++) {
		struct asker asker = learn_of(world, names[i]);

		assert_int_equal(asker.status, 0);
		assert_int_equal(resolver_figures(world->resolver).malformed, 3 * (i + 1));
	}
	assert_int_equal(world->upstreams[1].by_udp, 0);
	assert_int_equal(resolver_figures(world->resolver).timeouts, 0);
	world_free(world);
}

static void only_broken_answers_are_a_protocol_error(void **state)
{
	struct world *world = world_new();
	struct asker asker = learn_of(world, "brokenonly.test.example");

	(void)state;
	assert_int_equal(asker.status, -EPROTO);
	assert_int_equal(world->learnings, 0);
	world_free(world);
}

static void a_looping_chain_is_a_protocol_error(void **state)
{
	struct world *world = world_new();

	(void)state;
	assert_int_equal(learn_of(world, "loop.test.example").status, -EPROTO);
	assert_int_equal(world->learnings, 0);
	assert_int_equal(resolver_figures(world->resolver).cache_held, 0);
	world_free(world);
}

static void a_chain_is_learned_for_the_name_that_was_asked(void **state)
{
	struct world *world = world_new();

	(void)state;
	learn_of(world, "chain.test.example");
	assert_string_equal(world->learned_name.text, "chain.test.example");
	assert_int_equal(world->learned_count, 1);
	assert_int_equal(world->learned[0].ttl, 20);
	world_free(world);
}

static void hints_are_learned(void **state)
{
	struct world *world = world_new();

	(void)state;
	ask_of(world, "plain.test.example", DNS_TYPE_HTTPS, ASK_LEARN);
	assert_int_equal(world->learned_count, 1);
	assert_int_equal(world->learned[0].address.bytes[3], 5);
	world_free(world);
}

static void a_negative_answer_is_kept_when_it_has_a_soa(void **state)
{
	struct world *world = world_new();
	struct asker asker;

	(void)state;
	asker = learn_of(world, "none.test.example");
	assert_int_equal(asker.status, 0);
	assert_int_equal(asker.code, DNS_CODE_NXDOMAIN);
	learn_of(world, "none.test.example");
	assert_int_equal(world->upstreams[0].by_udp, 1);
	learn_of(world, "nosoa.test.example");
	learn_of(world, "nosoa.test.example");
	assert_int_equal(world->upstreams[0].by_udp, 3);
	assert_int_equal(world->learnings, 0);
	world_free(world);
}

static void an_answer_with_ttl_zero_is_learned_but_not_kept(void **state)
{
	struct world *world = world_new();

	(void)state;
	learn_of(world, "zero.test.example");
	learn_of(world, "zero.test.example");
	assert_int_equal(world->upstreams[0].by_udp, 2);
	assert_int_equal(world->learnings, 2);
	assert_int_equal(resolver_figures(world->resolver).cache_held, 0);
	world_free(world);
}

static void a_special_or_private_address_refuses_the_whole_answer(void **state)
{
	struct world *world = world_new();
	struct asker asker = learn_of(world, "special.test.example");

	(void)state;
	assert_int_equal(asker.status, -EACCES);
	assert_int_equal(asker.reason, REASON_SPECIAL_ADDRESS);
	assert_int_equal(asker.refused.bytes[0], 169);
	asker = learn_of(world, "private.test.example");
	assert_int_equal(asker.status, -EACCES);
	assert_int_equal(asker.reason, REASON_PRIVATE_ADDRESS);
	assert_int_equal(world->learnings, 0);
	assert_int_equal(resolver_figures(world->resolver).refused_answers, 2);
	assert_int_equal(resolver_figures(world->resolver).cache_held, 0);
	world_free(world);
}

/* Somebody who may not learn asked first; what lies in the cache is guarded all the same. */
static void a_kept_answer_is_guarded_when_it_is_used(void **state)
{
	struct world *world = world_new();

	(void)state;
	assert_int_equal(ask_of(world, "special.test.example", DNS_TYPE_A, 0).status, 0);
	assert_int_equal(resolver_figures(world->resolver).cache_held, 1);
	assert_int_equal(learn_of(world, "special.test.example").status, -EACCES);
	assert_int_equal(world->learnings, 0);
	world_free(world);
}

static void a_failure_to_learn_makes_the_answer_unusable(void **state)
{
	struct world *world = world_new();
	struct asker asker;

	(void)state;
	world->learn_error = -ENOSPC;
	asker = learn_of(world, "plain.test.example");
	assert_int_equal(asker.status, -ENOSPC);
	assert_int_equal(asker.reason, REASON_PINS_FULL);
	assert_int_equal(asker.count, 0);
	world->learn_error = -EIO;
	asker = learn_of(world, "plain.test.example");
	assert_int_equal(asker.status, -EIO);
	assert_int_equal(asker.reason, REASON_INTERNAL);
	world_free(world);
}

static void a_full_table_refuses_and_counts(void **state)
{
	struct world *world = world_new();
	struct asker askers[9] = {0};
	struct name name = named("silent.test.example");

	(void)state;
	for (int i = 0; i < 9; i++)
		assert_int_equal(resolver_ask(world->resolver, &name, DNS_TYPE_A, 0, &askers[i].ask,
					      ask_done),
				 i < 8 ? 0 : -ENOSPC);
	assert_int_equal(resolver_figures(world->resolver).pending, 8);
	assert_int_equal(resolver_figures(world->resolver).full, 1);
	for (int i = 0; i < 9; i++)
		resolver_ask_cancel(world->resolver, &askers[i].ask);
	assert_int_equal(resolver_figures(world->resolver).pending, 0);
	assert_int_equal(learn_of(world, "plain.test.example").status, 0);
	world_free(world);
}

static void new_upstreams_hold_for_new_questions(void **state)
{
	struct world *world = world_new();
	struct resolver_settings settings = quick_settings(world);
	struct asker asker = {.world = world};
	struct name name = named("plain.test.example");

	(void)state;
	settings.upstreams[0] = settings.upstreams[1];
	settings.upstream_count = 1;
	assert_int_equal(resolver_ask(world->resolver, &name, DNS_TYPE_A, 0, &asker.ask, ask_done),
			 0);
	resolver_set_upstreams(world->resolver, &settings);
	world_run(world);
	assert_true(asker.over);
	assert_int_equal(world->upstreams[0].by_udp, 1);
	learn_of(world, "other.test.example");
	assert_int_equal(world->upstreams[0].by_udp, 1);
	assert_int_equal(world->upstreams[1].by_udp, 1);
	world_free(world);
}

/* ----------------------------------------------------------------------- lookups */

static void a_lookup_brings_both_families(void **state)
{
	struct world *world = world_new();
	struct asker asker = look_up(world, "plain.test.example");

	(void)state;
	assert_int_equal(asker.status, 0);
	assert_int_equal(asker.count, 2);
	assert_int_equal(asker.addresses[0].address.family + asker.addresses[1].address.family, 10);
	assert_int_equal(world->learnings, 2);
	asker = look_up(world, "plain.test.example"); /* done before it returns */
	assert_int_equal(asker.count, 2);
	assert_int_equal(world->upstreams[0].by_udp, 2);
	world_free(world);
}

static void one_family_is_enough(void **state)
{
	struct world *world = world_new();
	struct asker asker = look_up(world, "v4only.test.example");

	(void)state;
	assert_int_equal(asker.status, 0);
	assert_int_equal(asker.count, 1);
	world_free(world);
}

static void a_lookup_says_why_there_is_nothing(void **state)
{
	struct world *world = world_new();

	(void)state;
	assert_int_equal(look_up(world, "none.test.example").status, -ENOENT);
	assert_int_equal(look_up(world, "silent.test.example").status, -ETIMEDOUT);
	assert_int_equal(look_up(world, "special.test.example").status, -EACCES);
	assert_int_equal(look_up(world, "special.test.example").reason, REASON_SPECIAL_ADDRESS);
	world->upstreams[0].code = world->upstreams[1].code = SERVFAIL;
	assert_int_equal(look_up(world, "plain.test.example").status, -ETIMEDOUT);
	world_free(world);
}

/* The slow family still finishes by itself and is learned. */
static void stop_after_second(struct world *world)
{
	if (world->learnings == 2)
		loop_stop(world->loop);
}

static void a_latecomer_is_not_waited_for_but_learned(void **state)
{
	struct world *world = world_new();
	struct resolver_settings settings = quick_settings(world);
	struct asker asker = {.world = world};
	struct name name = named("plain.test.example");

	(void)state;
	settings.timeout_ms = 250;
	world_make_resolver(world, &settings);
	ask_of(world, "plain.test.example", DNS_TYPE_A, 0); /* A comes from the cache */
	world->upstreams[0].silent = true;                  /* AAAA takes a second try */
	world->on_learn = stop_after_second;
	assert_int_equal(resolver_lookup(world->resolver, &name, &asker.lookup, lookup_done), 0);
	assert_false(asker.over);
	world_run(world);
	assert_true(asker.over);
	assert_int_equal(asker.count, 1);
	assert_int_equal(world->learnings, 1);
	assert_int_equal(resolver_figures(world->resolver).pending, 1);
	world_run(world);
	assert_int_equal(world->learned[0].address.family, 6);
	assert_int_equal(resolver_figures(world->resolver).pending, 0);
	world_free(world);
}

static void a_refresh_asks_although_the_cache_is_fresh(void **state)
{
	struct world *world = world_new();
	struct asker asker = {.world = world};
	struct name name = named("plain.test.example");

	(void)state;
	look_up(world, "plain.test.example");
	assert_int_equal(resolver_refresh(world->resolver, &name, &asker.lookup, lookup_done), 0);
	world_run(world);
	assert_int_equal(asker.count, 2);
	assert_int_equal(world->upstreams[0].by_udp, 4);
	world_free(world);
}

/* ------------------------------------------------------------ the budget of new names */

#define SOURCE 0x7f000009

/* Asks in the name of a source for a name that was not there before. */
static struct asker ask_anew(struct world *world, uint32_t source)
{
	static unsigned int next;
	struct asker asker = {.world = world, .ask.source = ip_from_v4(source)};
	struct name name;
	char text[40];

	snprintf(text, sizeof(text), "v%x.test.example", next++);
	name = named(text);
	assert_int_equal(
		resolver_ask(world->resolver, &name, DNS_TYPE_A, ASK_LEARN, &asker.ask, ask_done),
		0);
	world_run(world);
	return asker;
}

/* A reload is under way until the learner has been asked so many times. */
static unsigned int s_reload_ends_at;

static void end_reload(struct world *world)
{
	if (world->learnings >= s_reload_ends_at)
		world->learn_error = 0;
}

static void begin_reload(struct world *world, unsigned int ends_at)
{
	s_reload_ends_at = ends_at;
	world->learn_error = -EAGAIN;
	world->on_learn = end_reload;
}

static void what_cannot_be_learned_yet_waits_until_it_is_learned(void **state)
{
	struct world *world = world_new();
	struct asker first, second, third, kept;

	(void)state;
	learn_of(world, "other.test.example");
	begin_reload(world, 6);
	begin_asking(world, &kept, "other.test.example", ASK_LEARN);
	begin_asking(world, &first, "plain.test.example", ASK_LEARN);
	begin_asking(world, &second, "plain.test.example", ASK_LEARN);
	begin_asking(world, &third, "plain.test.example", ASK_LEARN);
	while (!(kept.over && first.over && second.over && third.over)) {
		assert_true(world->learnings >= 6 || !(kept.over || first.over));
		world_run(world);
	}
	assert_true(kept.status == 0 && first.status == 0 && second.status == 0);
	assert_true(first.count == 1 && second.count == 1 && third.count == 1);
	assert_int_equal(world->upstreams[0].by_udp, 2); /* nobody asked again */
	assert_int_equal(resolver_figures(world->resolver).pending, 0);
	world_free(world);
}

static void what_waits_and_cannot_be_kept_is_asked_again(void **state)
{
	struct world *world = world_new();
	struct asker asker;

	(void)state;
	begin_reload(world, 2);
	begin_asking(world, &asker, "zero.test.example", ASK_LEARN);
	while (!asker.over)
		world_run(world);
	assert_int_equal(asker.status, 0);
	assert_int_equal(world->upstreams[0].by_udp, 2);
	world_free(world);
}

static void who_goes_while_an_answer_waits_hears_nothing(void **state)
{
	struct world *world = world_new();
	struct asker first, second, gone;

	(void)state;
	learn_of(world, "other.test.example");
	begin_reload(world, UINT_MAX);
	begin_asking(world, &gone, "other.test.example", ASK_LEARN);
	begin_asking(world, &first, "other.test.example", ASK_LEARN);
	assert_int_equal(resolver_figures(world->resolver).pending, 2);
	resolver_ask_cancel(world->resolver, &gone.ask);
	assert_int_equal(resolver_figures(world->resolver).pending, 1);
	begin_reload(world, 0);
	while (!first.over)
		world_run(world);
	assert_false(gone.over);
	begin_reload(world, UINT_MAX);
	begin_asking(world, &second, "other.test.example", ASK_LEARN);
	world_free(world); /* with an answer that waits */
	assert_false(second.over);
}

static void new_names_below_a_wildcard_are_asked_within_the_budget_only(void **state)
{
	struct world *world = world_new();
	struct asker asker;

	(void)state;
	for (int i = 0; i < 32; i++)
		assert_int_equal(ask_anew(world, SOURCE).status, 0);
	asker = ask_anew(world, SOURCE);
	assert_int_equal(asker.status, -EDQUOT);
	assert_int_equal(asker.reason, REASON_DNS_BUDGET);
	assert_int_equal(world->upstreams[0].by_udp, 32); /* nothing left for the refused one */
	assert_int_equal(resolver_figures(world->resolver).pending, 0);
	assert_int_equal(ask_anew(world, SOURCE + 1).status, 0);
	world_free(world);
}

static void what_is_kept_or_our_own_costs_nothing(void **state)
{
	struct world *world = world_new();
	struct asker asker = {.world = world, .ask.source = ip_from_v4(SOURCE)};
	struct name name = named("plain.test.example");

	(void)state;
	learn_of(world, "plain.test.example");
	assert_int_equal(name_budget_figures(world->budget).new_names, 0);
	assert_int_equal(
		resolver_ask(world->resolver, &name, DNS_TYPE_A, ASK_LEARN, &asker.ask, ask_done),
		0);
	assert_true(asker.over);
	assert_int_equal(asker.status, 0);
	assert_int_equal(name_budget_figures(world->budget).new_names, 0);
	world_free(world);
}

static void a_name_that_a_rule_spells_out_costs_nothing(void **state)
{
	struct world *world = world_new();

	(void)state;
	policy_slot_swap(world->slot, make_policy("plain.test.example"));
	for (int i = 0; i < 40; i++) {
		struct asker asker = {.world = world, .ask.source = ip_from_v4(SOURCE)};
		struct name name = named("plain.test.example");

		assert_int_equal(resolver_ask(world->resolver, &name, (uint16_t)(16 + i % 2),
					      ASK_LEARN | ASK_FRESH, &asker.ask, ask_done),
				 0);
		world_run(world);
		assert_int_equal(asker.status, 0);
	}
	assert_int_equal(name_budget_figures(world->budget).sources, 0);
	world_free(world);
}

static void a_lookup_for_a_name_that_a_client_wrote_is_paid_too(void **state)
{
	struct world *world = world_new();
	struct asker asker = {.world = world, .lookup.source = ip_from_v4(SOURCE)};
	struct name name = named("plain.test.example");

	(void)state;
	assert_int_equal(resolver_lookup(world->resolver, &name, &asker.lookup, lookup_done), 0);
	world_run(world);
	assert_int_equal(asker.count, 2); /* both families for one price */
	assert_int_equal(name_budget_figures(world->budget).new_names, 1);
	for (int i = 0; i < 31; i++)
		ask_anew(world, SOURCE);
	asker = (struct asker){.world = world, .lookup.source = ip_from_v4(SOURCE)};
	name = named("other.test.example");
	assert_int_equal(resolver_lookup(world->resolver, &name, &asker.lookup, lookup_done), 0);
	assert_true(asker.over);
	assert_int_equal(asker.status, -EDQUOT);
	assert_int_equal(asker.reason, REASON_DNS_BUDGET);
	world_run(world);
	world_free(world);
}

static void a_cancelled_lookup_is_silent_and_gives_its_places_back(void **state)
{
	struct world *world = world_new();
	struct asker *asker = calloc(1, sizeof(*asker));
	struct name name = named("plain.test.example");

	(void)state;
	assert_int_equal(resolver_lookup(world->resolver, &name, &asker->lookup, lookup_done), 0);
	assert_int_equal(resolver_figures(world->resolver).pending, 2);
	resolver_cancel(world->resolver, &asker->lookup);
	resolver_cancel(world->resolver, &asker->lookup);
	assert_int_equal(resolver_figures(world->resolver).pending, 0);
	free(asker);
	look_up(world, "other.test.example");
	assert_int_equal(world->learnings, 1);
	world_free(world);
}

static void a_lookup_that_finds_half_a_place_is_refused_whole(void **state)
{
	struct world *world = world_new();
	struct asker askers[8] = {0};
	struct name name = named("silent.test.example");

	(void)state;
	for (int i = 0; i < 7; i++)
		assert_int_equal(resolver_ask(world->resolver, &name, DNS_TYPE_A, 0, &askers[i].ask,
					      ask_done),
				 0);
	assert_int_equal(resolver_lookup(world->resolver, &name, &askers[7].lookup, lookup_done),
			 -ENOSPC);
	assert_int_equal(resolver_figures(world->resolver).pending, 7);
	assert_null(askers[7].lookup.state);
	world_free(world); /* with questions under way */
}

struct chained {
	struct resolver_lookup lookup;
	struct world *world;
	int left;
};

static void start_another(struct resolver_lookup *lookup, const struct resolver_result *result)
{
	struct chained *chained = loop_owner(lookup, struct chained, lookup);
	struct chained *next;
	struct name name = named("plain.test.example");
	struct learned_address first = result->addresses[0];

	assert_int_equal(result->count, 2);
	if (chained->left == 0) {
		loop_stop(chained->world->loop);
	} else {
		next = calloc(1, sizeof(*next));
		*next = (struct chained){.world = chained->world, .left = chained->left - 1};
		assert_int_equal(resolver_lookup(chained->world->resolver, &name, &next->lookup,
						 start_another),
				 0);
	}
	assert_true(ip_equal(&first.address, &result->addresses[0].address));
	free(chained);
}

static void a_callback_may_free_its_owner_and_start_another_lookup(void **state)
{
	struct world *world = world_new();
	struct chained *chained = calloc(1, sizeof(*chained));
	struct name name = named("plain.test.example");

	(void)state;
	*chained = (struct chained){.world = world, .left = 20};
	assert_int_equal(resolver_lookup(world->resolver, &name, &chained->lookup, start_another),
			 0);
	world_run(world);
	assert_int_equal(resolver_figures(world->resolver).pending, 0);
	world_free(world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_answer_is_learned_and_kept),
		cmocka_unit_test(the_dnssec_flag_is_asked_and_kept_apart),
		cmocka_unit_test(ids_and_ports_differ_from_question_to_question),
		cmocka_unit_test(
			many_questions_at_once_share_a_few_ports_each_with_an_id_of_its_own),
		cmocka_unit_test(the_same_question_goes_out_once_and_its_answer_to_all_who_asked),
		cmocka_unit_test(who_asked_first_may_go_and_the_others_still_get_the_answer),
		cmocka_unit_test(when_all_have_gone_the_question_is_given_up),
		cmocka_unit_test(one_who_is_answered_may_cancel_another_who_would_be_next),
		cmocka_unit_test(the_next_upstream_is_asked_after_a_timeout_and_first_from_then_on),
		cmocka_unit_test(an_upstream_that_is_not_there_costs_no_timeout),
		cmocka_unit_test(after_four_tries_it_is_given_up),
		cmocka_unit_test(an_error_code_makes_the_next_upstream_be_asked),
		cmocka_unit_test(when_all_give_error_codes_the_last_is_handed_on),
		cmocka_unit_test(a_truncated_answer_is_fetched_over_tcp),
		cmocka_unit_test(a_hang_up_over_tcp_makes_the_next_upstream_be_asked),
		cmocka_unit_test(a_wrong_id_a_wrong_question_and_broken_answers_are_ignored),
		cmocka_unit_test(only_broken_answers_are_a_protocol_error),
		cmocka_unit_test(a_looping_chain_is_a_protocol_error),
		cmocka_unit_test(a_chain_is_learned_for_the_name_that_was_asked),
		cmocka_unit_test(hints_are_learned),
		cmocka_unit_test(a_negative_answer_is_kept_when_it_has_a_soa),
		cmocka_unit_test(an_answer_with_ttl_zero_is_learned_but_not_kept),
		cmocka_unit_test(a_special_or_private_address_refuses_the_whole_answer),
		cmocka_unit_test(a_kept_answer_is_guarded_when_it_is_used),
		cmocka_unit_test(a_failure_to_learn_makes_the_answer_unusable),
		cmocka_unit_test(a_full_table_refuses_and_counts),
		cmocka_unit_test(new_upstreams_hold_for_new_questions),
		cmocka_unit_test(a_lookup_brings_both_families),
		cmocka_unit_test(one_family_is_enough),
		cmocka_unit_test(a_lookup_says_why_there_is_nothing),
		cmocka_unit_test(a_latecomer_is_not_waited_for_but_learned),
		cmocka_unit_test(a_refresh_asks_although_the_cache_is_fresh),
		cmocka_unit_test(what_cannot_be_learned_yet_waits_until_it_is_learned),
		cmocka_unit_test(what_waits_and_cannot_be_kept_is_asked_again),
		cmocka_unit_test(who_goes_while_an_answer_waits_hears_nothing),
		cmocka_unit_test(new_names_below_a_wildcard_are_asked_within_the_budget_only),
		cmocka_unit_test(what_is_kept_or_our_own_costs_nothing),
		cmocka_unit_test(a_name_that_a_rule_spells_out_costs_nothing),
		cmocka_unit_test(a_lookup_for_a_name_that_a_client_wrote_is_paid_too),
		cmocka_unit_test(a_cancelled_lookup_is_silent_and_gives_its_places_back),
		cmocka_unit_test(a_lookup_that_finds_half_a_place_is_refused_whole),
		cmocka_unit_test(a_callback_may_free_its_owner_and_start_another_lookup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
