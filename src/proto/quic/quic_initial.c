/*
 * Initial protection. The key is derived from a connection id that travels in the clear, so it
 * proves nothing about the sender: anyone can make a packet, and even one that opens under two keys
 * with two contents, since AES-GCM does not bind its key. Callers must look at every reading that a
 * server could have, not at the first that succeeds.
 *
 * HKDF with SHA-256 is one HMAC each for what is needed here: no output is longer than a digest
 * (RFC 5869 section 2.3).
 */
#include "proto/quic/quic_initial.h"

#include <string.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "base/cleanup.h"

#define DIGEST_SIZE 32
#define TAG_SIZE    16
#define SAMPLE_SIZE 16
#define SAMPLE_AT   4 /* behind the packet number's beginning, whatever its length */

DEFINE_CLEANUP(free_context, EVP_CIPHER_CTX *, EVP_CIPHER_CTX_free);

struct version_labels {
	uint8_t salt[20];
	const char *key, *iv, *header_protection;
};

/* RFC 9001 section 5.2 */
static const struct version_labels s_version_1 = {
	.salt = {0x38, 0x76, 0x2c, 0xf7, 0xf5, 0x59, 0x34, 0xb3, 0x4d, 0x17,
		 0x9a, 0xe6, 0xa4, 0xc8, 0x0c, 0xad, 0xcc, 0xbb, 0x7f, 0x0a},
	.key = "quic key",
	.iv = "quic iv",
	.header_protection = "quic hp",
};

/* RFC 9369 sections 3.3.1 and 3.3.2 */
static const struct version_labels s_version_2 = {
	.salt = {0x0d, 0xed, 0xe3, 0xde, 0xf7, 0x00, 0xa6, 0xdb, 0x81, 0x93,
		 0x81, 0xbe, 0x6e, 0x26, 0x9d, 0xcb, 0xf9, 0xbd, 0x2e, 0xd9},
	.key = "quicv2 key",
	.iv = "quicv2 iv",
	.header_protection = "quicv2 hp",
};

bool quic_prepare(void)
{
	const struct quic_connection_id any = {.length = 8};
	struct quic_client_keys keys;

	return OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, NULL) == 1 &&
	       quic_derive_client_keys(QUIC_VERSION_1, &any, &keys) &&
	       EVP_CIPHER_get_key_length(EVP_aes_128_gcm()) == sizeof(keys.key);
}

static bool hmac(const uint8_t *key, size_t key_length, const uint8_t *data, size_t length,
		 uint8_t digest[DIGEST_SIZE])
{
	unsigned int size = DIGEST_SIZE;

	return HMAC(EVP_sha256(), key, (int)key_length, data, length, digest, &size) != NULL;
}

/* HKDF-Expand-Label with an empty context: RFC 8446 section 7.1. */
static bool expand(const uint8_t secret[DIGEST_SIZE], const char *label, uint8_t *output,
		   size_t length)
{
	uint8_t info[64] = {0, (uint8_t)length}, digest[DIGEST_SIZE];
	size_t label_length = strlen(label), end = 3;

	info[2] = (uint8_t)(6 + label_length);
	memcpy(info + end, "tls13 ", 6);
	end += 6;
	memcpy(info + end, label, label_length);
	end += label_length;
	info[end++] = 0; /* the context's length */
	info[end++] = 1; /* HKDF's first block */
	if (!hmac(secret, DIGEST_SIZE, info, end, digest))
		return false;
	memcpy(output, digest, length);
	return true;
}

bool quic_derive_client_keys(uint32_t version, const struct quic_connection_id *original,
			     struct quic_client_keys *ret_keys)
{
	const struct version_labels *labels =
		version == QUIC_VERSION_1 ? &s_version_1 : &s_version_2;
	uint8_t initial[DIGEST_SIZE], client[DIGEST_SIZE];
	struct quic_client_keys keys = {{0}, {0}, {0}};

	if (!hmac(labels->salt, sizeof(labels->salt), original->bytes, original->length, initial) ||
	    !expand(initial, "client in", client, sizeof(client)) ||
	    !expand(client, labels->key, keys.key, sizeof(keys.key)) ||
	    !expand(client, labels->iv, keys.iv, sizeof(keys.iv)) ||
	    !expand(client, labels->header_protection, keys.header_protection,
		    sizeof(keys.header_protection)))
		return false;
	*ret_keys = keys;
	return true;
}

