/* What the policies of a Kubernetes cluster share: quoting, selectors, notes, the plain policy. */
#pragma once

#include "export/parts_impl.h"

#define KUBERNETES_POLICY_NAME "sallyport-egress"

/* A YAML string that nothing takes for a number, an alias or a key. For names, patterns, regular
   expressions and prefixes: they have no quotes of their own. */
void kubernetes_add_quoted(struct text *out, const char *plain);
/* "  # collection/rule: purpose" */
void kubernetes_add_comment(struct text *out, const char *indent, const struct export_rule *rule);

/*
 * May the rule stand in a policy that only allows and that chooses pods by their labels? If not, it
 * has been left out with the reason.
 */
bool kubernetes_takes_rule(struct export_job *job, const struct export_rule *rule);

/* Both transports that have ports, one after the other. */
struct kubernetes_transport {
	unsigned int bit;
	const char *word;
};
#define KUBERNETES_TRANSPORTS 2
extern const struct kubernetes_transport kubernetes_transports[KUBERNETES_TRANSPORTS];

/* The rules by address as a NetworkPolicy, with DNS; rules by name are left out unless `names`:
   something else holds them. */
void kubernetes_add_network_policy(struct export_job *job, bool names);

/* Nodes, pods of the cluster itself and addresses behind names are beyond such policies. */
void kubernetes_note_scope(struct export_job *job, const char *inside);
