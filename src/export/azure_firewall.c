/*
 * The plan of an Azure Firewall policy: which of its rule collections hold which rules, and what
 * must be known of it as a whole.
 *
 * One rule collection group holds all. Azure judges as sallyport does: network rules first,
 * whatever the priorities; then application rules; in each, collections by priority, rules as
 * written; the first match ends it.
 */
#include "export/azure_firewall_impl.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

/* Azure's limits; what goes beyond them it refuses or serves badly. */
#define NETWORK_FQDN_LIMIT 1000
#define NETWORK_PAIR_LIMIT 20000   /* sources × destinations of all network rules */
#define GROUP_SIZE_LIMIT   2000000 /* bytes */
#define COLLECTION_LIMIT   2000

/* What the JSON of a rule needs besides its words. */
#define RULE_FRAME_SIZE 250
#define WORD_FRAME_SIZE 4

const char *azure_action(const struct azure_collection *collection)
{
	return collection->from->action == RULE_ALLOW ? "Allow" : "Deny";
}

const char *azure_protocol(const struct application_port *protocol)
{
	return protocol->protocol == APPLICATION_HTTPS ? "Https" : "Http";
}

const char *azure_purpose(const struct azure_rule *rule)
{
	const char *purpose = rule->from->rule->purpose;

	return purpose && *purpose ? purpose : NULL;
}

/* ------------------------------------------------------------------------- limits */

struct sums {
	size_t network_fqdns, network_pairs, bytes;
	bool icmp;
};

static size_t size_of_words(const struct azure_words *words)
{
	return words->bytes.length + words->count * WORD_FRAME_SIZE;
}

static void add_to_sums(struct sums *sums, const struct azure_rule *rule)
{
	const char *purpose = azure_purpose(rule);

	sums->bytes += RULE_FRAME_SIZE + strlen(rule->name) + (purpose ? strlen(purpose) : 0) +
		       size_of_words(&rule->sources) + size_of_words(&rule->fqdns) +
		       size_of_words(&rule->addresses) + size_of_words(&rule->ports);
	if (rule->from->collection->kind != RULE_NETWORK)
		return;
	sums->network_fqdns += rule->fqdns.count;
	sums->network_pairs += rule->sources.count * (rule->addresses.count + rule->fqdns.count);
	sums->icmp |= rule->from->rule->transports != TRANSPORT_ANY &&
		      rule->from->rule->transports & TRANSPORT_ICMP;
}

static void check_limits(struct export_job *job, const struct azure_plan *plan,
			 const struct sums *sums)
{
	if (plan->collection_count > COLLECTION_LIMIT)
		export_refuse(job, NULL, "there are %zu rule collections, and Azure takes %d",
			      plan->collection_count, COLLECTION_LIMIT);
	if (sums->network_fqdns > NETWORK_FQDN_LIMIT)
		export_loss(job, NULL,
			    "there are %zu names in network rules, and Azure Firewall serves %d",
			    sums->network_fqdns, NETWORK_FQDN_LIMIT);
	if (sums->network_pairs > NETWORK_PAIR_LIMIT)
		export_loss(job, NULL,
			    "there are %zu pairs of source and destination in network rules, and "
			    "Azure Firewall serves %d",
			    sums->network_pairs, NETWORK_PAIR_LIMIT);
	if (sums->bytes > GROUP_SIZE_LIMIT)
		export_loss(job, NULL,
			    "the rule collection group has about %zu KB, and Azure takes %d",
			    sums->bytes / 1000, GROUP_SIZE_LIMIT / 1000);
}

/* ------------------------------------------------------------------------- notes */

static void add_notes(struct export_job *job, const struct sums *sums)
{
	if (job->request->set->protected_source_count)
		export_note(job, "allow rules are for the protected sources only "
				 "(network.inside.sources)");
	if (sums->network_fqdns)
		export_note(job, "names in network rules are matched by the addresses that the "
				 "firewall resolves: keep its DNS proxy on, and let the cluster "
				 "resolve through it");
	if (sums->icmp)
		export_note(job, "Azure Firewall does not pass ICMP to the internet");
	if (job->rule_count > job->network_count)
		export_note(job, "TLS without a server name (SNI) matches no application rule: "
				 "what is reached by address needs a network rule");
	export_note(job, "the FQDN tag AzureKubernetesService is not used: what it holds is "
			 "published nowhere and has lagged behind what clusters need");
	export_note(job, "Azure's own infrastructure names pass without a rule, unless a last "
			 "application collection denies *");
	export_note(job, "a name may lead to private addresses: private_destinations has no "
			 "counterpart");
}

/* ------------------------------------------------------------------------- the plan */

static bool has_failed(const struct azure_rule *rule)
{
	return rule->sources.bytes.failed || rule->fqdns.bytes.failed ||
	       rule->addresses.bytes.failed || rule->transports.bytes.failed ||
	       rule->ports.bytes.failed;
}

/* Into the collection made last, or into a new one when the rule is the first of its collection. */
static void add_rules(struct azure_plan *plan, const struct export_rule *from, size_t count)
{
	struct azure_collection *last =
		plan->collection_count ? &plan->collections[plan->collection_count - 1] : NULL;

	if (count == 0)
		return;
	if (!last || last->from != from->collection) {
		last = &plan->collections[plan->collection_count++];
		*last = (struct azure_collection){.from = from->collection,
						  .rules = &plan->rules[plan->rule_count]};
	}
	last->rule_count += count;
	plan->rule_count += count;
}

static void fill(struct export_job *job, struct azure_plan *plan)
{
	for (size_t i = 0; i < job->rule_count; i++) {
		const struct export_rule *from = &job->rules[i];

		add_rules(plan, from, azure_rule_make(job, from, &plan->rules[plan->rule_count]));
	}
}

void azure_plan_make(struct export_job *job, struct azure_plan *plan)
{
	struct sums sums = {0};

	plan->collections = calloc(job->rule_count + 1, sizeof(*plan->collections));
	plan->rules = calloc(2 * job->rule_count + 1, sizeof(*plan->rules));
	if (!plan->collections || !plan->rules) {
		job->failed = true;
		return;
	}
	fill(job, plan);
	azure_plan_name(job, plan);
	for (size_t i = 0; i < plan->rule_count; i++) {
		job->failed |= has_failed(&plan->rules[i]);
		add_to_sums(&sums, &plan->rules[i]);
	}
	add_notes(job, &sums);
	check_limits(job, plan, &sums);
}

void azure_plan_done(struct azure_plan *plan)
{
	for (size_t i = 0; i < plan->rule_count; i++)
		azure_rule_done(&plan->rules[i]);
	free(plan->rules);
	free(plan->collections);
	*plan = (struct azure_plan){0};
}
