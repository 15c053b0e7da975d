/*
 * User, groups, capabilities. The capabilities that are kept survive the change of user by
 * PR_SET_KEEPCAPS; then all sets are reduced to them, the bounding set too, so that nothing that is
 * executed can have more (capabilities(7)).
 */
#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sandbox/steps_impl.h"

int sandbox_forbid_new_privileges(void)
{
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ? -errno : 0;
}

static int switch_identity(const struct sandbox_identity *identity)
{
	if (!identity->switches)
		return 0;
	if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) < 0 || setgroups(0, NULL) < 0 ||
	    setresgid(identity->group, identity->group, identity->group) < 0 ||
	    setresuid(identity->user, identity->user, identity->user) < 0)
		return -errno;
	return 0;
}

/* Dropping from the bounding set wants CAP_SETPCAP: without it there is nothing to drop for,
   because no_new_privs keeps executed programs from gaining anything. */
static int limit_bounding_set(uint64_t kept)
{
	for (int i = 0; i <= CAP_LAST_CAP; i++) {
		if (kept & SANDBOX_CAPABILITY(i))
			continue;
		if (prctl(PR_CAPBSET_DROP, i, 0, 0, 0) < 0 && errno != EINVAL && errno != EPERM)
			return -errno;
	}
	return 0;
}

static int get_capabilities(struct __user_cap_data_struct data[2])
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};

	return syscall(SYS_capget, &header, data) < 0 ? -errno : 0;
}

/* Of those that are there: a process without root has none to keep. */
static int reduce_capabilities(uint64_t kept, bool inheritable)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2] = {0};
	int error = get_capabilities(data);

	if (error < 0)
		return error;
	for (int i = 0; i < 2; i++) {
		uint32_t part = (uint32_t)(kept >> (32 * i)) & data[i].permitted;

		data[i].permitted = data[i].effective = part;
		data[i].inheritable = inheritable ? part : 0;
	}
	return syscall(SYS_capset, &header, data) < 0 ? -errno : 0;
}

static int set_ambient(uint64_t kept)
{
	for (int i = 0; i <= CAP_LAST_CAP; i++)
		if ((kept & SANDBOX_CAPABILITY(i)) &&
		    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, i, 0, 0) < 0)
			return -errno;
	return 0;
}

int sandbox_become(const struct sandbox_settings *settings)
{
	int error = limit_bounding_set(settings->capabilities);

	if (error == 0)
		error = switch_identity(&settings->identity);
	if (error == 0 && prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0)
		error = -errno;
	if (error == 0)
		error = reduce_capabilities(settings->capabilities, settings->ambient);
	if (error == 0 && settings->ambient)
		error = set_ambient(settings->capabilities);
	return error;
}
