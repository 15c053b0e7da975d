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

/*
 * False in a build with sanitizers: they look into the process from processes of their own, which
 * the sandbox is there to prevent. sandbox_enter() then does nothing; such a build is for tests.
 */
bool sandbox_is_built_in(void);

/* `name`: of a user, or a number. -ENOENT: there is no such user. */
int sandbox_find_identity(const char *name, struct sandbox_identity *ret_identity);

/* What did not go as wanted; constant texts, and `path` one of the settings'. */
struct sandbox_outcome {
	const char *step;  /* the last one: "give up root and capabilities" */
	const char *path;  /* at which place; NULL: none */
	const char *lacks; /* what this kernel does not have at all, which is no failure; NULL:
			      nothing */
};

/*
 * For the calling thread and those that it starts later; call it before there are others. Negative
 * errno: the outcome says at what, and the process must not go on.
 */
int sandbox_enter(const struct sandbox_settings *settings, struct sandbox_outcome *ret_outcome);
