/*
 * What `sallyport run` says when it cannot start: the built program in a network namespace of the
 * test's own. One line each, exit status 1, 2 for the configuration; and nothing is left in the
 * kernel but what denies.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "../kernel/namespace.h"
#include "base/clock.h"
#include "base/text.h"

#define PATIENCE_MS 10000

static char s_folder[64];
static bool s_may_run;

/* A configuration that works here, with one line exchanged: "KEY: …" at the start of a line. */
static void write_config(const char *key, const char *line)
{
	const char *lines[] = {
		"cluster: {region: eastus}",
		"network: {inside: {interfaces: [lo], sources: [10.42.0.0/16]}}",
		"dns: {listen: [127.0.0.1], upstreams: [127.0.0.9]}",
		"log: {file: log}",
		"state: {directory: state, socket: run/admin.sock}",
		"user: 64053",
	};
	FILE *file = fopen("sallyport.yaml", "w");

	assert_non_null(file);
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		fprintf(file, "%s\n",
			key && strncmp(lines[i], key, strlen(key)) == 0 ? line : lines[i]);
	fclose(file);
}

struct running {
	pid_t child;
	int words; /* its standard error */
};

static struct running start(const char *first, const char *second)
{
	const char *program = getenv("SALLYPORT_PROGRAM");
	struct running running;
	int ends[2];

	assert_int_equal(pipe(ends), 0);
	running.child = fork();
	assert_true(running.child >= 0);
	if (running.child == 0) {
		dup2(ends[1], STDERR_FILENO);
		close(ends[0]);
		execl(program ? program : "build/sallyport", "sallyport", "run", first, second,
		      (char *)NULL);
		_exit(127);
	}
	close(ends[1]);
	running.words = ends[0];
	return running;
}

/* Reads on until there is a line end behind `part`, or the program has ended. */
static void hear(const struct running *running, const char *part, char *heard, size_t size)
{
	size_t length = strlen(heard);
	ssize_t got;

	while ((!part || !strstr(heard, part)) && length < size - 1 &&
	       (got = read(running->words, heard + length, size - 1 - length)) > 0) {
		length += (size_t)got;
		heard[length] = '\0';
	}
}

static int wait_for(const struct running *running)
{
	uint64_t deadline = clock_steady_ms() + PATIENCE_MS;
	int status;

	close(running->words);
	while (waitpid(running->child, &status, WNOHANG) == 0) {
		if (clock_steady_ms() > deadline)
			kill(running->child, SIGKILL);
		usleep(5000);
	}
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static struct running start_well(void)
{
	struct running running = start("-csallyport.yaml", NULL);
	char heard[1024] = "";

	hear(&running, "ready", heard, sizeof(heard));
	if (!strstr(heard, "ready"))
		fail_msg("not ready: %s", heard);
	return running;
}

static void stop_well(const struct running *running)
{
	kill(running->child, SIGTERM);
	assert_int_equal(wait_for(running), 0);
}

static void assert_fails(const char *first, const char *second, int status, const char *expected)
{
	struct running running = start(first, second);
	char heard[1024] = "";

	hear(&running, "ready", heard, sizeof(heard));
	if (strstr(heard, "ready"))
		kill(running.child, SIGTERM);
	assert_int_equal(wait_for(&running), status);
	assert_string_equal(heard, expected);
}

#define RUN_IT "-csallyport.yaml", NULL

static void need_namespace(void)
{
	if (!s_may_run)
		skip_because("needs root for a network namespace of its own");
	write_config(NULL, NULL);
}

static void it_starts_and_stops_at_sigterm(void **state)
{
	struct running running;

	(void)state;
	need_namespace();
	running = start_well();
	stop_well(&running);
	assert_int_equal(access("run/admin.sock", F_OK), -1);
}

/* The signal waits until the start is through. */
static void sigterm_during_the_start_stops_it_cleanly(void **state)
{
	(void)state;
	need_namespace();
	for (useconds_t delay = 2000; delay < 60000; delay *= 2) {
		struct running running = start(RUN_IT);
		int status;

		usleep(delay);
		kill(running.child, SIGTERM);
		status = wait_for(&running);
		assert_true(status == 0 || status == -1); /* before it had taken the signals */
	}
}

static void a_second_gateway_does_not_start(void **state)
{
	struct running first;

	(void)state;
	need_namespace();
	first = start_well();
	assert_fails(RUN_IT, 1,
		     "sallyport: error: cannot open the admin socket run/admin.sock: another "
		     "sallyport runs and listens there\n");
	write_config("state", "state: {directory: state2, socket: run/other.sock}");
	assert_fails(RUN_IT, 1,
		     "sallyport: error: cannot listen at dns.listen 127.0.0.1:53: another program "
		     "listens there already (UDP)\n");
	stop_well(&first);
}

static void two_explicit_proxies_do_not_share_a_port(void **state)
{
	struct running first;
	char heard[1024] = "";

	(void)state;
	need_namespace();
	first = start("--explicit=127.0.0.1:3128", "--region=eastus");
	hear(&first, "ready", heard, sizeof(heard));
	assert_non_null(strstr(heard, "ready"));
	assert_fails("--explicit=127.0.0.1:3128", "--region=eastus", 1,
		     "sallyport: error: cannot listen at explicit.listen 127.0.0.1:3128: another "
		     "program listens there already (TCP)\n");
	stop_well(&first);
}

static void a_port_of_another_program_is_named(void **state)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(53)};
	int descriptor;

	(void)state;
	need_namespace();
	inet_pton(AF_INET, "127.0.0.1", &address.sin_addr);
	descriptor = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(descriptor, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_fails(RUN_IT, 1,
		     "sallyport: error: cannot listen at dns.listen 127.0.0.1:53: another program "
		     "listens there already (UDP)\n");
	close(descriptor);
}

