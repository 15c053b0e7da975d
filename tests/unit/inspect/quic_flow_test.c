#include "inspect/quic_flow_impl.h"

#include "../proto/hellos.h"
#include "../proto/initials.h"

#define RECORD_HEADER 5
#define FIRST         "original" /* connection ids */
#define SECOND        "another!"
#define SERVER_S      "server's"

static struct flow s_flow;
static struct quic_origins s_origins;
static struct quic_scratch s_scratch;
static uint8_t s_buffer[STREAM_CAPACITY];
static uint8_t s_hello[HELLO_FILE_MAX], s_other[HELLO_FILE_MAX]; /* without record headers */
static size_t s_length, s_other_length;

static size_t load_message(const char *file, uint8_t *message)
{
	uint8_t record[HELLO_FILE_MAX];
	size_t length = load_hello(file, record);

	memcpy(message, record + RECORD_HEADER, length - RECORD_HEADER);
	return length - RECORD_HEADER;
}

static int set_up(void **state)
{
	(void)state;
	s_origins = (struct quic_origins){.count = 0};
	flow_init(&s_flow, s_buffer);
	s_length = load_message("openssl_tls13", s_hello);
	s_other_length = load_message("gnutls", s_other);
	return 0;
}

static enum flow_step take_to(const struct initial *datagram, uint32_t *ret_end)
{
	uint8_t *exact = malloc(datagram->length ? datagram->length : 1);
	enum flow_step step;

	memcpy(exact, datagram->bytes, datagram->length);
	step = quic_flow_take(&s_flow, &s_origins, exact, datagram->length, &s_scratch, ret_end);
	free(exact);
	return step;
}

static enum flow_step take(const struct initial *datagram)
{
	uint32_t end = 0;

	return take_to(datagram, &end);
}

static enum flow_step send(const char *destination, size_t offset, const uint8_t *bytes,
			   size_t length, struct initial_options options)
{
	struct initial datagram = write_initial(destination, offset, bytes, length, options);

	return take(&datagram);
}

#define PLAIN ((struct initial_options){.size = 1200})

static enum flow_step send_hello(const char *destination)
{
	return send(destination, 0, s_hello, s_length, PLAIN);
}

static void release(void)
{
	const struct client_hello *hello = &s_scratch.hello;
	struct name name;

	assert_int_equal(name_from_wire(hello->server_name, hello->server_name_length, &name),
			 NAME_OK);
	assert_int_equal(quic_flow_release(&s_flow, &name), FLOW_STEP_PASS);
}

static void send_and_release(void)
{
	assert_int_equal(send_hello(FIRST), FLOW_STEP_JUDGE);
	release();
}

#define assert_denied(step, why)                                                                   \
	do {                                                                                       \
		assert_int_equal(step, FLOW_STEP_DENY);                                            \
		assert_string_equal(reason_text(s_flow.reason), reason_text(why));                 \
		assert_int_equal(s_flow.state, FLOW_STATE_DENIED);                                 \
	} while (0)

/* ------------------------------------------------------------------- the first hello */

static void a_hello_in_one_packet_is_to_be_judged(void **state)
{
	(void)state;
	assert_int_equal(send_hello(FIRST), FLOW_STEP_JUDGE);
	assert_int_equal(s_scratch.hello.server_name_length, 17);
	assert_memory_equal(s_scratch.hello.server_name, "mcr.microsoft.com", 17);
	release();
	assert_int_equal(s_flow.approved, s_length);
}

static void both_versions_are_read(void **state)
{
	struct initial_options options = {.version = QUIC_VERSION_2};

	(void)state;
	assert_int_equal(send(FIRST, 0, s_hello, s_length, options), FLOW_STEP_JUDGE);
}

static void the_packets_of_the_rfcs_are_read(void **state)
{
	static const char *const files[] = {"rfc9001", "rfc9369"};

	for (size_t i = 0; i < 2; i++) {
		struct initial datagram = load_initial(files[i]);

		set_up(state);
		assert_int_equal(take(&datagram), FLOW_STEP_JUDGE);
		assert_memory_equal(s_scratch.hello.server_name, "example.com", 11);
	}
}

