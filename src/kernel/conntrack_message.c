/*
 * Nested attributes, parsed without allocation. The kernel writes them, so a missing or short one
 * only means a kind of flow that we do not deal with; it is passed over.
 */
#include "kernel/conntrack_message_impl.h"

#include <arpa/inet.h>
#include <endian.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nf_conntrack_tcp.h>
#include <linux/netfilter/nfnetlink_conntrack.h>

#include "kernel/mark.h"

#define TABLE_MAX 64
_Static_assert(CTA_MAX < TABLE_MAX, "a table for every kind of nest");

struct table {
	const struct nlattr *attributes[TABLE_MAX];
};

static int keep(const struct nlattr *attribute, void *data)
{
	struct table *table = data;

	if (mnl_attr_get_type(attribute) < TABLE_MAX)
		table->attributes[mnl_attr_get_type(attribute)] = attribute;
	return MNL_CB_OK;
}

static struct table parse_nest(const struct table *outer, unsigned int type)
{
	struct table table = {{NULL}};

	if (outer->attributes[type])
		mnl_attr_parse_nested(outer->attributes[type], keep, &table);
	return table;
}

/* The payload when it is exactly `size` bytes. */
static const void *payload(const struct table *table, unsigned int type, size_t size)
{
	const struct nlattr *attribute = table->attributes[type];

	return attribute && mnl_attr_get_payload_len(attribute) == size
		       ? mnl_attr_get_payload(attribute)
		       : NULL;
}

static uint64_t get_u64(const struct table *table, unsigned int type)
{
	const void *bytes = payload(table, type, sizeof(uint64_t));
	uint64_t value = 0;

	if (bytes)
		__builtin_memcpy(&value, bytes, sizeof(value));
	return be64toh(value);
}

static uint32_t get_u32(const struct table *table, unsigned int type)
{
	const void *bytes = payload(table, type, sizeof(uint32_t));
	uint32_t value = 0;

	if (bytes)
		__builtin_memcpy(&value, bytes, sizeof(value));
	return ntohl(value);
}

static uint16_t get_u16(const struct table *table, unsigned int type)
{
	const void *bytes = payload(table, type, sizeof(uint16_t));
	uint16_t value = 0;

	if (bytes)
		__builtin_memcpy(&value, bytes, sizeof(value));
	return ntohs(value);
}

static uint8_t get_u8(const struct table *table, unsigned int type)
{
	const uint8_t *bytes = payload(table, type, sizeof(uint8_t));

	return bytes ? *bytes : 0;
}

static bool parse_tuple(const struct table *flow, unsigned int type, struct ip_endpoint *source,
			struct ip_endpoint *destination, struct table *ret_protocol)
{
	struct table tuple = parse_nest(flow, type);
	struct table ip = parse_nest(&tuple, CTA_TUPLE_IP);
	const void *v4_source = payload(&ip, CTA_IP_V4_SRC, 4);
	const void *v4_destination = payload(&ip, CTA_IP_V4_DST, 4);
	const void *v6_source = payload(&ip, CTA_IP_V6_SRC, 16);
	const void *v6_destination = payload(&ip, CTA_IP_V6_DST, 16);

	*ret_protocol = parse_nest(&tuple, CTA_TUPLE_PROTO);
	if (v4_source && v4_destination) {
		source->address = ip_from_bytes(4, v4_source);
		destination->address = ip_from_bytes(4, v4_destination);
	} else if (v6_source && v6_destination) {
		source->address = ip_from_bytes(6, v6_source);
		destination->address = ip_from_bytes(6, v6_destination);
	} else {
		return false;
	}
	source->port = get_u16(ret_protocol, CTA_PROTO_SRC_PORT);
	destination->port = get_u16(ret_protocol, CTA_PROTO_DST_PORT);
	return true;
}

static void parse_icmp(const struct table *protocol, struct conntrack_flow *flow)
{
	bool is_v6 = flow->source.address.family == 6;

	flow->icmp_id = get_u16(protocol, is_v6 ? CTA_PROTO_ICMPV6_ID : CTA_PROTO_ICMP_ID);
	flow->icmp_type = get_u8(protocol, is_v6 ? CTA_PROTO_ICMPV6_TYPE : CTA_PROTO_ICMP_TYPE);
	flow->icmp_code = get_u8(protocol, is_v6 ? CTA_PROTO_ICMPV6_CODE : CTA_PROTO_ICMP_CODE);
}

/* A TCP connection that closed in order stays in TIME_WAIT for a while, which is not part of its
 * life. */
