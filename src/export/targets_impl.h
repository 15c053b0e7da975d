/* All targets: defs/export_targets.def lists them, the file of its name defines each writer. */
#pragma once

#include "export/export_impl.h"

#define EXPORT_TARGET(identifier, word, title)                                                     \
	extern const struct export_writer export_##identifier;
#include "export_targets.def"
#undef EXPORT_TARGET

struct export_target {
	const char *name, *title;
	const struct export_writer *writer;
};

extern const struct export_target export_targets[]; /* ends with a name of NULL */
