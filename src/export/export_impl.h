/*
 * What the targets share: the rules in judging order, and where to say what cannot be expressed.
 *
 * A target is one function that fills files from a plan. While it writes, it records
 *   - notes: what anyone who uses this product's file must know ("no check of the server's
 *     address");
 *   - losses: what is stricter than the rule, or left out: with --strict they refuse the export;
 *   - refusals: what would let out more than the rules: they always refuse.
 * The engine then puts notes and losses at the top of each file, as comments.
 */
#pragma once

#include <stdarg.h>

#include "export/export.h"

struct export_rule {
	const struct rule_collection *collection;
	const struct rule *rule;
};

struct export_job {
	const struct export_request *request;
	const struct export_target *target;
	struct export_rule *rules; /* judging order: network rules first */
	size_t rule_count, network_count;
	struct export_result *result;
	struct text *out;      /* the file that is being written */
	struct text discarded; /* what is written when there was no memory for a file */
	struct export_remark *remarks;
	size_t remark_count;
	bool refused, failed;
	struct problems *problems;
};

struct export_writer {
	const char *file;    /* name of its first file */
	const char *comment; /* what starts a comment line; NULL: it writes the header itself, by
				export_header_json() or export_header_lines() */
	bool knows_tags;     /* Azure's service tags by name */
	bool lists;          /* it writes the rules down for readers, and enforces nothing */
	bool reads_no_hello; /* names are the addresses that DNS gave for them */
	bool several;        /* how many files there are depends on the rules */
	void (*write)(struct export_job *job);
};

/* Starts another file (the name is copied); `job->out` is then its text. Pointers to the texts of
   files before it are no longer good. */
void export_begin_file(struct export_job *job, const char *name);

__attribute__((format(printf, 2, 3))) void export_note(struct export_job *job, const char *format,
						       ...);
/* `rule` NULL: it concerns no single rule. What is said of several rules stands once, with their
   names. */
__attribute__((format(printf, 3, 4))) void
export_loss(struct export_job *job, const struct export_rule *rule, const char *format, ...);
__attribute__((format(printf, 3, 4))) void
export_refuse(struct export_job *job, const struct export_rule *rule, const char *format, ...);

/*
 * A rule that the target cannot hold at all. An allow rule is left out (a loss). A deny rule that
 * does not matter (export_denial_matters) is left out with a note; any other is refused.
 */
__attribute__((format(printf, 3, 4))) void
export_leave_out(struct export_job *job, const struct export_rule *rule, const char *format, ...);

/* Is there an allow rule behind the deny rule that could let out some of what it denies? Without
   one it only repeats the default. */
bool export_denial_matters(const struct export_job *job, const struct export_rule *rule);

/* The header as a JSON array of strings: what is this, made from what, notes, losses. `start`
   stands before each: the line's end and what the next one is indented by. */
void export_header_json(struct export_job *job, struct text *out, const char *start);
/* As lines with `start` before and `end` behind each. */
void export_header_lines(struct export_job *job, struct text *out, const char *start,
			 const char *end);

/* "collection/rule". */
void export_label(const struct export_rule *rule, struct text *out);

/* The ports of an application rule for one protocol; returns how many it has of it. */
size_t export_ports_of(const struct rule *rule, enum application_protocol protocol, uint16_t *ports,
		       size_t capacity);