static void a_hello_cut_at_any_byte_over_two_packets_in_any_order_is_read(void **state)
{
	for (size_t cut = 1; cut < s_length; cut++)
		for (int reversed = 0; reversed < 2; reversed++) {
			struct initial pieces[] = {
				write_initial(FIRST, 0, s_hello, cut, PLAIN),
				write_initial(FIRST, cut, s_hello + cut, s_length - cut,
					      (struct initial_options){.number = 1}),
			};

			set_up(state);
			assert_int_equal(take(&pieces[reversed]), FLOW_STEP_HOLD);
			assert_int_equal(take(&pieces[reversed]), FLOW_STEP_HOLD);
			assert_int_equal(take(&pieces[!reversed]), FLOW_STEP_JUDGE);
		}
}

static void frames_of_a_packet_may_come_shuffled_and_mixed(void **state)
{
	struct initial frames = {.length = 0}, datagram = {.length = 0};

	(void)state;
	for (size_t i = 12; i > 0; i--) {
		size_t begin = s_length * (i - 1) / 12, end = s_length * i / 12;

		add_crypto_frame(&frames, begin, s_hello + begin, end - begin);
		add_initial(&frames, i % 2 ? "\x01" : "\0\0", i % 2 ? 1 : 2);
		add_crypto_frame(&frames, begin, NULL, 0);
	}
	add_initial_packet(&datagram, FIRST, &frames, PLAIN);
	assert_int_equal(take(&datagram), FLOW_STEP_JUDGE);
}

/* Whether the hello is whole when these of the five packets are there: each holds either its middle
 * (from the 77th byte to the 1,025th) or all the rest.
 */
static bool is_whole(unsigned int there)
{
	return (there & 0x15) && (there & 0x0a);
}

static unsigned int nth_missing(unsigned int there, unsigned int n)
{
	for (unsigned int i = 0;; i++)
		if (!(there >> i & 1) && n-- == 0)
			return i;
}

/* The packets in the order that `order` counts out, each of them twice. */
static void take_a_browser_s_packets(const struct initial packets[5], unsigned int order)
{
	unsigned int there = 0;

	for (unsigned int left = 5; left > 0; order /= left, left--) {
		unsigned int next = nth_missing(there, order % left);

		for (int again = 0; again < 2; again++) {
			bool was_whole = is_whole(there);
			enum flow_step step = take(&packets[next]);

			there |= 1u << next;
			assert_int_equal(step, was_whole         ? FLOW_STEP_PASS
					       : is_whole(there) ? FLOW_STEP_JUDGE
								 : FLOW_STEP_HOLD);
			if (step == FLOW_STEP_JUDGE)
				release();
		}
	}
	assert_true(is_whole(there));
}

static void a_browser_s_shuffled_frames_are_read_in_any_order_of_its_packets(void **state)
{
	static struct initial packets[5];
	struct name name;

	assert_int_equal(name_from_wire("mcr.microsoft.com", 17, &name), NAME_OK);
	for (unsigned int i = 0; i < 5; i++) {
		char file[] = "chromium-1";

		file[9] = (char)('1' + i);
		packets[i] = load_initial(file);
	}
	for (unsigned int order = 0; order < 120; order++) {
		set_up(state);
		take_a_browser_s_packets(packets, order);
		assert_true(name_equal(&s_flow.name, &name));
		assert_int_equal(s_flow.approved, 1892);
	}
}

static void early_data_beside_and_before_the_hello_is_held(void **state)
{
	static const uint8_t early[] = "\xd3\0\0\0\x01\x08original\0\x05"
				       "abcde";
	struct initial alone = {.length = 0};
	struct initial first = write_initial(FIRST, 0, s_hello, 50, (struct initial_options){0});
	struct initial last = write_initial(FIRST, 50, s_hello + 50, s_length - 50,
					    (struct initial_options){.number = 1});

	(void)state;
	add_initial(&alone, early, sizeof(early) - 1);
	add_initial(&first, early, sizeof(early) - 1);
	assert_int_equal(take(&alone), FLOW_STEP_HOLD);
	assert_int_equal(take(&first), FLOW_STEP_HOLD);
	assert_int_equal(take(&last), FLOW_STEP_JUDGE);
}

