/*
 * The JSON text of an event. Nothing is allocated: every value has its share of the line, counted
 * after escaping, and the shares add up to less than a line. Names may come from hostile clients
 * and details may quote them, so the line is plain ASCII: everything else is escaped (\uXXXX; bytes
 * that are not UTF-8 become U+FFFD), and no terminal or log reader sees a control character.
 */
#include <string.h>
#include <stdio.h>

#include "base/assertion.h"
#include "base/clock.h"
#include "base/text.h"
#include "observe/event_impl.h"

/* Most bytes of a value after escaping. A canonical name (253 bytes, none escaped) always fits. */
#define SHARE_SHORT  64
#define SHARE_NAME   640
#define SHARE_RULE   800
#define SHARE_DETAIL 1600

#define CUT_MARK "..."

struct line {
	char *text;
	size_t length;
};

static const char *const s_protocols[] = {
	[EVENT_TCP] = "tcp",   [EVENT_UDP] = "udp",     [EVENT_ICMP] = "icmp",
	[EVENT_HTTP] = "http", [EVENT_HTTPS] = "https", [EVENT_QUIC] = "quic",
	[EVENT_DNS] = "dns",   [EVENT_OTHER] = "other",
};

static const char *const s_name_origins[] = {
	[NAME_FROM_SNI] = "sni", [NAME_FROM_HOST] = "host", [NAME_FROM_CONNECT] = "connect",
	[NAME_FROM_DNS] = "dns", [NAME_FROM_PIN] = "pin",
};

static void add_bytes(struct line *line, const char *bytes, size_t length)
{
	invariant(length <= EVENT_LINE_SIZE - line->length);
	memcpy(line->text + line->length, bytes, length);
	line->length += length;
}

static void add(struct line *line, const char *text)
{
	add_bytes(line, text, strlen(text));
}

/* How much of the value stands in the line as it is: nearly always all of it. */
static size_t plain_length(const char *value, const char *end, size_t room)
{
	size_t length = 0;

	while (length < room && value + length < end && value[length] >= 0x20 &&
	       value[length] < 0x7f && value[length] != '"' && value[length] != '\\')
		length++;
	return length;
}

/* ,"key":"value" with at most `share` bytes between the quotes. */
static void add_string(struct line *line, const char *key, const char *value, size_t share)
{
	const char *end = value + strlen(value);
	size_t room = share - strlen(CUT_MARK);
	char escaped[TEXT_ESCAPED_SIZE];

	add(line, ",\"");
	add(line, key);
	add(line, "\":\"");
	for (;;) {
		size_t length = plain_length(value, end, room);

		add_bytes(line, value, length);
		value += length;
		room -= length;
		if (value == end)
			break;
		length = text_escape_json(text_take_character(&value, end), escaped);
		if (length > room) {
			add(line, CUT_MARK);
			break;
		}
		add_bytes(line, escaped, length);
		room -= length;
	}
	add(line, "\"");
}

static void add_optional(struct line *line, const char *key, const char *value, size_t share)
{
	if (value)
		add_string(line, key, value, share);
}

static void add_number(struct line *line, const char *key, uint64_t number)
{
	char text[64];

	snprintf(text, sizeof(text), ",\"%s\":%llu", key, (unsigned long long)number);
	add(line, text);
}

static void add_flag(struct line *line, const char *key)
{
	add(line, ",\"");
	add(line, key);
	add(line, "\":true");
}

/* Without a port (ICMP) the address stands alone. */
static void add_endpoint(struct line *line, const char *key, const struct ip_endpoint *endpoint)
{
	char text[IP_ENDPOINT_TEXT_SIZE];

	if (!endpoint->address.family)
		return;
	if (endpoint->port)
		ip_endpoint_format(endpoint, text);
	else
		ip_format(&endpoint->address, text);
	add_string(line, key, text, SHARE_SHORT);
}

static void add_verdict(struct line *line, const struct event *event)
{
	add_string(line, "action", event->action == RULE_ALLOW ? "allow" : "deny", SHARE_SHORT);
	add_optional(line, "rule", event->rule, SHARE_RULE);
	add_string(line, "reason", reason_text(event->reason), SHARE_SHORT);
	add_optional(line, "path", event->path, SHARE_SHORT);
	add_optional(line, "detail", event->detail, SHARE_DETAIL);
}

size_t event_format(const struct event *event, uint64_t wall_ms, char text[EVENT_LINE_SIZE])
{
	struct line line = {.text = text};
	char time[CLOCK_TEXT_SIZE];

	invariant((unsigned int)event->protocol <= EVENT_OTHER);
	invariant((unsigned int)event->name_origin <= NAME_FROM_PIN);
	clock_format_wall(wall_ms, time);
	add(&line, "{\"time\":\"");
	add(&line, time);
	add(&line, "\"");
	add_string(&line, "event", event->kind == EVENT_END ? "end" : "verdict", SHARE_SHORT);
	add_endpoint(&line, "source", &event->source);
	add_endpoint(&line, "destination", &event->destination);
	if (event->name) {
		add_string(&line, "name", event->name, SHARE_NAME);
		add_optional(&line, "name_from", s_name_origins[event->name_origin], SHARE_SHORT);
	}
	if (event->has_encrypted_hello)
		add_flag(&line, "ech");
	add_string(&line, "protocol", s_protocols[event->protocol], SHARE_SHORT);
	add_verdict(&line, event);
	if (event->kind == EVENT_END) {
		add_number(&line, "bytes_out", event->bytes_out);
		add_number(&line, "bytes_in", event->bytes_in);
		add_number(&line, "duration_ms", event->duration_ms);
	}
	add(&line, "}\n");
	return line.length;
}
