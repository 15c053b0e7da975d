/*
 * The order matters: no_new_privs first, because Landlock and seccomp want it; then the identity,
 * while system calls for it are still allowed; files; and system calls last.
 */
#include "sandbox/sandbox.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/sanitizers.h"
#include "sandbox/steps_impl.h"

bool sandbox_is_built_in(void)
{
#if SANITIZER_ADDRESS || SANITIZER_THREAD
	return false;
#else
	return true;
#endif
}

static int find_number(const char *name, struct sandbox_identity *ret_identity)
{
	char *end;
	unsigned long number = strtoul(name, &end, 10);
	const struct passwd *entry;

	if (*name < '0' || *name > '9' || *end || number > UINT32_MAX - 1)
		return -ENOENT;
	entry = getpwuid((uid_t)number);
	*ret_identity = (struct sandbox_identity){
		.switches = true,
		.user = (uid_t)number,
		.group = entry ? entry->pw_gid : (gid_t)number,
	};
	return 0;
}

int sandbox_find_identity(const char *name, struct sandbox_identity *ret_identity)
{
	const struct passwd *entry = getpwnam(name);

	if (!entry)
		return find_number(name, ret_identity);
	*ret_identity = (struct sandbox_identity){
		.switches = true, .user = entry->pw_uid, .group = entry->pw_gid};
	return 0;
}

int sandbox_enter(const struct sandbox_settings *settings, struct sandbox_outcome *ret_outcome)
{
	int error;

	*ret_outcome = (struct sandbox_outcome){.step = "forbid new privileges"};
	if (!sandbox_is_built_in())
		return 0;
	error = sandbox_forbid_new_privileges();
	if (error < 0)
		return error;
	ret_outcome->step = "give up root and capabilities";
	error = sandbox_become(settings);
	if (error < 0)
		return error;
	ret_outcome->step = "restrict files (Landlock)";
	error = sandbox_restrict_files(settings, &ret_outcome->path);
	if (error == -EOPNOTSUPP)
		ret_outcome->lacks = "Landlock";
	else if (error < 0)
		return error;
	ret_outcome->step = "restrict system calls (seccomp)";
	return settings->restricts_system_calls ? sandbox_restrict_system_calls() : 0;
}
