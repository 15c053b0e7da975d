/*
 * A client's packets through the whole inspector, against a real TLS server behind it. Input: which
 * rule is in force (1 byte), the length of a stream (2), the stream, then one packet in each 5
 * bytes: offset (2), length (2), what is odd about it (1).
 *
 * Whatever comes: the server takes the packets that were let go, in that order, whether it keeps
 * the first or the last of what overlaps, and OpenSSL must read no hello in them whose name is not
 * the one that was told as allowed (or that has a name, when none was found).
 */
#include "../unit/inspect/inspector_world.h"

#include "tls_oracle.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define PACKETS_MAX 250

enum odd_packet {
	ODD_BYTE = 0x01, /* one byte differs */
	ODD_URGENT = 0x02,
	ODD_BEFORE = 0x04, /* begins before the start */
	ODD_FAR = 0x08,    /* begins near the capacity */
	ODD_TIME = 0x10,   /* some time passes first */
	ODD_FOUND = 0x20,  /* a lookup under way is done, and pinned the name */
	ODD_FAILED = 0x40, /* a lookup under way has failed */
};

struct sent {
	int64_t offset;
	size_t length;
	uint8_t *bytes;
};

/* What a receiver has put together. */
struct receiver {
	uint8_t bytes[40960];
	bool there[40960];
	bool last_wins;
};

static struct sent s_sent[PACKETS_MAX + 1]; /* by packet id */
static struct receiver s_receivers[2];

static const char *const s_rules[] = {
	"*.microsoft.com",
	"*",
	"mcr.microsoft.com no_sni",
	"*.microsoft.com no_ech",
};

static void require(bool holds)
{
	if (!holds)
		abort();
}

static void receive(struct receiver *receiver, const struct sent *sent)
{
	for (size_t i = 0; i < sent->length; i++) {
		int64_t at = sent->offset + (int64_t)i;

		if (at < 0 || at >= (int64_t)sizeof(receiver->bytes))
			continue;
		if (!receiver->there[at] || receiver->last_wins)
			receiver->bytes[at] = sent->bytes[i];
		receiver->there[at] = true;
	}
}

static size_t prefix_of(const struct receiver *receiver)
{
	size_t length = 0;

	while (length < sizeof(receiver->bytes) && receiver->there[length])
		length++;
	return length;
}

/* What admitted the packets that were let go; a later denial does not take them back. False: none
 * was. */
static bool find_admission(struct admission *ret_admission)
{
	for (size_t i = 0; i < s_world.verdicts; i++) {
		uint32_t mark = s_world.marks[s_world.order[i]];

		if (mark == DROPPED || mark_state(mark) == MARK_DENIED)
			continue;
		require(admissions_find(s_world.admissions, mark_number(mark), ret_admission));
		return true;
	}
	return false;
}

static void check_names(const struct receiver *receiver, const struct admission *admission)
{
	struct oracle_reading reading = oracle_read(receiver->bytes, prefix_of(receiver));
	struct name name;

	for (size_t i = 0; i < reading.count; i++) {
		if (admission->kind == ADMISSION_NAMELESS) {
			require(!*reading.names[i]);
			continue;
		}
		require(name_from_wire(reading.names[i], strlen(reading.names[i]), &name) ==
			NAME_OK);
		require(strcmp(name.text, admission->key) == 0);
	}
}

static void step_aside(uint8_t odd)
{
	if (odd & ODD_TIME)
		pass_time(300);
	if (!s_world.lookup || !(odd & (ODD_FOUND | ODD_FAILED)))
		return;
	if (odd & ODD_FOUND)
		pin(s_world.sought.text);
	finish_lookup(odd & ODD_FOUND ? 0 : -EIO, REASON_LOOKUP_FAILED);
}

static void send_packet(struct cursor *script, struct cursor stream)
{
	size_t available = cursor_left(&stream);
	size_t offset = cursor_u16(script), length = cursor_u16(script);
	uint8_t odd = cursor_u8(script);
	struct sent *sent = &s_sent[s_world.next_id];

	step_aside(odd);
	offset %= available;
	length = 1 + length % (available - offset);
	sent->bytes = malloc(length);
	require(sent->bytes != NULL);
	cursor_skip(&stream, offset);
	memcpy(sent->bytes, cursor_bytes(&stream, length), length);
	if (odd & ODD_BYTE)
		sent->bytes[length / 2] ^= odd;
	sent->length = length;
	sent->offset = (int64_t)offset;
	if (odd & ODD_BEFORE)
		sent->offset -= 1 + (int64_t)offset;
	if (odd & ODD_FAR)
		sent->offset += 40000;
	send_odd(START, (uint32_t)sent->offset, sent->bytes, length,
		 (struct odd){.flags = odd & ODD_URGENT ? PACKET_TCP_URG : 0});
}

static void judge_the_judge(void)
{
	struct admission admission;

	if (!find_admission(&admission))
		return; /* nothing has left */
	memset(s_receivers, 0, sizeof(s_receivers));
	s_receivers[1].last_wins = true;
	for (size_t i = 0; i < s_world.verdicts; i++) {
		uint32_t id = s_world.order[i], mark = s_world.marks[id];

		if (mark == DROPPED || mark_state(mark) == MARK_DENIED)
			continue;
		for (size_t k = 0; k < 2; k++)
			receive(&s_receivers[k], &s_sent[id]);
	}
	for (size_t k = 0; k < 2; k++)
		check_names(&s_receivers[k], &admission);
}

static void end_run(void)
{
	step_aside(ODD_FAILED); /* nothing may be under way at the end */
	end();
	for (size_t i = 0; i <= PACKETS_MAX; i++) {
		free(s_sent[i].bytes);
		s_sent[i] = (struct sent){0};
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cursor script = cursor_over(data, size);
	uint8_t rule = cursor_u8(&script);
	struct cursor stream = cursor_take(&script, cursor_u16(&script));

	if (cursor_failed(&script) || cursor_left(&stream) == 0)
		return 0;
	begin(4);
	policy_slot_swap(s_world.slot, write_policy(s_rules[rule % 4]));
	pin("mcr.microsoft.com");
	pin("eastus.data.mcr.microsoft.com");
	while (cursor_left(&script) >= 5 && s_world.next_id <= PACKETS_MAX)
		send_packet(&script, stream);
	judge_the_judge();
	end_run();
	return 0;
}