static void an_address_that_is_not_here_is_named(void **state)
{
	(void)state;
	need_namespace();
	write_config("dns", "dns: {listen: [192.0.2.1], upstreams: [127.0.0.9]}");
	assert_fails(RUN_IT, 1,
		     "sallyport: error: cannot listen at dns.listen 192.0.2.1:53: Cannot assign "
		     "requested address (is the address on an interface?)\n");
}

static void a_place_that_cannot_be_written_is_named(void **state)
{
	(void)state;
	need_namespace();
	write_config("log", "log: {file: none/log}");
	assert_fails(RUN_IT, 1,
		     "sallyport: error: cannot open the log none/log: No such file or directory\n");
	write_config("state", "state: {directory: none/state, socket: run/admin.sock}");
	assert_fails(RUN_IT, 1,
		     "sallyport: error: cannot make the state folder none/state: No such file or "
		     "directory\n");
	write_config("state", "state: {directory: sallyport.yaml, socket: run/admin.sock}");
	assert_fails(RUN_IT, 1,
		     "sallyport: error: cannot make the state folder sallyport.yaml: Not a "
		     "directory\n");
	write_config("state", "state: {directory: state, socket: none/run/admin.sock}");
	assert_fails(RUN_IT, 1,
		     "sallyport: error: cannot make the folder none/run of the admin socket: No "
		     "such file or directory\n");
	write_config("state", "state: {directory: state, socket: sallyport.yaml}");
	assert_fails(RUN_IT, 1,
		     "sallyport: error: cannot open the admin socket sallyport.yaml: Socket "
		     "operation on non-socket\n");
	assert_int_equal(access("sallyport.yaml", F_OK), 0);
}

static void a_wrong_configuration_is_told_with_status_2(void **state)
{
	(void)state;
	need_namespace();
	write_config("dns", "dns: {upstreams: [127.0.0.9]}");
	assert_fails(RUN_IT, 2,
		     "sallyport: error: sallyport.yaml: dns.listen is empty: name the addresses at "
		     "which nodes ask sallyport for DNS\n");
	unlink("sallyport.yaml");
	assert_fails(RUN_IT, 2,
		     "sallyport: error: sallyport.yaml: cannot be read: No such file or "
		     "directory\n");
}

static int enter(void **state)
{
	(void)state;
	strcpy(s_folder, "/tmp/sallyport-run-XXXXXX");
	s_may_run = enter_own_namespace();
	/* The gateway reaches its files in there as the user whom it becomes. */
	return mkdtemp(s_folder) && chmod(s_folder, 0755) == 0 && chdir(s_folder) == 0 ? 0 : -1;
}

static int leave(void **state)
{
	char command[128];

	(void)state;
	snprintf(command, sizeof(command), "rm -r %s", s_folder);
	return system(command);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_starts_and_stops_at_sigterm),
		cmocka_unit_test(sigterm_during_the_start_stops_it_cleanly),
		cmocka_unit_test(a_second_gateway_does_not_start),
		cmocka_unit_test(two_explicit_proxies_do_not_share_a_port),
		cmocka_unit_test(a_port_of_another_program_is_named),
		cmocka_unit_test(an_address_that_is_not_here_is_named),
		cmocka_unit_test(a_place_that_cannot_be_written_is_named),
		cmocka_unit_test(a_wrong_configuration_is_told_with_status_2),
	};

	return cmocka_run_group_tests(tests, enter, leave);
}
