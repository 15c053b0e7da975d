/* The JSON that `sallyport status` shows. */
#include "gateway/gateway_impl.h"

#include <inttypes.h>
#include <string.h>

#include "base/clock.h"

static void add_total(struct worker_figures *total, const struct worker_figures *part)
{
	total->resolver.asked += part->resolver.asked;
	total->resolver.cache_hits += part->resolver.cache_hits;
	total->resolver.timeouts += part->resolver.timeouts;
	total->resolver.refused_answers += part->resolver.refused_answers;
	total->resolver.malformed += part->resolver.malformed;
	total->resolver.full += part->resolver.full;
	total->dns.queries_udp += part->dns.queries_udp;
	total->dns.queries_tcp += part->dns.queries_tcp;
	total->dns.answered += part->dns.answered;
	total->dns.refused += part->dns.refused;
	total->dns.failed += part->dns.failed;
	total->inspector.flow_capacity += part->inspector.flow_capacity;
	total->inspector.flows += part->inspector.flows;
	total->inspector.packets += part->inspector.packets;
	total->inspector.allowed += part->inspector.allowed;
	total->inspector.denied += part->inspector.denied;
	total->inspector.full += part->inspector.full;
	total->proxy.session_capacity += part->proxy.session_capacity;
	total->proxy.sessions += part->proxy.sessions;
	total->proxy.accepted += part->proxy.accepted;
	total->proxy.allowed += part->proxy.allowed;
	total->proxy.denied += part->proxy.denied;
	total->proxy.full += part->proxy.full;
	total->proxy.bytes_out += part->proxy.bytes_out;
	total->proxy.bytes_in += part->proxy.bytes_in;
}

static void add_events(struct text *reply, const struct events_figures *figures)
{
	const char *comma = "";

	text_addf(reply,
		  "\"verdicts\":{\"allowed\":%" PRIu64 ",\"denied\":%" PRIu64
		  ",\"log_lines_lost\":%" PRIu64 ",\"reasons\":{",
		  figures->allowed, figures->denied, figures->lost);
	for (int reason = 0; reason < REASON_COUNT; reason++) {
		if (figures->by_reason[reason] == 0)
			continue;
		text_addf(reply, "%s\"%s\":%" PRIu64, comma, reason_text((enum reason)reason),
			  figures->by_reason[reason]);
		comma = ",";
	}
	text_add(reply, "}},");
}

static void add_policy(struct gateway *gateway, struct text *reply)
{
	const struct policy *policy = policy_slot_enter(gateway->slot);
	const char *comma = "";

	text_addf(reply,
		  "\"policy\":{\"rules\":%zu,\"network_rules\":%zu,\"memory\":%zu,\"hits\":{",
		  policy_rule_count(policy), policy_network_rule_count(policy),
		  policy_memory(policy));
	for (size_t i = 0; i < policy_rule_count(policy); i++) {
		const struct policy_rule *rule = policy_rule_at(policy, i);
		uint64_t hits = policy_hits(policy, rule);

		if (hits == 0)
			continue;
		text_add(reply, comma);
		text_add_json_string(reply, rule->label, strlen(rule->label));
		text_addf(reply, ":%" PRIu64, hits);
		comma = ",";
	}
	text_add(reply, "}},");
	policy_slot_leave(gateway->slot);
}

static void add_budget(struct gateway *gateway, struct text *reply)
{
	struct name_budget_figures figures = name_budget_figures(gateway->budget);

	text_addf(reply,
		  "\"name_budget\":{\"sources\":%zu,\"source_capacity\":%zu,\"new_names\":%" PRIu64
		  ",\"refused\":%" PRIu64 ",\"full\":%" PRIu64 "},",
		  figures.sources, figures.source_capacity, figures.new_names, figures.refused,
		  figures.full);
}

static void add_workers(struct text *reply, const struct worker_figures *total)
{
	text_addf(reply,
		  "\"inspector\":{\"queued_packets\":%" PRIu64 ",\"allowed\":%" PRIu64
		  ",\"denied\":%" PRIu64 ",\"flows\":%zu,\"flow_capacity\":%zu,\"full\":%" PRIu64
		  "},",
		  total->inspector.packets, total->inspector.allowed, total->inspector.denied,
		  total->inspector.flows, total->inspector.flow_capacity, total->inspector.full);
	text_addf(reply,
		  "\"proxy\":{\"accepted\":%" PRIu64 ",\"allowed\":%" PRIu64 ",\"denied\":%" PRIu64
		  ",\"sessions\":%zu,\"session_capacity\":%zu,\"full\":%" PRIu64
		  ",\"bytes_out\":%" PRIu64 ",\"bytes_in\":%" PRIu64 "},",
		  total->proxy.accepted, total->proxy.allowed, total->proxy.denied,
		  total->proxy.sessions, total->proxy.session_capacity, total->proxy.full,
		  total->proxy.bytes_out, total->proxy.bytes_in);
	text_addf(reply,
		  "\"dns\":{\"queries_udp\":%" PRIu64 ",\"queries_tcp\":%" PRIu64
		  ",\"answered\":%" PRIu64 ",\"refused\":%" PRIu64 ",\"failed\":%" PRIu64
		  ",\"asked_upstream\":%" PRIu64 ",\"cache_hits\":%" PRIu64
		  ",\"upstream_timeouts\":%" PRIu64 ",\"refused_answers\":%" PRIu64
		  ",\"malformed_answers\":%" PRIu64 "}",
		  total->dns.queries_udp, total->dns.queries_tcp, total->dns.answered,
		  total->dns.refused, total->dns.failed, total->resolver.asked,
		  total->resolver.cache_hits, total->resolver.timeouts,
		  total->resolver.refused_answers, total->resolver.malformed);
}

void gateway_status(struct gateway *gateway, struct text *reply)
{
	struct pins_figures pins = pins_figures(gateway->pins);
	struct events_figures events = events_figures(gateway->events);
	struct worker_figures total = {0};
	uint64_t lost = 0;

	for (unsigned int i = 0; i < gateway->worker_count; i++) {
		struct worker_figures part = worker_figures(&gateway->workers[i]);

		add_total(&total, &part);
	}
	if (gateway->reporter.log)
		lost = packet_log_lost(gateway->reporter.log) +
		       conntrack_events_lost(gateway->reporter.ends);
	text_addf(reply,
		  "{\"version\":\"%s\",\"uptime_s\":%" PRIu64 ",\"workers\":%u,\"reloads\":%" PRIu64
		  ",\"failed_reloads\":%" PRIu64 ",\"restored_rulesets\":%" PRIu64 ",",
		  SALLYPORT_VERSION, (clock_steady_ms() - gateway->started_ms) / 1000,
		  gateway->worker_count, gateway->reloads, gateway->failed_reloads,
		  gateway->restored_rulesets);
	text_addf(reply,
		  "\"pins\":{\"held\":%zu,\"capacity\":%zu,\"refused\":%" PRIu64
		  "},\"admissions\":{\"held\":%u,\"capacity\":%u},\"kernel_reports_lost\":%" PRIu64
		  ",",
		  pins.held, pins.capacity, pins.refused, admissions_held(gateway->admissions),
		  admissions_capacity(gateway->admissions), lost);
	add_events(reply, &events);
	add_policy(gateway, reply);
	add_budget(gateway, reply);
	add_workers(reply, &total);
	text_add(reply, "}");
}
