/*
 * sallyport explain DESTINATION: the verdict that the policy gives, before a packet is sent, and
 * why.
 *
 * DESTINATION is NAME, NAME:PORT, ADDRESS, ADDRESS:PORT or [ADDRESS]:PORT. Without --protocol: http
 * for port 80, else https; dns asks whether the name may be resolved at all.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "cli/model.h"
#include "cli/verbs.h"

struct question {
	bool dns;
	bool has_name;
	struct name name;
	struct policy_facts facts;
};

static int parse_port(const char *text, uint16_t *ret_port)
{
	char *end;
	unsigned long port = strtoul(text, &end, 10);

	if (*text < '0' || *text > '9' || *end || port < 1 || port > 65535)
		return -EINVAL;
	*ret_port = (uint16_t)port;
	return 0;
}

/* Port 0: none was given. */
static int parse_name(const char *text, struct question *question)
{
	const char *colon = strrchr(text, ':');
	cleanup(free_memory) char *name =
		colon ? strndup(text, (size_t)(colon - text)) : strdup(text);
	enum name_error error;

	if (!name) {
		fprintf(stderr, "sallyport: not enough memory\n");
		return -ENOMEM;
	}
	if (colon && parse_port(colon + 1, &question->facts.port) < 0) {
		fprintf(stderr, "sallyport: '%s' is not a port; allowed: 1 to 65535\n", colon + 1);
		return -EINVAL;
	}
	error = name_from_person(name, &question->name);
	if (error != NAME_OK) {
		fprintf(stderr,
			"sallyport: '%s' %s; allowed: NAME[:PORT], ADDRESS[:PORT], "
			"[ADDRESS]:PORT\n",
			text, name_error_text(error));
		return -EINVAL;
	}
	question->has_name = true;
	return 0;
}

static int parse_destination(const char *text, struct question *question)
{
	struct ip_endpoint endpoint;

	if (strstr(text, "://")) {
		fprintf(stderr,
			"sallyport: '%s' is a URL; allowed: NAME[:PORT], ADDRESS[:PORT], "
			"[ADDRESS]:PORT\n",
			text);
		return -EINVAL;
	}
	if (ip_parse(text, &question->facts.destination) == 0)
		return 0;
	if (ip_endpoint_parse(text, 443, &endpoint) < 0)
		return parse_name(text, question);
	question->facts.destination = endpoint.address;
	question->facts.port = endpoint.port;
	return 0;
}

static bool has_port(const struct policy *policy, enum application_protocol protocol, uint16_t port)
{
	size_t count;
	const uint16_t *ports = policy_ports(policy, protocol, &count);

	for (size_t i = 0; i < count; i++)
		if (ports[i] == port)
			return true;
	return false;
}

static const char *likely_protocol(const struct policy *policy, uint16_t port)
{
	if (port == 0 || port == 443 || has_port(policy, APPLICATION_HTTPS, port))
		return "https";
	return port == 80 || has_port(policy, APPLICATION_HTTP, port) ? "http" : "tcp";
}

static int check_port(const char *word, const struct question *question)
{
	if (question->facts.port != 0 || question->facts.protocol == FLOW_ICMP)
		return 0;
	fprintf(stderr, "sallyport: --protocol=%s needs a port: DESTINATION:PORT\n", word);
	return -EINVAL;
}

static int parse_protocol(const char *word, const struct policy *policy, struct question *question)
{
	static const struct {
		const char *word;
		enum flow_protocol protocol;
		uint16_t port;
	} protocols[] = {
		{"https", FLOW_HTTPS, 443}, {"http", FLOW_HTTP, 80}, {"tcp", FLOW_TCP, 0},
		{"udp", FLOW_UDP, 0},       {"icmp", FLOW_ICMP, 0},  {"dns", FLOW_UDP, 53},
		{"quic", FLOW_QUIC, 443},
	};

	if (!word)
		word = likely_protocol(policy, question->facts.port);
	for (size_t i = 0; i < sizeof(protocols) / sizeof(protocols[0]); i++) {
		if (strcmp(word, protocols[i].word) != 0)
			continue;
		question->facts.protocol = protocols[i].protocol;
		if (question->facts.port == 0)
			question->facts.port = protocols[i].port;
		question->dns = strcmp(word, "dns") == 0;
		return check_port(word, question);
	}
	fprintf(stderr,
		"sallyport: --protocol: '%s' is not allowed here; allowed: https, http, quic, tcp, "
		"udp, icmp, dns\n",
		word);
	return -EINVAL;
}

