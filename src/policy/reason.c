#include "policy/reason.h"

#include "base/assertion.h"

static const char *const s_texts[] = {
#define REASON(id, text, sentence) [REASON_##id] = (text),
#include "reasons.def"
#undef REASON
};

static const char *const s_sentences[] = {
#define REASON(id, text, sentence) [REASON_##id] = (sentence),
#include "reasons.def"
#undef REASON
};

_Static_assert(sizeof(s_texts) / sizeof(s_texts[0]) == REASON_COUNT, "a text for each reason");
_Static_assert(sizeof(s_sentences) / sizeof(s_sentences[0]) == REASON_COUNT,
	       "a sentence for each reason");

const char *reason_text(enum reason reason)
{
	invariant((unsigned int)reason < REASON_COUNT);
	return s_texts[reason];
}

const char *reason_sentence(enum reason reason)
{
	invariant((unsigned int)reason < REASON_COUNT);
	return s_sentences[reason];
}