/* RFC 9001 section 5.4.3 */
static bool make_mask(const uint8_t key[16], const uint8_t *sample, uint8_t mask[SAMPLE_SIZE])
{
	cleanup(free_context) EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
	int length;

	return context && EVP_EncryptInit_ex(context, EVP_aes_128_ecb(), NULL, key, NULL) == 1 &&
	       EVP_EncryptUpdate(context, mask, &length, sample, SAMPLE_SIZE) == 1;
}

/* RFC 9000 appendix A.3 */
static uint64_t complete_number(uint64_t expected, uint64_t written, unsigned int size)
{
	uint64_t window = UINT64_C(1) << (8 * size);
	uint64_t candidate = (expected & ~(window - 1)) | written;

	if (candidate + window / 2 <= expected && candidate < (UINT64_C(1) << 62) - window)
		return candidate + window;
	if (candidate > expected + window / 2 && candidate >= window)
		return candidate - window;
	return candidate;
}

struct header {
	uint8_t *bytes; /* without protection */
	size_t length;
	uint64_t number;
};

static bool uncover_header(const struct quic_packet *packet, const struct quic_client_keys *keys,
			   uint64_t expected, struct header *header)
{
	uint8_t mask[SAMPLE_SIZE];
	unsigned int size;
	uint64_t written = 0;

	if (!make_mask(keys->header_protection, packet->bytes + packet->number_at + SAMPLE_AT,
		       mask))
		return false;
	memcpy(header->bytes, packet->bytes, packet->number_at + 4);
	header->bytes[0] ^= mask[0] & 0x0f;
	size = (header->bytes[0] & 3u) + 1;
	for (unsigned int i = 0; i < size; i++) {
		header->bytes[packet->number_at + i] ^= mask[1 + i];
		written = written << 8 | header->bytes[packet->number_at + i];
	}
	header->length = packet->number_at + size;
	header->number = complete_number(expected, written, size);
	return true;
}

/* RFC 9001 section 5.3. The plaintext may overwrite the header, which is authenticated first. */
static bool open_body(const struct quic_packet *packet, const struct quic_client_keys *keys,
		      const struct header *header, uint8_t *output, size_t *ret_length)
{
	size_t length = packet->length - header->length - TAG_SIZE;
	uint8_t nonce[sizeof(keys->iv)], tag[TAG_SIZE];
	cleanup(free_context) EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
	int written = 0, rest = 0;

	memcpy(nonce, keys->iv, sizeof(nonce));
	for (unsigned int i = 0; i < 8; i++)
		nonce[sizeof(nonce) - 1 - i] ^= (uint8_t)(header->number >> (8 * i));
	memcpy(tag, packet->bytes + packet->length - TAG_SIZE, sizeof(tag));
	if (!context ||
	    EVP_DecryptInit_ex(context, EVP_aes_128_gcm(), NULL, keys->key, nonce) != 1 ||
	    EVP_DecryptUpdate(context, NULL, &written, header->bytes, (int)header->length) != 1 ||
	    EVP_DecryptUpdate(context, output, &written, packet->bytes + header->length,
			      (int)length) != 1 ||
	    EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_GCM_SET_TAG, TAG_SIZE, tag) != 1 ||
	    EVP_DecryptFinal_ex(context, output + written, &rest) != 1)
		return false;
	*ret_length = length;
	return true;
}

bool quic_open_initial(const struct quic_packet *packet, const struct quic_client_keys *keys,
		       uint64_t expected, uint8_t *buffer, struct quic_opened *ret_opened)
{
	struct header header = {.bytes = buffer};
	size_t length;

	if (packet->kind != QUIC_INITIAL || packet->length > QUIC_DATAGRAM_MAX ||
	    packet->length < packet->number_at + SAMPLE_AT + SAMPLE_SIZE)
		return false;
	if (!uncover_header(packet, keys, expected, &header) ||
	    !open_body(packet, keys, &header, buffer, &length))
		return false;
	*ret_opened = (struct quic_opened){.number = header.number, .length = length};
	return true;
}
