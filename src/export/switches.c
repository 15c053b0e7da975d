/*
 * No other product has these switches, so what becomes of them is the same for all targets that
 * enforce something:
 *
 *   quic: inspect   QUIC is not let out: stricter, its clients use TCP.
 *   no_sni: allow   stricter where the server name is read; a target that goes by the address alone
 *                   reads no hello, and lets all of them out.
 *   ech: deny       nobody else refuses a hello for the encrypted one in it, so the whole rule is
 *                   left out. If an allow rule behind it could take what it was to decide, the
 *                   export is refused.
 *
 * A listing (table, JSON, ...) writes the switches down.
 */
#include "export/switches_impl.h"

#include "export/targets_impl.h"

static bool is_allowed(const struct export_rule *rule)
{
	return rule->collection->action == RULE_ALLOW;
}

static void say_stricter(struct export_job *job, const struct export_rule *rule)
{
	if (rule->rule->inspects_quic)
		export_loss(job, rule, "quic: inspect: QUIC is not let out, clients use TCP");
	if (!rule->rule->allows_no_sni)
		return;
	if (job->target->writer->reads_no_hello)
		export_note(job, "no_sni: allow holds for all names, as no hello is read");
	else
		export_loss(job, rule,
			    "no_sni: allow: a hello without a server name is denied, only names "
			    "are let out");
}

static void say_left_out(struct export_job *job, const struct export_rule *rule)
{
	if (export_denial_matters(job, rule))
		export_refuse(job, rule,
			      "ech: deny: it cannot refuse an encrypted hello, and an allow rule "
			      "behind this one could let it out");
	else
		export_loss(job, rule, "left out: it cannot refuse an encrypted hello (ech: deny)");
}

static void forget_those_that_refuse_ech(struct export_job *job)
{
	size_t kept = job->network_count;

	for (size_t i = job->network_count; i < job->rule_count; i++)
		if (!is_allowed(&job->rules[i]) || !job->rules[i].rule->refuses_ech)
			job->rules[kept++] = job->rules[i];
	job->rule_count = kept;
}

void export_settle_switches(struct export_job *job)
{
	if (job->target->writer->lists)
		return;
	for (size_t i = job->network_count; i < job->rule_count; i++) {
		const struct export_rule *rule = &job->rules[i];

		if (!is_allowed(rule))
			continue;
		if (rule->rule->refuses_ech)
			say_left_out(job, rule);
		else
			say_stricter(job, rule);
	}
	forget_those_that_refuse_ech(job);
}
