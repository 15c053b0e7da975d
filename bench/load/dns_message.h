/*
 * As much of DNS messages (RFC 1035) as the load needs: a question of one A record, and where it
 * ends in a message. No compression: questions have none.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define DNS_HEADER      12
#define DNS_MESSAGE_MAX 1232
#define DNS_TYPE_A      1
#define DNS_TYPE_SOA    6

/* Writes a question for the A record of `name` without its id; returns its length. */
size_t dns_write_question(uint8_t message[DNS_MESSAGE_MAX], const char *name);

/* Where the question of a message ends (after type and class); 0: it is not a whole one. */
size_t dns_question_end(const uint8_t *message, size_t length);