static void what_is_no_initial_of_versions_1_and_2_is_denied(void **state)
{
	static const struct {
		const char *bytes;
		size_t length;
	} strangers[] = {
		{"\x40 a short header first", 23},
		{"\x16\xfe\xfd DTLS", 8},
		{"\xc3\xff\0\0\x1d\x08 a draft", 15},
		{"\xca\0\0\0\0\x08 version negotiation", 27},
		{"\xf3\0\0\0\x01\x01x\x01y retry", 15},
		{"\xc3\0\0\0\x01\x08 cut", 10},
		{"GET / HTTP/1.1\r\n", 16},
	};

	for (size_t i = 0; i < sizeof(strangers) / sizeof(strangers[0]); i++) {
		struct initial datagram = {.length = 0};

		set_up(state);
		add_initial(&datagram, strangers[i].bytes, strangers[i].length);
		assert_denied(take(&datagram), REASON_NOT_TLS);
	}
}

static void an_initial_that_its_own_id_does_not_open_is_denied_at_first(void **state)
{
	struct quic_connection_id other = write_connection_id(SECOND);

	(void)state;
	assert_denied(
		send(FIRST, 0, s_hello, s_length, (struct initial_options){.original = &other}),
		REASON_HELLO_MALFORMED);
}

static void pieces_that_differ_where_they_overlap_are_denied(void **state)
{
	(void)state;
	assert_int_equal(send(FIRST, 0, s_hello, 100, PLAIN), FLOW_STEP_HOLD);
	s_hello[60] ^= 1;
	assert_denied(
		send(FIRST, 50, s_hello + 50, s_length - 50, (struct initial_options){.number = 1}),
		REASON_HELLO_OVERLAP);
}

static void what_is_no_hello_is_denied(void **state)
{
	struct initial frames = {.length = 0}, datagram = {.length = 0};

	assert_denied(send(FIRST, 0, (const uint8_t *)"\x02\0\0\x01x", 5, PLAIN),
		      REASON_HELLO_MALFORMED);
	set_up(state);
	s_hello[3]--;
	assert_denied(send(FIRST, 0, s_hello, s_length - 1, PLAIN), REASON_HELLO_MALFORMED);
	set_up(state);
	assert_denied(send(FIRST, 0, (const uint8_t *)"\x01\0\x3f\xfd", 4, PLAIN),
		      REASON_HELLO_TOO_LONG);
	set_up(state);
	assert_int_equal(send(FIRST, 0, (const uint8_t *)"\x01\0\x3f\xfc", 4, PLAIN),
			 FLOW_STEP_HOLD);
	set_up(state);
	add_initial(&frames, "\x08stream", 7);
	add_initial_packet(&datagram, FIRST, &frames, PLAIN);
	assert_denied(take(&datagram), REASON_HELLO_MALFORMED);
}

static void bytes_behind_a_first_hello_are_denied(void **state)
{
	struct name name;

	(void)state;
	assert_int_equal(send(FIRST, s_length, s_hello, 40, PLAIN), FLOW_STEP_HOLD);
	assert_int_equal(send(FIRST, 0, s_hello, s_length, (struct initial_options){.number = 1}),
			 FLOW_STEP_JUDGE);
	assert_int_equal(name_from_wire("mcr.microsoft.com", 17, &name), NAME_OK);
	assert_denied(quic_flow_release(&s_flow, &name), REASON_HELLO_MALFORMED);
}

static void another_connection_before_the_first_hello_is_judged_is_dropped(void **state)
{
	(void)state;
	assert_int_equal(send(FIRST, 0, s_hello, 100, PLAIN), FLOW_STEP_HOLD);
	assert_int_equal(send_hello(SECOND), FLOW_STEP_DROP);
	assert_int_equal(send(FIRST, 100, s_hello + 100, s_length - 100,
			      (struct initial_options){.number = 1}),
			 FLOW_STEP_JUDGE);
}

/* ------------------------------------------------------------------- after the release */

static void the_handshake_goes_on_under_the_server_s_id(void **state)
{
	struct quic_connection_id first = write_connection_id(FIRST);
	struct initial_options options = {.original = &first, .number = 1};
	struct initial frames = {.length = 0}, datagram = {.length = 0};

	(void)state;
	send_and_release();
	add_initial(&frames, "\x02\0\0\0\0", 5); /* an acknowledgement */
	add_initial_packet(&datagram, SERVER_S, &frames, options);
	add_initial(&datagram,
		    "\xe3\0\0\0\x01\x08server's\0\x05"
		    "abcde\x40 short",
		    28);
	assert_int_equal(take(&datagram), FLOW_STEP_PASS);
	options.version = QUIC_VERSION_2; /* the server may change the version, RFC 9368 */
	datagram.length = 0;
	add_initial_packet(&datagram, SERVER_S, &frames, options);
	assert_int_equal(take(&datagram), FLOW_STEP_PASS);
	assert_int_equal(s_origins.count, 1);
}

