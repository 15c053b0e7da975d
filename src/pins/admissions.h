/*
 * Admissions: what admitted a flow, as a small number that fits a conntrack mark. A number stands
 * for a name and how the hello gave it (inspected flows), or a rule's label (network rules), and
 * keeps its meaning for the life of the state folder, also over reloads and restarts, so that a
 * running flow can be judged again. Shared by all workers. Numbers are 1 … capacity (at most
 * ADMISSION_MAX).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ADMISSION_MAX 0x00ffffffu

enum admission_kind {
	ADMISSION_NAME,     /* key: canonical name */
	ADMISSION_RULE,     /* key: "collection/rule" */
	ADMISSION_NAMELESS, /* key: a name of the destination, which the hello left out */
	ADMISSION_OUTER,    /* key: the outer name of an encrypted hello */
};

/* Is the key a name? */
static inline bool admission_has_name(enum admission_kind kind)
{
	return kind != ADMISSION_RULE;
}

struct admission {
	enum admission_kind kind;
	char key[512];
};

struct admissions;

struct admissions *admissions_new(uint32_t capacity);
void admissions_free(struct admissions *admissions);

/* The number of (kind, key), given now if it had none. -ENOSPC: full (see admissions_sweep).
 * -ENAMETOOLONG. */
int admissions_number(struct admissions *admissions, enum admission_kind kind, const char *key,
		      uint32_t *ret_number);
/* False: the number means nothing. */
bool admissions_find(const struct admissions *admissions, uint32_t number,
		     struct admission *ret_admission);

/* Frees the numbers for which `in_use` says no and that were not given since `begin` was called. */
uint64_t admissions_sweep_begin(struct admissions *admissions);
void admissions_sweep_end(struct admissions *admissions, uint64_t begin,
			  bool (*in_use)(void *context, uint32_t number), void *context);

uint32_t admissions_held(const struct admissions *admissions);
uint32_t admissions_capacity(const struct admissions *admissions);

/*
 * Keeps the registry in a file: writes it as a whole, and from then on adds each number that is
 * given before anyone can use it (without a sync: it must outlive the process, not the host, whose
 * flows end with it). Again after a sweep, to leave out what was freed. Negative errno: the old
 * file stays in use.
 */
int admissions_keep(struct admissions *admissions, const char *path);
/* Numbers that are not in the file (disk full): after a crash they mean nothing, and their flows
   are cut. Nothing more is added, and no number is given a second time, until admissions_keep() has
   written the file anew. */
uint64_t admissions_unkept(const struct admissions *admissions);

/* At the start, before anyone else knows the registry. Later lines of the file win; a last line
   that was cut is left out. -EBADMSG changes nothing. */
int admissions_load(struct admissions *admissions, const char *path);
