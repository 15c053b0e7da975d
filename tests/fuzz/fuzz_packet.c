/*
 * One IP packet. Facts lie inside it, padding changes nothing, and a reset built for a segment's
 * sender parses back to what was asked for.
 */
#include "proto/packet/packet.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/assertion.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_facts(const uint8_t *data, size_t size, const struct packet *packet)
{
	bool has_ports = packet->transport == PACKET_TCP || packet->transport == PACKET_UDP;

	invariant(packet->source.family == data[0] >> 4);
	invariant(packet->destination.family == packet->source.family);
	invariant(packet->payload >= data);
	invariant(packet->payload_length <= (size_t)(data + size - packet->payload));
	invariant(has_ports || (!packet->source_port && !packet->destination_port));
	invariant(packet->transport == PACKET_TCP || !packet->flags);
	invariant(packet->transport != PACKET_TCP || packet->protocol == IPPROTO_TCP);
	invariant(packet->transport != PACKET_UDP || packet->protocol == IPPROTO_UDP);
}

static void check_padding(const uint8_t *data, size_t size, const struct packet *packet)
{
	uint8_t *padded = malloc(size + 3);
	struct packet again;

	if (!padded)
		abort();
	memcpy(padded, data, size);
	memset(padded + size, 0xff, 3);
	invariant(packet_parse(padded, size + 3, &again) == 0);
	invariant(again.transport == packet->transport);
	invariant(again.payload_length == packet->payload_length);
	invariant(again.payload - padded == packet->payload - data);
	free(padded);
}

static void check_reset(const struct packet *packet)
{
	struct ip_endpoint source = {packet->destination, packet->destination_port};
	struct ip_endpoint destination = {packet->source, packet->source_port};
	uint8_t buffer[PACKET_RESET_SIZE];
	struct packet reset;
	size_t length = packet_build_reset(&source, &destination, packet->acknowledgement,
					   packet->sequence, true, buffer);

	invariant(packet_parse(buffer, length, &reset) == 0);
	invariant(reset.transport == PACKET_TCP && reset.payload_length == 0);
	invariant(reset.flags == (PACKET_TCP_RST | PACKET_TCP_ACK));
	invariant(ip_equal(&reset.source, &packet->destination));
	invariant(ip_equal(&reset.destination, &packet->source));
	invariant(reset.source_port == packet->destination_port);
	invariant(reset.destination_port == packet->source_port);
	invariant(reset.sequence == packet->acknowledgement);
	invariant(reset.acknowledgement == packet->sequence);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct packet packet;
	int error = packet_parse(data, size, &packet);

	invariant(error == 0 || error == -EBADMSG);
	if (error)
		return 0;
	check_facts(data, size, &packet);
	check_padding(data, size, &packet);
	if (packet.transport == PACKET_TCP)
		check_reset(&packet);
	return 0;
}