static void the_hello_may_be_repeated_but_not_changed(void **state)
{
	struct quic_connection_id first = write_connection_id(FIRST);

	(void)state;
	send_and_release();
	assert_int_equal(send(FIRST, 20, s_hello + 20, 70, (struct initial_options){.number = 2}),
			 FLOW_STEP_PASS);
	assert_int_equal(send(SERVER_S, 0, s_hello, s_length,
			      (struct initial_options){.number = 3, .original = &first}),
			 FLOW_STEP_PASS);
	s_hello[80] ^= 1;
	assert_denied(send(FIRST, 20, s_hello + 20, 70, (struct initial_options){.number = 4}),
		      REASON_HELLO_OVERLAP);
}

static void a_second_hello_must_be_whole_and_carry_the_same_name(void **state)
{
	struct initial first =
		write_initial(FIRST, s_length, s_hello, 100, (struct initial_options){.number = 1});
	struct initial last = write_initial(FIRST, s_length + 100, s_hello + 100, s_length - 100,
					    (struct initial_options){.number = 2});
	uint32_t end = 0;

	send_and_release();
	assert_int_equal(take_to(&first, &end), FLOW_STEP_HOLD);
	assert_int_equal(end, s_length + 100);
	assert_true(end > s_flow.approved);
	assert_int_equal(take_to(&last, &end), FLOW_STEP_PASS);
	assert_int_equal(s_flow.approved, 2 * s_length);
	set_up(state);
	send_and_release();
	assert_denied(send(FIRST, s_length, s_other, s_other_length,
			   (struct initial_options){.number = 1}),
		      REASON_NAME_MISMATCH);
}

static void after_a_retry_the_same_hello_comes_under_other_keys(void **state)
{
	struct initial_options options = {.number = 1, .token = "token"};

	(void)state;
	send_and_release();
	assert_int_equal(send(SECOND, 0, s_hello, 100, options), FLOW_STEP_HOLD);
	options.number = 2;
	assert_int_equal(send(SECOND, 100, s_hello + 100, s_length - 100, options), FLOW_STEP_PASS);
	assert_int_equal(s_origins.count, 2);
	assert_int_equal(s_flow.approved, s_length);
}

static void a_second_connection_with_another_name_is_denied(void **state)
{
	(void)state;
	send_and_release();
	assert_int_equal(send(SECOND, 0, s_other, 100, PLAIN), FLOW_STEP_HOLD);
	assert_denied(send(SECOND, 100, s_other + 100, s_other_length - 100,
			   (struct initial_options){.number = 1}),
		      REASON_NAME_MISMATCH);
}

static void a_connection_that_hides_behind_others_packets_is_seen(void **state)
{
	struct initial datagram = {.length = 0};
	struct initial hidden = write_initial(SECOND, 0, s_other, s_other_length, PLAIN);

	(void)state;
	send_and_release();
	add_initial(&datagram,
		    "\xe3\0\0\0\x01\x08server's\0\x05"
		    "abcde",
		    21);
	add_initial(&datagram, hidden.bytes, hidden.length);
	assert_denied(take(&datagram), REASON_NAME_MISMATCH);
}

static void the_stream_of_a_connection_that_is_over_is_not_taken_up_again(void **state)
{
	struct initial_options options = {.number = 3};

	(void)state;
	send_and_release();
	assert_int_equal(send_hello(SECOND), FLOW_STEP_PASS);
	assert_int_equal(send(FIRST, 0, s_hello, s_length, options), FLOW_STEP_DROP);
	assert_int_equal(send(FIRST, 0, NULL, 0, options), FLOW_STEP_PASS);
}

static void a_flow_has_a_few_connections_and_no_more(void **state)
{
	char id[] = "number 0";

	(void)state;
	send_and_release();
	for (unsigned int i = 1; i < QUIC_ORIGINS_MAX; i++) {
		id[7] = (char)('0' + i);
		assert_int_equal(send_hello(id), FLOW_STEP_PASS);
	}
	assert_denied(send_hello("one more"), REASON_QUIC_LATE_HELLO);
}

