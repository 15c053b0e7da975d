/* A client's Initial packets, sealed by hand, and those of the RFCs in initials/. */
#pragma once

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "base/assertion.h"
#include "proto/quic/quic_initial.h"

#define INITIAL_MAX 4096

struct initial {
	uint8_t bytes[INITIAL_MAX];
	size_t length;
};

/* What of a packet is not usual. */
struct initial_options {
	uint32_t version; /* 0: version 1 */
	uint64_t number;
	uint32_t written;                          /* instead of `number`, when not 0 */
	const struct quic_connection_id *original; /* the keys'; NULL: the destination */
	size_t size;                               /* pad to so many bytes */
	const char *token;
	bool plain_ids; /* no source connection id */
};

static inline struct quic_connection_id write_connection_id(const char *text)
{
	struct quic_connection_id id = {.length = (uint8_t)strlen(text)};

	memcpy(id.bytes, text, id.length);
	return id;
}

static inline void add_initial(struct initial *initial, const void *bytes, size_t length)
{
	invariant(initial->length + length <= INITIAL_MAX);
	if (length > 0)
		memcpy(initial->bytes + initial->length, bytes, length);
	initial->length += length;
}

static inline void add_number16(struct initial *initial, size_t value)
{
	add_initial(initial, &(uint8_t){(uint8_t)(0x40 | value >> 8)}, 1);
	add_initial(initial, &(uint8_t){(uint8_t)value}, 1);
}

/* A CRYPTO frame, behind the frames that are there. */
static inline void add_crypto_frame(struct initial *frames, size_t offset, const void *bytes,
				    size_t length)
{
	add_initial(frames, "\x06", 1);
	add_number16(frames, offset);
	add_number16(frames, length);
	add_initial(frames, bytes, length);
}

static inline void protect_header(uint8_t *packet, size_t number_at, const uint8_t key[16])
{
	EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
	uint8_t mask[16];
	int length;

	invariant(EVP_EncryptInit_ex(context, EVP_aes_128_ecb(), NULL, key, NULL) == 1);
	invariant(EVP_EncryptUpdate(context, mask, &length, packet + number_at + 4, 16) == 1);
	EVP_CIPHER_CTX_free(context);
	packet[0] ^= mask[0] & 0x0f;
	for (int i = 0; i < 4; i++)
		packet[number_at + i] ^= mask[1 + i];
}

static inline void encrypt_body(uint8_t *packet, size_t header_length, size_t body_length,
				const struct quic_client_keys *keys, uint64_t number)
{
	EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
	uint8_t nonce[12], body[INITIAL_MAX];
	int length;

	memcpy(nonce, keys->iv, sizeof(nonce));
	for (int i = 0; i < 8; i++)
		nonce[11 - i] ^= (uint8_t)(number >> (8 * i));
	memcpy(body, packet + header_length, body_length);
	invariant(EVP_EncryptInit_ex(context, EVP_aes_128_gcm(), NULL, keys->key, nonce) == 1);
	invariant(EVP_EncryptUpdate(context, NULL, &length, packet, (int)header_length) == 1);
	invariant(EVP_EncryptUpdate(context, packet + header_length, &length, body,
				    (int)body_length) == 1);
	invariant(EVP_EncryptFinal_ex(context, packet + header_length + length, &length) == 1);
	invariant(EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_GCM_GET_TAG, 16,
				      packet + header_length + body_length) == 1);
	EVP_CIPHER_CTX_free(context);
}

/* Adds an Initial packet with these frames to the datagram. */
static inline void add_initial_packet(struct initial *datagram, const char *destination,
				      const struct initial *frames, struct initial_options options)
{
	static const uint8_t zeros[INITIAL_MAX];
	struct quic_connection_id id = write_connection_id(destination);
	uint32_t version = options.version ? options.version : QUIC_VERSION_1;
	uint32_t written = options.written ? options.written : (uint32_t)options.number;
	size_t token_length = options.token ? strlen(options.token) : 0;
	struct initial packet = {.length = 0}, padded = *frames;
	struct quic_client_keys keys;
	size_t number_at, header_length;

	invariant(
		quic_derive_client_keys(version, options.original ? options.original : &id, &keys));
	add_initial(&packet, version == QUIC_VERSION_1 ? "\xc3" : "\xd3", 1);
	for (int shift = 24; shift >= 0; shift -= 8)
		add_initial(&packet, &(uint8_t){(uint8_t)(version >> shift)}, 1);
	add_initial(&packet, &id.length, 1);
	add_initial(&packet, id.bytes, id.length);
	add_initial(&packet, options.plain_ids ? "\0" : "\x02mi", options.plain_ids ? 1 : 3);
	add_number16(&packet, token_length);
	add_initial(&packet, options.token, token_length);
	number_at = packet.length + 2;
	header_length = number_at + 4;
	if (header_length + padded.length + 16 < options.size)
		add_initial(&padded, zeros, options.size - header_length - padded.length - 16);
	if (padded.length < 4)
		add_initial(&padded, zeros, 4);
	add_number16(&packet, 4 + padded.length + 16);
	for (int shift = 24; shift >= 0; shift -= 8)
		add_initial(&packet, &(uint8_t){(uint8_t)(written >> shift)}, 1);
	add_initial(&packet, padded.bytes, padded.length);
	add_initial(&packet, zeros, 16);
	encrypt_body(packet.bytes, header_length, padded.length, &keys, options.number);
	protect_header(packet.bytes, number_at, keys.header_protection);
	add_initial(datagram, packet.bytes, packet.length);
}

/* A datagram of one Initial packet with one CRYPTO frame. */
static inline struct initial write_initial(const char *destination, size_t offset,
					   const void *bytes, size_t length,
					   struct initial_options options)
{
	struct initial frames = {.length = 0}, datagram = {.length = 0};

	if (length > 0)
		add_crypto_frame(&frames, offset, bytes, length);
	add_initial_packet(&datagram, destination, &frames, options);
	return datagram;
}

static inline struct initial load_initial(const char *file)
{
	const char *source = getenv("SALLYPORT_SOURCE");
	struct initial initial;
	char path[4096];

	snprintf(path, sizeof(path), "%s/tests/unit/proto/initials/%s", source ? source : ".",
		 file);
	FILE *stream = fopen(path, "rb");
	invariant(stream != NULL);
	initial.length = fread(initial.bytes, 1, sizeof(initial.bytes), stream);
	fclose(stream);
	return initial;
}
