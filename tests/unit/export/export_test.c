/* The engine: order, remarks, headers, refusal. The target is the test's own. */
#include "../policy/write_rules.h"
#include <errno.h>

#include "base/cleanup.h"
#include "base/problems.h"
#include "catalog/profile.h"
#include "export/targets_impl.h"

static void write_probe(struct export_job *job)
{
	export_note(job, "it is a test");
	for (size_t i = 0; i < job->rule_count; i++) {
		const struct export_rule *rule = &job->rules[i];

		if (!strncmp(rule->rule->name, "lost", 4))
			export_loss(job, rule, "names only");
		else if (!strncmp(rule->rule->name, "out", 3))
			export_leave_out(job, rule, "no such thing");
		else
			text_addf(job->out, "%s/%s\n", rule->collection->name, rule->rule->name);
	}
}

static const struct export_writer s_writer = {
	.file = "probe", .comment = "# ", .write = write_probe};
static const struct export_target s_target = {"probe", "Probe", &s_writer};

struct run {
	struct rule_set set;
	struct export_result result;
	struct problems *problems;
	int error;
};

static void export_it(struct run *run, bool strict)
{
	struct export_request request = {.set = &run->set, .strict = strict};

	run->problems = problems_new();
	run->error = export_write(&s_target, &request, &run->result, run->problems);
}

static void end(struct run *run)
{
	rule_set_done(&run->set);
	export_result_done(&run->result);
	problems_free(run->problems);
}

#define HEAD "# Probe, made by sallyport " SALLYPORT_VERSION "\n# note: it is a test\n"

static void rules_come_in_judging_order(void **state)
{
	struct run run = {0};

	(void)state;
	write_collection(&run.set, "late", RULE_APPLICATION, 300, RULE_ALLOW);
	write_rule(&run.set, "one", "pattern:a.example https:443");
	write_rule(&run.set, "two", "pattern:b.example https:443");
	write_collection(&run.set, "early", RULE_APPLICATION, 200, RULE_ALLOW);
	write_rule(&run.set, "three", "pattern:c.example https:443");
	write_collection(&run.set, "network", RULE_NETWORK, 400, RULE_ALLOW);
	write_rule(&run.set, "four", "to:* udp port:123");
	write_collection(&run.set, "late-too", RULE_APPLICATION, 300, RULE_ALLOW);
	write_rule(&run.set, "five", "pattern:d.example https:443");
	export_it(&run, false);
	assert_int_equal(run.error, 0);
	assert_string_equal(text_string(&run.result.files[0].text),
			    HEAD "network/four\nearly/three\nlate/one\nlate/two\nlate-too/five\n");
	end(&run);
}

static void write_switches(struct rule_set *set)
{
	write_collection(set, "own", RULE_APPLICATION, 300, RULE_ALLOW);
	write_rule(set, "a", "from:* pattern:a.example https:443 no_sni");
	write_rule(set, "b", "from:* pattern:b.example https:443 no_sni no_ech");
	write_rule(set, "c", "from:* pattern:c.example https:443 quic");
}

static void what_a_target_cannot_say_of_hellos_is_stricter_or_left_out(void **state)
{
	struct run run = {0};

	(void)state;
	write_switches(&run.set);
	write_collection(&run.set, "never", RULE_APPLICATION, 400, RULE_DENY);
	write_rule(&run.set, "d", "pattern:d.example https:443");
	export_it(&run, false);
	assert_int_equal(run.error, 0);
	assert_int_equal(run.result.loss_count, 3);
	assert_string_equal(
		text_string(&run.result.files[0].text),
		HEAD "# stricter: no_sni: allow: a hello without a server name is denied, only "
		     "names are let out (own/a)\n"
		     "# stricter: left out: it cannot refuse an encrypted hello (ech: deny) "
		     "(own/b)\n"
		     "# stricter: quic: inspect: QUIC is not let out, clients use TCP (own/c)\n"
		     "own/a\nown/c\nnever/d\n");
	end(&run);
}

static void a_rule_that_refuses_ech_is_never_left_out_before_one_that_takes_it(void **state)
{
	struct run run = {0};

	(void)state;
	write_switches(&run.set);
	write_rule(&run.set, "all", "from:* pattern:* https:443");
	export_it(&run, false);
	assert_int_equal(run.error, -EPERM);
	assert_non_null(strstr(problems_at(run.problems, 1)->text, "ech: deny"));
	assert_non_null(strstr(problems_at(run.problems, 1)->text, "(own/b)"));
	end(&run);
}

static bool is_said(const struct export_result *result, const char *words)
{
	for (size_t i = 0; i < result->file_count; i++)
		if (strstr(text_string(&result->files[i].text), words))
			return true;
	return false;
}

static void check_switches(const struct export_target *target, bool is_list)
{
	struct run run = {.problems = problems_new()};
	struct cluster_profile profile = {0};
	struct export_request request = {.set = &run.set, .profile = &profile};

	write_switches(&run.set);
	if (export_write(target, &request, &run.result, run.problems) != 0)
		fail_msg("%s: %s", target->name, problems_at(run.problems, 0)->text);
	if (!is_said(&run.result, "inspect"))
		fail_msg("%s says nothing of QUIC", target->name);
	if (!is_said(&run.result, "no_sni"))
		fail_msg("%s says nothing of no_sni", target->name);
	if (!is_said(&run.result, "ech"))
		fail_msg("%s says nothing of ech", target->name);
	if (is_said(&run.result, "b.example") != is_list)
		fail_msg("%s lets encrypted hellos out", target->name);
	if (is_list != (run.result.loss_count == 0))
		fail_msg("%s: %zu losses", target->name, run.result.loss_count);
	end(&run);
}