static void what_nobody_can_read_does_not_leave(void **state)
{
	struct quic_connection_id other = write_connection_id(SECOND);
	struct initial strange = {.length = 0};

	(void)state;
	send_and_release();
	assert_int_equal(
		send(FIRST, 0, s_hello, s_length, (struct initial_options){.original = &other}),
		FLOW_STEP_DROP);
	add_initial(&strange, "\xc3\xff\0\0\x1d\x08 a draft", 15);
	assert_int_equal(take(&strange), FLOW_STEP_DROP);
	assert_int_equal(s_flow.state, FLOW_STATE_CONFIRM);
}

static void packet_numbers_stay_near_the_first_one(void **state)
{
	struct initial_options options = {.number = 63};

	(void)state;
	send_and_release();
	assert_int_equal(send(FIRST, 0, NULL, 0, options), FLOW_STEP_PASS);
	options.number = 64;
	assert_int_equal(send(FIRST, 0, NULL, 0, options), FLOW_STEP_DROP);
}

/* ------------------------------------------------------------------- two contents */

/* Multiplication in GCM's field (NIST SP 800-38D section 6.3). */
struct block {
	uint64_t high, low;
};

static struct block multiply(struct block x, struct block y)
{
	struct block product = {0, 0};

	for (unsigned int i = 0; i < 128; i++) {
		uint64_t bit = i < 64 ? x.high >> (63 - i) & 1 : x.low >> (127 - i) & 1;
		uint64_t carry = y.low & 1;

		if (bit) {
			product.high ^= y.high;
			product.low ^= y.low;
		}
		y.low = y.low >> 1 | y.high << 63;
		y.high >>= 1;
		if (carry)
			y.high ^= UINT64_C(0xe1) << 56;
	}
	return product;
}

static struct block load_block(const uint8_t bytes[16])
{
	struct block block = {0, 0};

	for (int i = 0; i < 8; i++) {
		block.high = block.high << 8 | bytes[i];
		block.low = block.low << 8 | bytes[8 + i];
	}
	return block;
}

static void store_block(struct block block, uint8_t bytes[16])
{
	for (int i = 0; i < 8; i++) {
		bytes[i] = (uint8_t)(block.high >> (56 - 8 * i));
		bytes[8 + i] = (uint8_t)(block.low >> (56 - 8 * i));
	}
}

static void encrypt_block(const uint8_t key[16], const uint8_t input[16], uint8_t output[16])
{
	EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
	int length;

	assert_int_equal(EVP_EncryptInit_ex(context, EVP_aes_128_ecb(), NULL, key, NULL), 1);
	assert_int_equal(EVP_EncryptUpdate(context, output, &length, input, 16), 1);
	EVP_CIPHER_CTX_free(context);
}

static void counter_block(const struct quic_client_keys *keys, uint64_t number, uint32_t counter,
			  uint8_t output[16])
{
	uint8_t input[16];

	memcpy(input, keys->iv, 12);
	for (int i = 0; i < 8; i++)
		input[11 - i] ^= (uint8_t)(number >> (8 * i));
	for (int i = 0; i < 4; i++)
		input[12 + i] = (uint8_t)(counter >> (24 - 8 * i));
	encrypt_block(keys->key, input, output);
}

/* GHASH over header and ciphertext, XORed with the tag's mask: the tag. */
static struct block tag_of(const struct quic_client_keys *keys, uint64_t number,
			   const uint8_t *header, size_t header_length, const uint8_t *body,
			   size_t body_length)
{
	uint8_t zero[16] = {0}, output[16], piece[16];
	struct block hash_key, sum = {0, 0}, mask;

	encrypt_block(keys->key, zero, output);
	hash_key = load_block(output);
	for (int part = 0; part < 2; part++) {
		const uint8_t *bytes = part ? body : header;
		size_t length = part ? body_length : header_length;

		for (size_t i = 0; i < length; i += 16) {
			struct block block;

			memset(piece, 0, sizeof(piece));
			memcpy(piece, bytes + i, length - i < 16 ? length - i : 16);
			block = load_block(piece);
			sum.high ^= block.high;
			sum.low ^= block.low;
			sum = multiply(sum, hash_key);
		}
	}
	sum.high ^= header_length * 8;
	sum.low ^= body_length * 8;
	sum = multiply(sum, hash_key);
	counter_block(keys, number, 1, output);
	mask = load_block(output);
	sum.high ^= mask.high;
	sum.low ^= mask.low;
	return sum;
}

