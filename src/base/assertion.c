#include "base/assertion.h"

#include <stdio.h>
#include <stdlib.h>

_Noreturn void invariant_failed(const char *condition, const char *file, int line)
{
	fprintf(stderr, "sallyport: broken invariant: %s (%s:%d)\n", condition, file, line);
	abort();
}
