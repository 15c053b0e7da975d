/*
 * seccomp: a system call that is not on the list ends the process (the ruleset in the kernel then
 * denies what is new, as after any other end).
 *
 * The list is not kept here. Code that makes a system call while the gateway runs says so in a
 * comment beside it,
 *
 *     system calls: NAME NAME …
 *
 * and tools/system-calls collects them at build time. Below are those of the C library's own
 * making and of the threads.
 *
 * Arguments are looked at where a call could be turned against the host: no socket but for the
 * internet and netlink, no memory that is both written and executed, no process.
 */
#include <errno.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "sandbox/steps_impl.h"

/*
 * malloc, stdio, pthread, the clock, qsort, abort and the end of the process;
 * system calls: brk munmap mremap madvise futex set_robust_list rseq sched_yield
 * system calls: clock_gettime clock_nanosleep gettimeofday getrandom getpid gettid tgkill
 * system calls: rt_sigprocmask rt_sigaction rt_sigreturn sigaltstack exit exit_group
 * system calls: restart_syscall membarrier sched_getaffinity sysinfo uname prlimit64
 */

static const char *const s_names[] = {
#include "system_calls.list"
	NULL,
};

DEFINE_CLEANUP(release_filter, scmp_filter_ctx, seccomp_release);

/* A name that this architecture does not have needs no rule. */
static int allow_names(scmp_filter_ctx filter)
{
	for (const char *const *name = s_names; *name; name++) {
		int number = seccomp_syscall_resolve_name(*name);
		int error;

		if (number == __NR_SCMP_ERROR)
			return -EINVAL;
		if (number < 0)
			continue;
		error = seccomp_rule_add(filter, SCMP_ACT_ALLOW, number, 0);
		if (error < 0)
			return error;
	}
	return 0;
}

static int allow_sockets(scmp_filter_ctx filter)
{
	static const int families[] = {AF_INET, AF_INET6, AF_NETLINK};
	int error = 0;

	for (size_t i = 0; i < sizeof(families) / sizeof(*families) && error == 0; i++)
		error = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(socket), 1,
					 SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)families[i], 0));
	return error;
}

/* Threads, but no processes. clone3 hides its flags in memory: the C library then takes clone. */
static int allow_threads(scmp_filter_ctx filter)
{
	int error = seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);

	if (error == 0)
		error = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(clone), 1,
					 SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD, CLONE_THREAD));
	return error;
}

static int allow_memory(scmp_filter_ctx filter)
{
	int error = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1,
				     SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));

	if (error == 0)
		error = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1,
					 SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
	return error;
}

int sandbox_restrict_system_calls(void)
{
	cleanup(release_filter) scmp_filter_ctx filter = seccomp_init(SCMP_ACT_KILL_PROCESS);
	int error;

	if (!filter)
		return -ENOMEM;
	error = allow_names(filter);
	if (error == 0)
		error = allow_sockets(filter);
	if (error == 0)
		error = allow_threads(filter);
	if (error == 0)
		error = allow_memory(filter);
	return error == 0 ? seccomp_load(filter) : error;
}