/*
 * The tag is linear in each block of the ciphertext, so the difference of the tags under two keys
 * is an affine function of a free block: 128 equations over 128 bits, solved by elimination. The
 * two headers differ where their protection does (other header keys).
 */
struct sealed_twice {
	const struct quic_client_keys *keys[2];
	uint64_t number[2];
	uint8_t header[2][64];
	size_t header_length[2];
	uint8_t *body;
	size_t body_length, free_at;
};

static struct block tag_difference(const struct sealed_twice *sealed)
{
	struct block tags[2];

	for (int i = 0; i < 2; i++)
		tags[i] = tag_of(sealed->keys[i], sealed->number[i], sealed->header[i],
				 sealed->header_length[i], sealed->body, sealed->body_length);
	return (struct block){tags[0].high ^ tags[1].high, tags[0].low ^ tags[1].low};
}

static bool bit_of(struct block block, unsigned int i)
{
	return i < 64 ? block.high >> i & 1 : block.low >> (i - 64) & 1;
}

static struct block xor
	(struct block a, struct block b) {
		return (struct block){a.high ^ b.high, a.low ^ b.low};
	}

	static bool make_tags_agree(struct sealed_twice *sealed)
{
	uint8_t *block = sealed->body + sealed->free_at;
	struct block columns[128], images[128], wanted, solution = {0, 0};
	bool used[128] = {false};

	memset(block, 0, 16);
	wanted = tag_difference(sealed);
	for (unsigned int i = 0; i < 128; i++) {
		struct block unit = {i < 64 ? UINT64_C(1) << i : 0,
				     i < 64 ? 0 : UINT64_C(1) << (i - 64)};

		store_block(unit, block);
		columns[i] = unit;
		images[i] = xor(tag_difference(sealed), wanted);
	}
	for (unsigned int row = 0; row < 128; row++) {
		unsigned int pivot = 0;

		while (pivot < 128 && (used[pivot] || !bit_of(images[pivot], row)))
			pivot++;
		if (pivot == 128) {
			if (bit_of(wanted, row))
				return false;
			continue;
		}
		used[pivot] = true;
		for (unsigned int i = 0; i < 128; i++)
			if (i != pivot && !used[i] && bit_of(images[i], row)) {
				images[i] = xor(images[i], images[pivot]);
				columns[i] = xor(columns[i], columns[pivot]);
			}
		if (bit_of(wanted, row)) {
			wanted = xor(wanted, images[pivot]);
			solution = xor(solution, columns[pivot]);
		}
	}
	store_block(solution, block);
	return true;
}

/*
 * An Initial packet to `own` that opens under the keys of FIRST and under those of its own id: with
 * the one pair to a CONNECTION_CLOSE whose reason fills it, with the other to nobody knows what.
 * False: the two disagree on the packet number's size; try another id.
 */
static bool write_two_faced(const char *own, bool harmless_as_own, struct initial *datagram)
{
	static struct quic_client_keys first, second;
	struct quic_connection_id ids[] = {write_connection_id(harmless_as_own ? own : FIRST),
					   write_connection_id(harmless_as_own ? FIRST : own)};
	struct sealed_twice sealed = {
		.keys = {&first, &second}, .body_length = 1100, .free_at = 1056};
	struct initial frames = {.length = 0};
	uint8_t mask[2][16], tag[16];
	const size_t number_at = 19;

	assert_true(quic_derive_client_keys(QUIC_VERSION_1, &ids[0], &first));
	assert_true(quic_derive_client_keys(QUIC_VERSION_1, &ids[1], &second));
	add_initial(&frames, "\x1c\0\0\x44\x47", 5); /* 1,095 bytes of reason */
	add_initial(&frames, s_buffer, 1095);
	add_initial_packet(
		datagram, own, &frames,
		(struct initial_options){.number = 1, .original = &ids[0], .plain_ids = true});
	assert_int_equal(datagram->length, number_at + 4 + 1100 + 16);
	sealed.body = datagram->bytes + number_at + 4;
	encrypt_block(first.header_protection, sealed.body, mask[0]);
	encrypt_block(second.header_protection, sealed.body, mask[1]);
	if ((mask[0][0] ^ mask[1][0]) & 3)
		return false;
	for (int i = 0; i < 2; i++) {
		sealed.header_length[i] = number_at + 4;
		memcpy(sealed.header[i], datagram->bytes, number_at + 4);
		sealed.header[i][0] ^= mask[i][0] & 0x0f;
		for (unsigned int k = 0; k < 4; k++) {
			sealed.header[i][number_at + k] ^= mask[i][1 + k];
			sealed.number[i] = sealed.number[i] << 8 | sealed.header[i][number_at + k];
		}
	}
	assert_int_equal(sealed.number[0], 1);
	assert_true(make_tags_agree(&sealed));
	store_block(tag_of(&first, 1, sealed.header[0], number_at + 4, sealed.body, 1100), tag);
	memcpy(sealed.body + 1100, tag, sizeof(tag));
	return true;
}

