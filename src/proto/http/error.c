#include <assert.h>

#include "base/assertion.h"
#include "proto/http/head.h"

static const char *const s_texts[] = {
	[HTTP_OK] = "is sound",
	[HTTP_TOO_LONG] = "has more than 32768 bytes or 100 fields in its head",
	[HTTP_BAD_START_LINE] = "has a malformed first line",
	[HTTP_BAD_VERSION] = "is not HTTP/1.0 or HTTP/1.1",
	[HTTP_BAD_TARGET] = "has a malformed target",
	[HTTP_BAD_FIELD] = "has a malformed field",
	[HTTP_NO_HOST] = "has no Host",
	[HTTP_DUPLICATE_HOST] = "has more than one Host",
	[HTTP_BAD_HOST] = "has a malformed Host",
	[HTTP_AUTHORITY_MISMATCH] = "names one host in its target and another in Host",
	[HTTP_BAD_LENGTH] = "has an ambiguous Content-Length, or one where no body may be",
	[HTTP_BAD_CODING] =
		"has a Transfer-Encoding other than chunked, or one where no body may be",
	[HTTP_BAD_CHUNK] = "has a malformed chunked body",
	[HTTP_BAD_STATUS] = "has a malformed status",
};

static_assert(sizeof(s_texts) / sizeof(s_texts[0]) == HTTP_BAD_STATUS + 1, "a text for each");

const char *http_error_text(enum http_error error)
{
	invariant(error <= HTTP_BAD_STATUS);
	return s_texts[error];
}