static void every_target_says_what_it_keeps_of_the_switches_of_hellos(void **state)
{
	(void)state;
	for (const struct export_target *one = export_targets; one->name; one++)
		check_switches(one, strcmp(one->name, "table") == 0 ||
					    strcmp(one->name, "json") == 0 ||
					    strcmp(one->name, "csv") == 0 ||
					    strcmp(one->name, "markdown") == 0);
}

static void a_loss_of_several_rules_is_said_once_with_their_names(void **state)
{
	struct run run = {0};

	(void)state;
	write_collection(&run.set, "c", RULE_NETWORK, 200, RULE_ALLOW);
	write_rule(&run.set, "lost-1", "to:* udp port:123");
	write_rule(&run.set, "kept", "to:* udp port:124");
	write_rule(&run.set, "lost-2", "to:* udp port:125");
	export_it(&run, false);
	assert_int_equal(run.error, 0);
	assert_int_equal(run.result.loss_count, 2);
	assert_string_equal(text_string(&run.result.files[0].text),
			    HEAD "# stricter: names only (c/lost-1, c/lost-2)\nc/kept\n");
	assert_int_equal(problems_count(run.problems), 1);
	assert_int_equal(problems_at(run.problems, 0)->severity, PROBLEM_WARNING);
	assert_string_equal(problems_at(run.problems, 0)->text,
			    "probe: names only (c/lost-1, c/lost-2)");
	end(&run);
}

static void a_strict_export_refuses_a_loss_and_gives_nothing(void **state)
{
	struct run run = {0};

	(void)state;
	write_collection(&run.set, "c", RULE_NETWORK, 200, RULE_ALLOW);
	write_rule(&run.set, "lost", "to:* udp port:123");
	export_it(&run, true);
	assert_int_equal(run.error, -EPERM);
	assert_int_equal(run.result.file_count, 0);
	assert_int_equal(problems_at(run.problems, 0)->severity, PROBLEM_ERROR);
	end(&run);
}

static void a_deny_rule_before_an_allow_rule_is_never_left_out(void **state)
{
	struct run run = {0};

	(void)state;
	write_collection(&run.set, "no", RULE_NETWORK, 200, RULE_DENY);
	write_rule(&run.set, "out", "from:* to:192.0.2.0/24 any port:*");
	write_collection(&run.set, "yes", RULE_APPLICATION, 200, RULE_ALLOW);
	write_rule(&run.set, "a", "from:* pattern:* https:443");
	export_it(&run, false);
	assert_int_equal(run.error, -EPERM);
	assert_string_equal(problems_at(run.problems, 0)->text, "probe: no such thing (no/out)");
	end(&run);
}

static void a_deny_rule_that_meets_no_allow_rule_behind_it_only_repeats_the_default(void **state)
{
	struct run run = {0};

	(void)state;
	write_collection(&run.set, "no", RULE_APPLICATION, 200, RULE_DENY);
	write_rule(&run.set, "out", "from:* pattern:*.paste.example https:443");
	write_collection(&run.set, "yes", RULE_APPLICATION, 300, RULE_ALLOW);
	write_rule(&run.set, "a", "from:* pattern:*.example.com https:443");
	export_it(&run, true);
	assert_int_equal(run.error, 0);
	assert_string_equal(text_string(&run.result.files[0].text),
			    HEAD "# note: no such thing (no/out)\nyes/a\n");
	end(&run);
}

static void a_deny_rule_at_the_end_only_repeats_the_default(void **state)
{
	struct run run = {0};

	(void)state;
	write_collection(&run.set, "yes", RULE_NETWORK, 200, RULE_ALLOW);
	write_rule(&run.set, "out-1", "to:192.0.2.0/24 udp port:1");
	write_collection(&run.set, "no", RULE_NETWORK, 300, RULE_DENY);
	write_rule(&run.set, "out-2", "to:192.0.2.0/24 any port:*");
	export_it(&run, false);
	assert_int_equal(run.error, 0);
	assert_int_equal(run.result.loss_count, 1);
	assert_string_equal(text_string(&run.result.files[0].text),
			    HEAD "# note: no such thing (no/out-2)\n"
				 "# stricter: no such thing (yes/out-1)\n");
	end(&run);
}

static void every_target_has_a_name_of_its_own_and_writes_no_rules_at_all(void **state)
{
	(void)state;
	for (const struct export_target *one = export_targets; one->name; one++) {
		struct run run = {.problems = problems_new()};
		struct cluster_profile profile = {0};
		struct export_request request = {.set = &run.set, .profile = &profile};

		assert_ptr_equal(export_target_find(one->name), one);
		assert_int_equal(export_write(one, &request, &run.result, run.problems), 0);
		assert_true(run.result.files[0].text.length > 0);
		end(&run);
	}
	assert_null(export_target_find("nothing"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rules_come_in_judging_order),
		cmocka_unit_test(what_a_target_cannot_say_of_hellos_is_stricter_or_left_out),
		cmocka_unit_test(
			a_rule_that_refuses_ech_is_never_left_out_before_one_that_takes_it),
		cmocka_unit_test(every_target_says_what_it_keeps_of_the_switches_of_hellos),
		cmocka_unit_test(a_loss_of_several_rules_is_said_once_with_their_names),
		cmocka_unit_test(a_strict_export_refuses_a_loss_and_gives_nothing),
		cmocka_unit_test(a_deny_rule_before_an_allow_rule_is_never_left_out),
		cmocka_unit_test(
			a_deny_rule_that_meets_no_allow_rule_behind_it_only_repeats_the_default),
		cmocka_unit_test(a_deny_rule_at_the_end_only_repeats_the_default),
		cmocka_unit_test(every_target_has_a_name_of_its_own_and_writes_no_rules_at_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
