#include "export/targets_impl.h"

#define EXPORT_TARGET(identifier, word, title) {word, title, &export_##identifier},
const struct export_target export_targets[] = {
#include "export_targets.def"
	{NULL, NULL, NULL},
};
#undef EXPORT_TARGET

#define EXPORT_TARGET(identifier, word, title) word,
static const char *const s_names[] = {
#include "export_targets.def"
	NULL,
};
#undef EXPORT_TARGET

const char *const *export_target_names(void)
{
	return s_names;
}
