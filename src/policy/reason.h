/* The closed list of reasons, made from defs/reasons.def. */
#pragma once

enum reason {
#define REASON(id, text, sentence) REASON_##id,
#include "reasons.def"
#undef REASON
	REASON_COUNT,
};

const char *reason_text(enum reason reason);     /* "no_rule": logs, metrics */
const char *reason_sentence(enum reason reason); /* for people */
