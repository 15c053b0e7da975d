#include "proto/dns/svcb_impl.h"

bool dns_svcb_next(struct cursor *parameters, struct dns_svcb_parameter *ret_parameter)
{
	if (cursor_left(parameters) == 0)
		return false;
	ret_parameter->key = cursor_u16(parameters);
	ret_parameter->value = cursor_take_vector16(parameters);
	return !cursor_failed(parameters);
}

/* A list of keys, strictly ascending (RFC 9460 section 8). */
static bool mandatory_is_sound(struct cursor keys, bool *ret_lists_ech)
{
	int last = DNS_SVCB_MANDATORY;

	if (cursor_left(&keys) == 0)
		return false;
	while (cursor_left(&keys) > 0) {
		uint16_t key = cursor_u16(&keys);

		if (cursor_failed(&keys) || key <= last)
			return false;
		if (key == DNS_SVCB_ECH)
			*ret_lists_ech = true;
		last = key;
	}
	return true;
}

static bool parameter_is_sound(const struct dns_svcb_parameter *parameter, struct dns_svcb *svcb)
{
	size_t length = cursor_left(&parameter->value);

	switch (parameter->key) {
	case DNS_SVCB_MANDATORY:
		return mandatory_is_sound(parameter->value, &svcb->needs_ech);
	case DNS_SVCB_IPV4_HINT:
		return length > 0 && length % 4 == 0;
	case DNS_SVCB_IPV6_HINT:
		return length > 0 && length % 16 == 0;
	case DNS_SVCB_ECH:
		svcb->has_ech = true;
		return true;
	default:
		return true;
	}
}

static bool parameters_are_sound(struct dns_svcb *svcb)
{
	struct cursor parameters = svcb->parameters;
	struct dns_svcb_parameter parameter;
	int last = -1;

	while (dns_svcb_next(&parameters, &parameter)) {
		if (parameter.key <= last || !parameter_is_sound(&parameter, svcb))
			return false;
		last = parameter.key;
	}
	return !cursor_failed(&parameters);
}

bool dns_svcb_read(struct cursor rdata, const uint8_t *message, struct dns_svcb *ret_svcb)
{
	ret_svcb->priority = cursor_u16(&rdata);

	const uint8_t *start = rdata.at;

	if (!dns_wire_name_read(&rdata, message, &ret_svcb->target) ||
	    rdata.at - start != ret_svcb->target.length)
		return false;
	ret_svcb->parameters = rdata;
	ret_svcb->has_ech = false;
	ret_svcb->needs_ech = false;
	return parameters_are_sound(ret_svcb);
}
