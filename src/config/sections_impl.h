/* One reader a section of the file. All complain into `problems` and return whether it was good. */
#pragma once

#include "config/config.h"
#include "yaml/read.h"

/* `file` is the configuration's own name: paths are relative to its folder. */
bool config_read_cluster(const struct yaml_item *item, const char *file, struct config *config,
			 struct problems *problems);
bool config_read_collections(const struct yaml_item *list, const char *file, struct config *config,
			     struct problems *problems);
bool config_read_network(const struct yaml_item *item, struct config *config,
			 struct problems *problems);
bool config_read_dns(const struct yaml_item *item, struct config *config,
		     struct problems *problems);
bool config_read_explicit(const struct yaml_item *item, struct config *config,
			  struct problems *problems);
bool config_read_capacity(const struct yaml_item *item, struct config *config,
			  struct problems *problems);
bool config_read_workers(const struct yaml_item *item, struct config *config,
			 struct problems *problems);

/* The nameservers of a resolv.conf file, in order; what is no plain address is passed over. */
size_t config_read_resolv_conf(const char *path, struct ip_endpoint *upstreams, size_t capacity);