static int parse_address(const char *option, const char *text, struct ip_address *ret_address)
{
	if (!text || ip_parse(text, ret_address) == 0)
		return 0;
	fprintf(stderr, "sallyport: --%s: '%s' is not an IP address\n", option, text);
	return -EINVAL;
}

static int parse_hello(const char *word, struct policy_facts *facts)
{
	bool plain = !word || strcmp(word, "plain") == 0;

	facts->name_left_out = word && strcmp(word, "no-sni") == 0;
	facts->has_encrypted_hello = word && strcmp(word, "ech") == 0;
	if (!plain && !facts->name_left_out && !facts->has_encrypted_hello) {
		fprintf(stderr,
			"sallyport: --hello: '%s' is not allowed here; allowed: plain, no-sni, "
			"ech\n",
			word);
		return -EINVAL;
	}
	if (!plain &&
	    (!facts->name || (facts->protocol != FLOW_HTTPS && facts->protocol != FLOW_QUIC))) {
		fprintf(stderr, "sallyport: --hello=%s goes with a name, over https or quic\n",
			word);
		return -EINVAL;
	}
	return 0;
}

static int parse_question(const struct cli_arguments *arguments, const struct cli_model *model,
			  struct question *question)
{
	const struct config *config = model->config;

	*question = (struct question){0};
	question->facts.source = config->network.source_count > 0
					 ? config->network.sources[0].address
					 : ip_from_v4(INADDR_LOOPBACK);
	if (parse_destination(arguments->operands[0], question) < 0 ||
	    parse_protocol(arguments->protocol, model->policy, question) < 0 ||
	    parse_address("source", arguments->source, &question->facts.source) < 0 ||
	    parse_address("via", arguments->via, &question->facts.destination) < 0)
		return -EINVAL;
	if (arguments->via && !question->has_name) {
		fprintf(stderr, "sallyport: --via goes with a name; %s is an address itself\n",
			arguments->operands[0]);
		return -EINVAL;
	}
	if (question->has_name) {
		question->facts.name = &question->name;
		question->facts.pinned_names = &question->name;
		question->facts.pinned_name_count = 1;
	}
	if (question->dns && !question->has_name) {
		fprintf(stderr, "sallyport: --protocol=dns asks about a name, not an address\n");
		return -EINVAL;
	}
	return parse_hello(arguments->hello, &question->facts);
}

static void add_json(struct text *out, const struct verdict *verdict, const struct text *words)
{
	text_addf(out, "{\"action\":\"%s\",\"reason\":\"%s\"",
		  verdict->action == RULE_ALLOW ? "allow" : "deny", reason_text(verdict->reason));
	if (verdict->rule) {
		text_add(out, ",\"rule\":");
		text_add_json_string(out, verdict->rule->label, strlen(verdict->rule->label));
	}
	text_add(out, ",\"explanation\":");
	text_add_json_string(out, text_string(words), words->length);
	text_add(out, "}\n");
}

static void explain_query(const struct policy *policy, const struct config *config,
			  const struct question *question, const struct verdict *verdict,
			  struct text *out)
{
	text_addf(out, "%s: DNS for %s: %s", verdict->action == RULE_ALLOW ? "allow" : "deny",
		  question->name.text, reason_sentence(verdict->reason));
	if (verdict->rule)
		text_addf(out, " (%s)", verdict->rule->label);
	text_add(out, "\n");
	if (verdict->action == RULE_ALLOW && config->dns.budget.new_names > 0 &&
	    policy_open_length(policy, &question->name) > 0)
		text_addf(out,
			  "  budget   no rule spells the name out: while it is new to its source, "
			  "it counts against\n"
			  "           the %zu new names a minute of dns.budget (dns_budget)\n",
			  config->dns.budget.new_names);
}

int cli_explain(const struct cli_arguments *arguments)
{
	cleanup(cli_model_done) struct cli_model model = {0};
	cleanup(text_free) struct text words = TEXT_EMPTY, out = TEXT_EMPTY;
	struct question question;
	struct verdict verdict;

	if (!cli_model_load(arguments, CATALOG_TAGS_BY_PREFIX, &model) ||
	    parse_question(arguments, &model, &question) < 0)
		return 2;
	if (question.dns) {
		verdict = policy_judge_query(model.policy, &question.facts.source, &question.name);
		explain_query(model.policy, model.config, &question, &verdict, &words);
	} else {
		verdict = policy_judge_and_guard(model.policy, &question.facts);
		policy_explain(model.policy, &question.facts, &words);
	}
	if (arguments->json)
		add_json(&out, &verdict, &words);
	else
		text_add(&out, text_string(&words));
	if (!cli_print(&out))
		return 2;
	return verdict.action == RULE_ALLOW ? 0 : 1;
}
