/* Between the files of the exchange: the shared room and the ends of a try. */
#pragma once

#include "resolve/dns_socket_impl.h"
#include "resolve/exchange_impl.h"

#define EXCHANGE_FRAME_SIZE 2 /* length before a message over TCP: RFC 1035 section 4.2.2 */
#define EXCHANGE_SLOT_SIZE  (EXCHANGE_FRAME_SIZE + DNS_MESSAGE_MAX)
/* Six times what we offer to take (DNS_UDP_OWN); what is longer is no answer to us. */
#define EXCHANGE_DATAGRAM_MAX 8192

struct exchange_room {
	struct loop *loop;
	struct upstreams *upstreams;
	struct exchange_counts counts;
	uint8_t *slots; /* EXCHANGE_TCP_MAX; the kernel gives the memory when touched */
	uint16_t free_slots[EXCHANGE_TCP_MAX];
	size_t free_count;
	struct exchange_ports *ports;
	struct dns_record records[DNS_ANSWERS_MAX];
};

/* Room for one answer over TCP. NULL: all are taken. */
uint8_t *exchange_take_slot(struct exchange_room *room);
void exchange_give_slot_back(struct exchange_room *room, const uint8_t *slot); /* fine with NULL */

/* Connecting, not yet connected when it is TCP. The descriptor or negative errno. */
int exchange_open_connected(const struct ip_endpoint *upstream, int type);
/* exchange_port.c: sends the question with a fresh id and waits for its answer. Negative errno. */
struct exchange_ports *exchange_ports_new(struct exchange_room *room); /* NULL: out of memory */
void exchange_ports_free(struct exchange_ports *ports);
int exchange_port_send(struct exchange *exchange, const struct ip_endpoint *upstream);
void exchange_port_leave(struct exchange *exchange); /* fine when it has none */

/* What comes to a port. */
bool exchange_is_answered_by(const struct exchange *exchange, const uint8_t *message,
			     size_t length);
void exchange_take_datagram(struct exchange *exchange, const uint8_t *message, size_t length);

/* Watches and times the try over TCP. Takes over the descriptor, also on failure. */
int exchange_watch_try(struct exchange *exchange, int descriptor, enum exchange_state state,
		       uint32_t events, void (*ready)(struct loop_watch *watch, uint32_t events));

enum exchange_reply {
	REPLY_FOREIGN,   /* not to our question: ignored over UDP */
	REPLY_MALFORMED, /* to our question, but broken: likewise */
	REPLY_TRUNCATED,
	REPLY_CODE, /* an error code: the next upstream may know better */
	REPLY_GOOD,
};
enum exchange_reply exchange_judge_reply(struct exchange *exchange, const uint8_t *message,
					 size_t length, struct dns_answer *answer);

/* Ends of a try; the exchange may be over and gone afterwards. */
void exchange_take_good(struct exchange *exchange, const uint8_t *message, size_t length,
			const struct dns_answer *answer);
void exchange_take_code(struct exchange *exchange, uint8_t code);
void exchange_fail_try(struct exchange *exchange);  /* the upstream is put back */
void exchange_next_try(struct exchange *exchange);  /* it is not */
void exchange_close_try(struct exchange *exchange); /* closes the socket, keeps the TCP slot */
void exchange_note_unusable(struct exchange *exchange);

/* exchange_tcp.c: the same question, with the same id, of the same upstream. */
void exchange_go_over_tcp(struct exchange *exchange);
