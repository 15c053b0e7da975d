/*
 * Assertions state invariants: a failed one is a bug in sallyport, never bad input. They stay on in
 * every build; an egress firewall that no longer understands its own state must stop (the kernel's
 * default drop stands).
 */
#pragma once

#define invariant(condition)                                                                       \
	do {                                                                                       \
		if (__builtin_expect(!(condition), 0))                                             \
			invariant_failed(#condition, __FILE__, __LINE__);                          \
	} while (0)

_Noreturn void invariant_failed(const char *condition, const char *file, int line);
