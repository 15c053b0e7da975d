/* The switches of application rules that are about hellos: quic, no_sni, ech. */
#pragma once

#include "export/export_impl.h"

/* Says what the target does not carry over, and takes the rules out of the plan that would let out
   more without it. */
void export_settle_switches(struct export_job *job);
