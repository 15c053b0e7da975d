/* Envoy's configuration and the packet filter that belongs to it. */
#pragma once

#include "export/proxy_impl.h"

/* The second file. `ports`: those that Envoy dials for its clients, "443, 80". */
void envoy_add_guard(struct export_job *job, const char *ports);
