/* Colours: on a terminal only, and there only when they are wanted. Runs the built program. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <pty.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define ESCAPE '\033'

static const char *program(void)
{
	const char *path = getenv("SALLYPORT_PROGRAM");

	return path ? path : "build/sallyport";
}

static void become_program(const char *no_color, const char *terminal)
{
	setenv("TERM", terminal, 1);
	if (no_color)
		setenv("NO_COLOR", no_color, 1);
	else
		unsetenv("NO_COLOR");
	execl(program(), "sallyport", "rules", "--region=eastus", (char *)NULL);
	_exit(127);
}

static size_t read_all(int descriptor, char *heard, size_t size)
{
	size_t length = 0;
	ssize_t got;

	while (length < size - 1 && (got = read(descriptor, heard + length, size - 1 - length)) > 0)
		length += (size_t)got;
	heard[length] = '\0';
	close(descriptor);
	return length;
}

static void assert_ends_well(pid_t child)
{
	int status;

	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static bool is_coloured_on_terminal(const char *no_color, const char *terminal)
{
	char heard[32768];
	int descriptor;
	pid_t child = forkpty(&descriptor, NULL, NULL, NULL);

	assert_true(child >= 0);
	if (child == 0)
		become_program(no_color, terminal);
	assert_true(read_all(descriptor, heard, sizeof(heard)) > 0);
	assert_ends_well(child);
	assert_non_null(strstr(heard, "mcr.microsoft.com"));
	return strchr(heard, ESCAPE) != NULL;
}

static void a_terminal_gets_colours(void **state)
{
	(void)state;
	assert_true(is_coloured_on_terminal(NULL, "xterm"));
	assert_true(is_coloured_on_terminal("", "xterm")); /* empty: not set (no-color.org) */
}

static void no_color_is_honoured(void **state)
{
	(void)state;
	assert_false(is_coloured_on_terminal("1", "xterm"));
}

static void a_dumb_terminal_gets_none(void **state)
{
	(void)state;
	assert_false(is_coloured_on_terminal(NULL, "dumb"));
}

static void a_pipe_gets_none(void **state)
{
	char heard[32768];
	int ends[2];
	pid_t child;

	(void)state;
	assert_int_equal(pipe(ends), 0);
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		dup2(ends[1], STDOUT_FILENO);
		become_program(NULL, "xterm");
	}
	close(ends[1]);
	assert_true(read_all(ends[0], heard, sizeof(heard)) > 0);
	assert_ends_well(child);
	assert_null(strchr(heard, ESCAPE));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_terminal_gets_colours),
		cmocka_unit_test(no_color_is_honoured),
		cmocka_unit_test(a_dumb_terminal_gets_none),
		cmocka_unit_test(a_pipe_gets_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
