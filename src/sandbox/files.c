/*
 * Landlock (Documentation/userspace-api/landlock.rst of the kernel): files may be read as far as
 * the user may, written only below the given places, executed only below others; and no TCP port
 * may be bound any more where the kernel can forbid it (ABI 4), since all listeners are open.
 *
 * The ABI's constants stand here because the headers of Debian 12 know its second version only.
 */
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "sandbox/steps_impl.h"

#define CREATE_RULESET_VERSION 1u
#define RULE_PATH_BENEATH      1

#define ACCESS_EXECUTE    (UINT64_C(1) << 0)
#define ACCESS_WRITE_FILE (UINT64_C(1) << 1)
#define ACCESS_READ_FILE  (UINT64_C(1) << 2)
#define ACCESS_READ_DIR   (UINT64_C(1) << 3)
/* REMOVE_DIR, REMOVE_FILE, MAKE_CHAR, _DIR, _REG, _SOCK, _FIFO, _BLOCK, _SYM */
#define ACCESS_CHANGE_DIR (UINT64_C(0x1ff) << 4)
#define ACCESS_REFER      (UINT64_C(1) << 13) /* ABI 2 */
#define ACCESS_TRUNCATE   (UINT64_C(1) << 14) /* ABI 3 */
#define ACCESS_BIND_TCP   (UINT64_C(1) << 0)  /* ABI 4, of the network */
#define SCOPE_ALL         (UINT64_C(3))       /* ABI 6: abstract sockets, signals */

struct ruleset_attributes {
	uint64_t files;
	uint64_t network; /* since ABI 4 */
	uint64_t scoped;  /* since ABI 6 */
};

struct path_attributes {
	uint64_t allowed;
	int32_t parent;
} __attribute__((packed));

static uint64_t known_file_rights(int abi)
{
	uint64_t rights = ACCESS_EXECUTE | ACCESS_WRITE_FILE | ACCESS_READ_FILE | ACCESS_READ_DIR |
			  ACCESS_CHANGE_DIR;

	if (abi >= 2)
		rights |= ACCESS_REFER;
	if (abi >= 3)
		rights |= ACCESS_TRUNCATE;
	return rights;
}

static int create_ruleset(int abi)
{
	struct ruleset_attributes attributes = {
		.files = known_file_rights(abi),
		.network = abi >= 4 ? ACCESS_BIND_TCP : 0,
		.scoped = abi >= 6 ? SCOPE_ALL : 0,
	};
	size_t size = abi >= 6   ? sizeof(attributes)
		      : abi >= 4 ? offsetof(struct ruleset_attributes, scoped)
				 : offsetof(struct ruleset_attributes, network);
	long descriptor = syscall(SYS_landlock_create_ruleset, &attributes, size, 0);

	return descriptor < 0 ? -errno : (int)descriptor;
}

/* A place that is not there grants nothing. */
static int allow(int ruleset, const char *path, uint64_t rights)
{
	cleanup(close_descriptor) int descriptor = open(path, O_PATH | O_CLOEXEC);
	struct path_attributes attributes = {.allowed = rights, .parent = descriptor};
	struct stat status;

	if (descriptor < 0)
		return errno == ENOENT ? 0 : -errno;
	if (fstat(descriptor, &status) < 0)
		return -errno;
	if (!S_ISDIR(status.st_mode))
		attributes.allowed &=
			ACCESS_EXECUTE | ACCESS_WRITE_FILE | ACCESS_READ_FILE | ACCESS_TRUNCATE;
	return syscall(SYS_landlock_add_rule, ruleset, RULE_PATH_BENEATH, &attributes, 0) < 0
		       ? -errno
		       : 0;
}

static int allow_all(int ruleset, const char *const *paths, uint64_t rights, const char **ret_path)
{
	for (; paths && *paths; paths++) {
		int error = allow(ruleset, *paths, rights);

		if (error == 0)
			continue;
		*ret_path = *paths;
		return error;
	}
	return 0;
}

int sandbox_restrict_files(const struct sandbox_settings *settings, const char **ret_path)
{
	long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, CREATE_RULESET_VERSION);
	cleanup(close_descriptor) int ruleset = -1;
	uint64_t reading = ACCESS_READ_FILE | ACCESS_READ_DIR;
	int error;

	if (abi < 0)
		return errno == ENOSYS || errno == EOPNOTSUPP ? -EOPNOTSUPP : -errno;
	ruleset = create_ruleset((int)abi);
	if (ruleset < 0)
		return ruleset;
	error = allow(ruleset, "/", reading);
	if (error == 0)
		error = allow_all(ruleset, settings->writable,
				  known_file_rights((int)abi) & ~ACCESS_EXECUTE, ret_path);
	if (error == 0)
		error = allow_all(ruleset, settings->executable, reading | ACCESS_EXECUTE,
				  ret_path);
	if (error == 0 && syscall(SYS_landlock_restrict_self, ruleset, 0) < 0)
		error = -errno;
	return error;
}
