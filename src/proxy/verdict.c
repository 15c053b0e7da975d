/*
 * Facts to verdicts, and verdicts to events. Nothing of a policy is kept over a return to the loop:
 * the rule's label is copied.
 *
 * One event a subject: an allowed one is written when the server is connected (or the client has
 * given up), so that a name that cannot be looked up or reached gives one deny and no allow.
 */
#include "proxy/session_impl.h"

#include <stdio.h>
#include <string.h>

#include "base/assertion.h"
#include "proxy/proxy_impl.h"

static struct policy_facts facts_of(const struct session *session)
{
	return (struct policy_facts){
		.source = session->source.address,
		.protocol = session->subject.protocol,
		.port = session->subject.port,
		.name = session->subject.named ? &session->subject.name : NULL,
		.name_left_out = session->subject.nameless,
		.has_encrypted_hello = session->subject.encrypted,
	};
}

static void keep_rule(struct session *session, const struct policy_rule *rule)
{
	int length;

	session->has_rule = rule != NULL;
	if (!rule)
		return;
	length = snprintf(session->rule, sizeof(session->rule), "%s", rule->label);
	if ((size_t)length >= sizeof(session->rule))
		memcpy(session->rule + sizeof(session->rule) - 4, "...", 4);
}

enum rule_action session_judge(struct session *session)
{
	struct proxy *proxy = session->proxy;
	struct policy_facts facts = facts_of(session);
	const struct policy *policy = policy_slot_enter(proxy->slot);
	struct verdict verdict = policy_judge(policy, &facts);

	if (verdict.action == RULE_ALLOW && verdict.rule)
		policy_count_hit(policy, verdict.rule);
	keep_rule(session, verdict.rule);
	policy_slot_leave(proxy->slot);
	session->reason = verdict.reason;
	session->judged = session->verdict_due = verdict.action == RULE_ALLOW;
	return verdict.action;
}

enum reason session_judge_again(const struct session *session)
{
	struct policy_facts facts = facts_of(session);
	const struct policy *policy = policy_slot_enter(session->proxy->slot);
	enum reason reason = policy_judge(policy, &facts).reason;

	policy_slot_leave(session->proxy->slot);
	return reason;
}

static struct event event_of(const struct session *session, enum event_kind kind,
			     const char *detail)
{
	const struct subject *subject = &session->subject;
	bool shows_original = session->destination.address.family != 0;

	return (struct event){
		.kind = kind,
		.source = session->source,
		.destination = shows_original ? session->destination : session->dialled,
		.name = subject->named ? subject->name.text : NULL,
		.name_origin = subject->named ? subject->origin : NAME_FROM_NOWHERE,
		.has_encrypted_hello = subject->encrypted,
		.protocol = subject->protocol == FLOW_HTTPS ? EVENT_HTTPS : EVENT_HTTP,
		.rule = session->has_rule ? session->rule : NULL,
		.path = session->is_explicit ? "explicit" : "proxy",
		.detail = detail,
	};
}

void session_admit(struct session *session, const char *detail)
{
	struct event event = event_of(session, EVENT_VERDICT, detail);

	invariant(session->verdict_due);
	event.action = RULE_ALLOW;
	event.reason = session->reason;
	proxy_count(session->proxy, RULE_ALLOW);
	events_emit(session->proxy->events, &event);
	session->verdict_due = false;
	session->end_due = true;
	session->out_before = session->up.moved;
	session->in_before = session->down.moved;
}

void session_end(struct session *session, const char *detail)
{
	struct event event = event_of(session, EVENT_END, detail);

	if (!session->end_due)
		return;
	session->end_due = false;
	event.action = RULE_ALLOW;
	event.reason = session->reason;
	event.bytes_out = session->up.moved - session->out_before;
	event.bytes_in = session->down.moved - session->in_before;
	event.duration_ms = loop_now_ms(session->proxy->loop) - session->started_ms;
	events_emit(session->proxy->events, &event);
}

void session_emit_deny(struct session *session, enum reason reason, const char *detail)
{
	struct event event = event_of(session, EVENT_VERDICT, detail);

	event.action = RULE_DENY;
	event.reason = reason;
	proxy_count(session->proxy, RULE_DENY);
	events_emit(session->proxy->events, &event);
	session->verdict_due = false;
}

/* "denied: evil.example: no rule matches; the default is deny (no_rule)" */
static void write_sentence(const struct session *session, enum reason reason, const char *detail,
			   char *text, size_t size)
{
	const struct subject *subject = &session->subject;

	snprintf(text, size, "denied: %s%s%s%s%s (%s%s%s)",
		 subject->named ? subject->name.text : "", subject->named ? ": " : "",
		 reason_sentence(reason), detail ? "; " : "", detail ? detail : "",
		 reason_text(reason), session->has_rule ? ", rule " : "",
		 session->has_rule ? session->rule : "");
}

enum step session_deny(struct session *session, enum reason reason, unsigned int status,
		       const char *detail)
{
	char text[1024];

	session_emit_deny(session, reason, detail);
	/* Words of ours must not stand inside somebody else's. */
	if (relay_held(&session->down) > 0 || session->down.piped > 0)
		return session_over(session, CLOSE_RESET);
	if (session->speech == SPEECH_TLS)
		reply_alert(session, reason);
	if (session->speech == SPEECH_HTTP) {
		write_sentence(session, reason, detail, text, sizeof(text));
		reply_http(session, status, text);
	}
	return session_farewell(session);
}

enum step session_deny_judged(struct session *session)
{
	return session_deny(session, session->reason, 403, NULL);
}

enum step session_fail(struct session *session, unsigned int status, const char *text)
{
	char line[1024];

	session_end(session, text);
	if (relay_held(&session->down) > 0 || session->down.piped > 0)
		return session_over(session, CLOSE_RESET);
	snprintf(line, sizeof(line), "failed: %s: %s", session->subject.name.text, text);
	reply_http(session, status, line);
	return session_farewell(session);
}