static void check_two_faced(bool harmless_as_own)
{
	struct initial datagram = {.length = 0};
	struct quic_packet packet;
	struct quic_opened opened;
	char own[9];

	send_and_release();
	for (unsigned int i = 0; snprintf(own, sizeof(own), "id %05u", i), i < 100; i++) {
		datagram.length = 0;
		if (write_two_faced(own, harmless_as_own, &datagram))
			break;
	}
	struct cursor cursor = cursor_over(datagram.bytes, datagram.length);
	assert_true(quic_packet_take(&cursor, &packet));
	for (int i = 0; i < 2; i++) { /* it is what it is meant to be */
		struct quic_connection_id id = write_connection_id(i ? own : FIRST);
		struct quic_client_keys keys;

		assert_true(quic_derive_client_keys(QUIC_VERSION_1, &id, &keys));
		assert_true(quic_open_initial(&packet, &keys, 0, s_scratch.frames, &opened));
	}
	/* the other reading: a new connection with no sense in it, or a number far from the first's
	 */
	assert_int_equal(take(&datagram), harmless_as_own ? FLOW_STEP_DROP : FLOW_STEP_DENY);
}

static void a_packet_that_opens_under_two_keys_is_read_twice(void **state)
{
	check_two_faced(false);
	set_up(state);
	check_two_faced(true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_hello_in_one_packet_is_to_be_judged, set_up),
		cmocka_unit_test_setup(both_versions_are_read, set_up),
		cmocka_unit_test_setup(the_packets_of_the_rfcs_are_read, set_up),
		cmocka_unit_test_setup(
			a_hello_cut_at_any_byte_over_two_packets_in_any_order_is_read, set_up),
		cmocka_unit_test_setup(frames_of_a_packet_may_come_shuffled_and_mixed, set_up),
		cmocka_unit_test_setup(
			a_browser_s_shuffled_frames_are_read_in_any_order_of_its_packets, set_up),
		cmocka_unit_test_setup(early_data_beside_and_before_the_hello_is_held, set_up),
		cmocka_unit_test_setup(what_is_no_initial_of_versions_1_and_2_is_denied, set_up),
		cmocka_unit_test_setup(an_initial_that_its_own_id_does_not_open_is_denied_at_first,
				       set_up),
		cmocka_unit_test_setup(pieces_that_differ_where_they_overlap_are_denied, set_up),
		cmocka_unit_test_setup(what_is_no_hello_is_denied, set_up),
		cmocka_unit_test_setup(bytes_behind_a_first_hello_are_denied, set_up),
		cmocka_unit_test_setup(
			another_connection_before_the_first_hello_is_judged_is_dropped, set_up),
		cmocka_unit_test_setup(the_handshake_goes_on_under_the_server_s_id, set_up),
		cmocka_unit_test_setup(the_hello_may_be_repeated_but_not_changed, set_up),
		cmocka_unit_test_setup(a_second_hello_must_be_whole_and_carry_the_same_name,
				       set_up),
		cmocka_unit_test_setup(after_a_retry_the_same_hello_comes_under_other_keys, set_up),
		cmocka_unit_test_setup(a_second_connection_with_another_name_is_denied, set_up),
		cmocka_unit_test_setup(a_connection_that_hides_behind_others_packets_is_seen,
				       set_up),
		cmocka_unit_test_setup(
			the_stream_of_a_connection_that_is_over_is_not_taken_up_again, set_up),
		cmocka_unit_test_setup(a_flow_has_a_few_connections_and_no_more, set_up),
		cmocka_unit_test_setup(what_nobody_can_read_does_not_leave, set_up),
		cmocka_unit_test_setup(packet_numbers_stay_near_the_first_one, set_up),
		cmocka_unit_test_setup(a_packet_that_opens_under_two_keys_is_read_twice, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
