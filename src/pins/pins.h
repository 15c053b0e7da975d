/*
 * Pins: which addresses were answered for which name, until when. Shared by all workers (one
 * read-write lock inside), fixed capacity from start-up, persisted. Times are in milliseconds of
 * clock_steady_ms().
 */
#pragma once

#include <stdio.h>

#include "base/ip.h"
#include "name/name.h"

struct pins;

/* `capacity`: pins (name, address) held at once. NULL: out of memory. */
struct pins *pins_new(size_t capacity);
void pins_free(struct pins *pins);

enum pin_news {
	PIN_NEW,       /* was not there, or had expired */
	PIN_REFRESHED, /* was there; the later expiry counts */
};

/*
 * Learns `address` for `name` until `expires_ms`. ret_previous_ms: the expiry before (0: none).
 * -ENOSPC: full, and nothing expired to put out (running pins are never evicted).
 */
int pins_learn(struct pins *pins, const struct name *name, const struct ip_address *address,
	       uint64_t now_ms, uint64_t expires_ms, enum pin_news *ret_news,
	       uint64_t *ret_previous_ms);

/* Was `address` answered for `name`, and is that still valid? */
bool pins_holds(const struct pins *pins, const struct name *name, const struct ip_address *address,
		uint64_t now_ms);

/* When the pin expires; 0: there is none. With `name` NULL: the latest of all the address has. */
uint64_t pins_expiry(const struct pins *pins, const struct name *name,
		     const struct ip_address *address, uint64_t now_ms);

/* Writes at most `capacity` of the valid names of an address, or addresses of a name; returns how
   many there are in all. */
size_t pins_names_of(const struct pins *pins, const struct ip_address *address, uint64_t now_ms,
		     struct name *names, size_t capacity);
size_t pins_addresses_of(const struct pins *pins, const struct name *name, uint64_t now_ms,
			 struct ip_address *addresses, size_t capacity);

struct pin {
	struct name name;
	struct ip_address address;
	uint64_t expires_ms;
};
/* Calls `visit` for every valid pin (a stable copy each; concurrent changes may or may not be
   seen). A non-zero result stops and is returned. */
int pins_visit(const struct pins *pins, uint64_t now_ms,
	       int (*visit)(void *context, const struct pin *pin), void *context);

void pins_forget(struct pins *pins, const struct name *name, const struct ip_address *address);

/*
 * Frees the room of expired pins, among the next PINS_TIDIED_AT_ONCE entries in a round, so that
 * everybody else waits for some tenths of a millisecond only. To be called every few seconds:
 * questions about an address walk past its expired pins, too.
 */
#define PINS_TIDIED_AT_ONCE 4096
void pins_tidy(struct pins *pins, uint64_t now_ms);

struct pins_figures {
	size_t capacity, held; /* held: valid or not yet tidied */
	uint64_t refused;      /* -ENOSPC answers */
	uint64_t changes;      /* times a pin came, went or got a later expiry */
};
struct pins_figures pins_figures(const struct pins *pins);

/*
 * Text file: when it was saved, then one pin a line: name, address, expiry as wall-clock
 * milliseconds. Saving writes a new file beside it, syncs and renames. Loading skips what has
 * expired; a malformed file gives -EBADMSG and changes nothing. `steady_ms` and `wall_ms` are the
 * same moment on both clocks. What is said to last longer than `longest_ms` from now lasts that
 * long.
 */
int pins_save(const struct pins *pins, const char *path, uint64_t steady_ms, uint64_t wall_ms);
int pins_load(struct pins *pins, const char *path, uint64_t steady_ms, uint64_t wall_ms,
	      uint64_t longest_ms);
