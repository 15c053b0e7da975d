/* The steps of sandbox_enter(), in its order. Each: 0, or a negative errno. */
#pragma once

#include "sandbox/sandbox.h"

int sandbox_forbid_new_privileges(void);
int sandbox_become(const struct sandbox_settings *settings);
/* -EOPNOTSUPP: this kernel has no Landlock. Another failure: at *ret_path. */
int sandbox_restrict_files(const struct sandbox_settings *settings, const char **ret_path);
int sandbox_restrict_system_calls(void);
