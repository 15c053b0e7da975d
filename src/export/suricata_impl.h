/* A file of Suricata's rules in the making. */
#pragma once

#include "export/proxy_impl.h"

struct suricata {
	struct export_job *job;
	unsigned int sid; /* of the next rule */
};

#define SURICATA_TAKEN_OUT                                                                         \
	"what earlier rules deny is taken out of it for all its sources, ports and protocols"

/* "any", or the rule's sources as far as they are protected; false: nobody. */
bool suricata_add_sources(struct export_job *job, struct text *out, const struct rule *rule);
/* Ends the rule in `line` and adds it to the file. `rule` NULL: it is for no rule of the plan. */
void suricata_end(struct suricata *suricata, struct text *line, const char *action,
		  const struct export_rule *rule);

/* By address; names are left out. */
void suricata_add_network_rule(struct suricata *suricata, size_t index);
/* To the ports at which names are judged. */
void suricata_add_handshakes(struct suricata *suricata);
