/* Readers of single values and lists that several sections share. */
#pragma once

#include "config/config.h"
#include "yaml/read.h"

bool config_read_address(const struct yaml_item *item, struct ip_address *ret_address,
			 struct problems *problems);
/* Host bits are an error that proposes the masked prefix. */
bool config_read_prefix(const struct yaml_item *item, struct ip_prefix *ret_prefix,
			struct problems *problems);
/* A fresh array each (also when some item was bad: then false); the caller frees. */
bool config_read_addresses(const struct yaml_item *list, struct ip_address **ret_addresses,
			   size_t *ret_count, struct problems *problems);
bool config_read_prefixes(const struct yaml_item *list, struct ip_prefix **ret_prefixes,
			  size_t *ret_count, struct problems *problems);
/* Into a fixed array; more than `capacity` is an error. */
bool config_read_endpoints(const struct yaml_item *list, uint16_t default_port,
			   struct ip_endpoint *endpoints, size_t capacity, size_t *ret_count,
			   struct problems *problems);
/* 1 to 64 letters, digits, '.', '-', '_'. */
bool config_read_label(const struct yaml_item *item, char **ret_label, struct problems *problems);
/* A decimal number without leading zeros, which YAML 1.1 reads as octal; false: it is none or too
   large. */
bool config_parse_port(const char *text, size_t length, uint16_t *ret_port);
