/*
 * A pointer in RDATA means a place in its own message, so RDATA that may hold one cannot be moved
 * as bytes. RFC 3597 section 4 lists the types that may: those of RFC 1035 (which we compress
 * again) and a few that old servers compressed (which we write in full). No other type may, so the
 * RDATA of all others, known or not, is moved untouched.
 */
#include "proto/dns/rdata_impl.h"
#include "proto/dns/svcb_impl.h"

struct layout {
	uint16_t type;
	uint8_t fixed;   /* bytes before the names */
	uint8_t strings; /* then character-strings (a length byte each) */
	uint8_t names;
	bool compressed; /* may be written so */
};

static const struct layout s_layouts[] = {
	{DNS_TYPE_NS, 0, 0, 1, true},
	{3, 0, 0, 1, true}, /* MD */
	{4, 0, 0, 1, true}, /* MF */
	{DNS_TYPE_CNAME, 0, 0, 1, true},
	{DNS_TYPE_SOA, 0, 0, 2, true},
	{7, 0, 0, 1, true},    /* MB */
	{8, 0, 0, 1, true},    /* MG */
	{9, 0, 0, 1, true},    /* MR */
	{12, 0, 0, 1, true},   /* PTR */
	{14, 0, 0, 2, true},   /* MINFO */
	{15, 2, 0, 1, true},   /* MX */
	{17, 0, 0, 2, false},  /* RP */
	{18, 2, 0, 1, false},  /* AFSDB */
	{21, 2, 0, 1, false},  /* RT */
	{24, 18, 0, 1, false}, /* SIG */
	{26, 2, 0, 2, false},  /* PX */
	{30, 0, 0, 1, false},  /* NXT */
	{33, 6, 0, 1, false},  /* SRV */
	{35, 4, 3, 1, false},  /* NAPTR */
	{36, 2, 0, 1, false},  /* KX */
	{39, 0, 0, 1, false},  /* DNAME */
};

static const struct layout *find_layout(uint16_t type)
{
	for (size_t i = 0; i < sizeof(s_layouts) / sizeof(s_layouts[0]); i++)
		if (s_layouts[i].type == type)
			return &s_layouts[i];
	return NULL;
}

static void copy_bytes(struct dns_writer *writer, struct cursor *from, size_t length)
{
	const uint8_t *bytes = cursor_bytes(from, length);

	if (bytes)
		dns_write_bytes(writer, bytes, length);
}

static void copy_string(struct dns_writer *writer, struct cursor *from)
{
	uint8_t length = cursor_u8(from);

	dns_write_u8(writer, length);
	copy_bytes(writer, from, length);
}

static bool copy_name(struct dns_writer *writer, struct cursor *from, const uint8_t *message,
		      bool compressed)
{
	struct dns_wire_name name;

	if (!dns_wire_name_read(from, message, &name))
		return false;
	if (compressed)
		dns_write_compressed_name(writer, &name);
	else
		dns_write_name(writer, &name);
	return true;
}

static bool copy_by_layout(struct dns_writer *writer, struct cursor rdata, const uint8_t *message,
			   const struct layout *layout)
{
	copy_bytes(writer, &rdata, layout->fixed);
	for (uint8_t i = 0; i < layout->strings; i++)
		copy_string(writer, &rdata);
	for (uint8_t i = 0; i < layout->names; i++)
		if (!copy_name(writer, &rdata, message, layout->compressed))
			return false;
	copy_bytes(writer, &rdata, cursor_left(&rdata));
	return !cursor_failed(&rdata);
}

static bool copy_svcb(struct dns_writer *writer, struct cursor rdata, const uint8_t *message)
{
	struct dns_svcb svcb;
	struct dns_svcb_parameter parameter;

	if (!dns_svcb_read(rdata, message, &svcb))
		return false;
	dns_write_u16(writer, svcb.priority);
	dns_write_name(writer, &svcb.target);
	while (dns_svcb_next(&svcb.parameters, &parameter)) {
		size_t length = cursor_left(&parameter.value);

		if (parameter.key == DNS_SVCB_ECH)
			continue;
		dns_write_u16(writer, parameter.key);
		dns_write_u16(writer, (uint16_t)length);
		copy_bytes(writer, &parameter.value, length);
	}
	return true;
}

bool dns_rdata_copy(struct dns_writer *writer, const struct dns_record_view *view,
		    const uint8_t *message)
{
	size_t begin = dns_begin_vector16(writer);
	const struct layout *layout = find_layout(view->type);
	struct cursor rdata = view->rdata;
	bool sound = true;

	if (view->type == DNS_TYPE_SVCB || view->type == DNS_TYPE_HTTPS)
		sound = copy_svcb(writer, rdata, message);
	else if (layout)
		sound = copy_by_layout(writer, rdata, message, layout);
	else
		copy_bytes(writer, &rdata, cursor_left(&rdata));
	dns_end_vector16(writer, begin);
	return sound;
}