static bool ended_in_time_wait(const struct table *flow)
{
	struct table protocol = parse_nest(flow, CTA_PROTOINFO);
	struct table tcp = parse_nest(&protocol, CTA_PROTOINFO_TCP);

	return get_u8(&tcp, CTA_PROTOINFO_TCP_STATE) == TCP_CONNTRACK_TIME_WAIT;
}

static uint64_t parse_duration(const struct table *flow, uint64_t now_ns)
{
	struct table timestamp = parse_nest(flow, CTA_TIMESTAMP);
	uint64_t start = get_u64(&timestamp, CTA_TIMESTAMP_START);
	uint64_t stop = get_u64(&timestamp, CTA_TIMESTAMP_STOP);

	if (stop == 0)
		stop = now_ns;
	else if (ended_in_time_wait(flow))
		stop -= CONNTRACK_TIME_WAIT_S * 1000000000ull;
	return start && stop > start ? (stop - start) / 1000000 : 0;
}

static uint64_t parse_bytes(const struct table *flow, unsigned int type)
{
	struct table counters = parse_nest(flow, type);

	return get_u64(&counters, CTA_COUNTERS_BYTES);
}

static bool is_ours(uint32_t mark)
{
	return mark_state(mark) >= MARK_HELLO && mark_state(mark) <= MARK_PROXIED;
}

bool conntrack_message_parse(const struct nlmsghdr *message, uint64_t now_ns,
			     struct conntrack_flow *ret_flow)
{
	struct table attributes = {{NULL}};
	struct table protocol, reply_protocol;
	struct conntrack_flow flow = {0};

	if (mnl_nlmsg_get_payload_len(message) < sizeof(struct nfgenmsg) ||
	    mnl_attr_parse(message, sizeof(struct nfgenmsg), keep, &attributes) < 0)
		return false;
	flow.mark = get_u32(&attributes, CTA_MARK);
	if (!is_ours(flow.mark) || get_u16(&attributes, CTA_ZONE) != 0)
		return false;
	if (!parse_tuple(&attributes, CTA_TUPLE_ORIG, &flow.source, &flow.destination, &protocol) ||
	    !parse_tuple(&attributes, CTA_TUPLE_REPLY, &flow.reply_source, &flow.reply_destination,
			 &reply_protocol))
		return false;
	flow.protocol = get_u8(&protocol, CTA_PROTO_NUM);
	parse_icmp(&protocol, &flow);
	flow.bytes_out = parse_bytes(&attributes, CTA_COUNTERS_ORIG);
	flow.bytes_in = parse_bytes(&attributes, CTA_COUNTERS_REPLY);
	flow.duration_ms = parse_duration(&attributes, now_ns);
	*ret_flow = flow;
	return true;
}

static void put_protocol(struct nlmsghdr *message, const struct conntrack_flow *flow)
{
	bool is_v6 = flow->source.address.family == 6;

	mnl_attr_put_u8(message, CTA_PROTO_NUM, flow->protocol);
	if (flow->protocol == IPPROTO_ICMP || flow->protocol == IPPROTO_ICMPV6) {
		mnl_attr_put_u16(message, is_v6 ? CTA_PROTO_ICMPV6_ID : CTA_PROTO_ICMP_ID,
				 htons(flow->icmp_id));
		mnl_attr_put_u8(message, is_v6 ? CTA_PROTO_ICMPV6_TYPE : CTA_PROTO_ICMP_TYPE,
				flow->icmp_type);
		mnl_attr_put_u8(message, is_v6 ? CTA_PROTO_ICMPV6_CODE : CTA_PROTO_ICMP_CODE,
				flow->icmp_code);
	} else {
		mnl_attr_put_u16(message, CTA_PROTO_SRC_PORT, htons(flow->source.port));
		mnl_attr_put_u16(message, CTA_PROTO_DST_PORT, htons(flow->destination.port));
	}
}

void conntrack_message_put_tuple(struct nlmsghdr *message, const struct conntrack_flow *flow)
{
	bool is_v6 = flow->source.address.family == 6;
	size_t size = ip_size(&flow->source.address);
	struct nlattr *tuple = mnl_attr_nest_start(message, CTA_TUPLE_ORIG);
	struct nlattr *part = mnl_attr_nest_start(message, CTA_TUPLE_IP);

	mnl_attr_put(message, is_v6 ? CTA_IP_V6_SRC : CTA_IP_V4_SRC, size,
		     flow->source.address.bytes);
	mnl_attr_put(message, is_v6 ? CTA_IP_V6_DST : CTA_IP_V4_DST, size,
		     flow->destination.address.bytes);
	mnl_attr_nest_end(message, part);
	part = mnl_attr_nest_start(message, CTA_TUPLE_PROTO);
	put_protocol(message, flow);
	mnl_attr_nest_end(message, part);
	mnl_attr_nest_end(message, tuple);
}
