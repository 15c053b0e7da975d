/*
 * What the running gateway gives up once everything is open: root, capabilities, new privileges,
 * writing and executing files, system calls that it has no use for. There is no way back.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Who the process becomes. */
struct sandbox_identity {
	bool switches; /* false: it stays who it is (started without root, or told to) */
	uid_t user;
	gid_t group;
};

#define SANDBOX_CAPABILITY(number) (UINT64_C(1) << (number))

struct sandbox_settings {
	struct sandbox_identity identity;
	uint64_t capabilities; /* kept: SANDBOX_CAPABILITY() of linux/capability.h's numbers */
	bool ambient;          /* kept by programs that are executed, too */
	const char *const *writable; /* folders and files, NULL-terminated; all else is read only */
	const char *const *executable; /* folders, NULL-terminated; NULL: nothing is executed */
	bool restricts_system_calls;
};

/* `name`: of a user, or a number. -ENOENT: there is no such user. */
int sandbox_find_identity(const char *name, struct sandbox_identity *ret_identity);

/*
 * For the calling thread and those that it starts later; call it before there are others. Negative
 * errno: *ret_step says at what ("become user 990"), and the process must not go on. What the
 * kernel does not have at all is no failure: *ret_lacks then says what (else NULL).
 */
int sandbox_enter(const struct sandbox_settings *settings, const char **ret_step,
		  const char **ret_lacks);
