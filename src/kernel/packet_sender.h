/* Packets that we make ourselves, through raw sockets. One sender a thread. */
#pragma once

#include "base/ip.h"

struct packet_sender;

struct packet_sender *packet_sender_open(void); /* NULL: errno */
void packet_sender_close(struct packet_sender *sender);

enum packet_sending {
	PACKET_SENDING_IN_FLOW, /* connection tracking finds the flow and translates its addresses:
				   to the outside */
	PACKET_SENDING_UNTRACKED, /* as it is: to the inside, in the server's name */
};

/* `packet`: a whole IP packet (proto/packet). Negative errno. */
int packet_sender_send(struct packet_sender *sender, enum packet_sending sending,
		       const struct ip_address *destination, const uint8_t *packet, size_t length);
