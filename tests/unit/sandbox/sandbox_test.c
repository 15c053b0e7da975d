/* The sandbox bites: each attempt runs in a child that has entered it. */
#include "sandbox/sandbox.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define NOBODY 65534

static char s_folder[] = "/tmp/sallyport-sandbox-XXXXXX";

/* What became of the child: 0 it could, an errno it could not, -N signal N ended it. */
static int try_inside(int (*attempt)(void), bool restricts_system_calls)
{
	const char *const writable[] = {s_folder, NULL};
	struct sandbox_settings settings = {
		.identity = {.switches = geteuid() == 0, .user = NOBODY, .group = NOBODY},
		.writable = writable,
		.restricts_system_calls = restricts_system_calls,
	};
	pid_t child = fork();
	int status;

	assert_true(child >= 0);
	if (child == 0) {
		struct sandbox_outcome outcome;

		_exit(sandbox_enter(&settings, &outcome) < 0 ? 200 : attempt());
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

static int attempt_file(const char *path, int flags)
{
	return open(path, flags, 0600) < 0 ? errno : 0;
}

static int write_inside(void)
{
	char path[64];

	snprintf(path, sizeof(path), "%s/file", s_folder);
	return attempt_file(path, O_WRONLY | O_CREAT);
}

static int write_outside(void)
{
	return attempt_file("/tmp/sallyport-sandbox-outside", O_WRONLY | O_CREAT);
}

static int read_somewhere(void)
{
	return attempt_file("/etc/passwd", O_RDONLY);
}

static int read_what_is_roots(void)
{
	return attempt_file("/etc/shadow", O_RDONLY);
}

static int execute(void)
{
	execl("/bin/true", "true", NULL);
	return errno;
}

static int become_root(void)
{
	return setuid(0) < 0 ? errno : 0;
}

static int load_executable_memory(void)
{
	return mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		    0) == MAP_FAILED
		       ? errno
		       : 0;
}

static int open_packet_socket(void)
{
	return socket(AF_PACKET, SOCK_RAW, 0) < 0 ? errno : 0;
}

static int trace_the_parent(void)
{
	return ptrace(PTRACE_ATTACH, getppid(), NULL, NULL) < 0 ? errno : 0;
}

static int make_process(void)
{
	return fork() < 0 ? errno : 0;
}

static void *do_nothing(void *context)
{
	return context;
}

static int make_thread(void)
{
	pthread_t thread;

	return pthread_create(&thread, NULL, do_nothing, NULL) || pthread_join(thread, NULL) ? 1
											     : 0;
}

static int open_internet_socket(void)
{
	return socket(AF_INET6, SOCK_DGRAM, 0) < 0 ? errno : 0;
}

static int gain_capability(void)
{
	return prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_SYS_ADMIN, 0, 0) < 0 ? errno : 0;
}

static int listen_somewhere(void)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
				      .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int descriptor = socket(AF_INET, SOCK_STREAM, 0);

	return bind(descriptor, (struct sockaddr *)&address, sizeof(address)) < 0 ? errno : 0;
}

static void files_are_written_only_where_it_was_said(void **state)
{
	(void)state;
	assert_int_equal(try_inside(write_inside, false), 0);
	assert_int_equal(try_inside(write_outside, false), EACCES);
	assert_int_equal(try_inside(read_somewhere, false), 0);
	assert_int_equal(try_inside(read_what_is_roots, false), EACCES);
}

static void nothing_is_executed(void **state)
{
	(void)state;
	assert_int_equal(try_inside(execute, false), EACCES);
	assert_int_equal(try_inside(execute, true), -SIGSYS);
}

static void no_tcp_port_is_bound_any_more(void **state)
{
	(void)state;
	assert_int_equal(try_inside(listen_somewhere, false), EACCES);
}

static void root_and_capabilities_do_not_come_back(void **state)
{
	(void)state;
	assert_int_equal(try_inside(become_root, false), EPERM);
	assert_int_equal(try_inside(gain_capability, false), EPERM);
	assert_int_equal(try_inside(become_root, true), -SIGSYS);
}

static void a_system_call_that_is_not_listed_ends_the_process(void **state)
{
	(void)state;
	assert_int_equal(try_inside(trace_the_parent, true), -SIGSYS);
	assert_int_equal(try_inside(open_packet_socket, true), -SIGSYS);
	assert_int_equal(try_inside(make_process, true), -SIGSYS);
	assert_int_equal(try_inside(load_executable_memory, true), -SIGSYS);
}

static void what_the_gateway_does_is_listed(void **state)
{
	(void)state;
	assert_int_equal(try_inside(make_thread, true), 0);
	assert_int_equal(try_inside(open_internet_socket, true), 0);
	assert_int_equal(try_inside(write_inside, true), 0);
}

static void users_are_found_by_name_and_number(void **state)
{
	struct sandbox_identity identity = {0};

	(void)state;
	assert_int_equal(sandbox_find_identity("nobody", &identity), 0);
	assert_int_equal(identity.user, NOBODY);
	assert_int_equal(sandbox_find_identity("64053", &identity), 0);
	assert_int_equal(identity.user, 64053);
	assert_true(identity.switches);
	assert_int_equal(sandbox_find_identity("no-such-user", &identity), -ENOENT);
	assert_int_equal(sandbox_find_identity("-1", &identity), -ENOENT);
	assert_int_equal(sandbox_find_identity("4294967295", &identity), -ENOENT);
}

static int make_folder(void **state)
{
	(void)state;
	return mkdtemp(s_folder) && chown(s_folder, geteuid() == 0 ? NOBODY : geteuid(), -1) == 0
		       ? 0
		       : -1;
}

static int remove_folder(void **state)
{
	char path[64];

	(void)state;
	snprintf(path, sizeof(path), "%s/file", s_folder);
	unlink(path);
	return rmdir(s_folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(files_are_written_only_where_it_was_said),
		cmocka_unit_test(nothing_is_executed),
		cmocka_unit_test(no_tcp_port_is_bound_any_more),
		cmocka_unit_test(root_and_capabilities_do_not_come_back),
		cmocka_unit_test(a_system_call_that_is_not_listed_ends_the_process),
		cmocka_unit_test(what_the_gateway_does_is_listed),
		cmocka_unit_test(users_are_found_by_name_and_number),
	};

	if (!sandbox_is_built_in() || getenv("SALLYPORT_SLOW")) {
		printf("1..0 # SKIP sanitizers and valgrind make calls that the sandbox forbids\n");
		return 0;
	}
	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
