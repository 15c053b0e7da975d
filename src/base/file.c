#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"

/* system calls: openat open newfstatat fstat read write close fsync rename unlink */

static int open_regular(const char *path, int *ret_descriptor, size_t *ret_size)
{
	struct stat status;
	cleanup(close_descriptor) int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	if (descriptor < 0 || fstat(descriptor, &status) < 0)
		return -errno;
	if (S_ISDIR(status.st_mode))
		return -EISDIR;
	if (!S_ISREG(status.st_mode))
		return -EINVAL;
	*ret_size = (size_t)status.st_size;
	*ret_descriptor = take_descriptor(descriptor);
	return 0;
}

/* Fills up to `room` bytes; fewer only at the end of the file. */
static ssize_t read_fully(int descriptor, char *data, size_t room)
{
	size_t length = 0;

	while (length < room) {
		ssize_t got = read(descriptor, data + length, room - length);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		if (got == 0)
			break;
		length += (size_t)got;
	}
	return (ssize_t)length;
}

int file_read(const char *path, size_t limit, char **ret_data, size_t *ret_length)
{
	cleanup(close_descriptor) int descriptor = -1;
	cleanup(free_memory) char *data = NULL;
	size_t size = 0;
	int error = open_regular(path, &descriptor, &size);

	if (error < 0)
		return error;
	if (size > limit)
		return -EFBIG;
	data = malloc(size + 1);
	if (!data)
		return -ENOMEM;
	ssize_t length = read_fully(descriptor, data, size);
	if (length < 0)
		return (int)length;
	data[length] = '\0';
	*ret_data = take_pointer(data);
	*ret_length = (size_t)length;
	return 0;
}

static int write_all(int descriptor, const char *data, size_t length)
{
	while (length > 0) {
		ssize_t written = write(descriptor, data, length);

		if (written < 0 && errno == EINTR)
			continue;
		if (written < 0)
			return -errno;
		data += written;
		length -= (size_t)written;
	}
	return fsync(descriptor) < 0 ? -errno : 0;
}

/* The rename is durable only when the folder is synced too. */
static int sync_folder_of(const char *path)
{
	char folder[PATH_MAX];
	char *slash;
	cleanup(close_descriptor) int descriptor = -1;

	snprintf(folder, sizeof(folder), "%s", path);
	slash = strrchr(folder, '/');
	if (slash)
		slash[slash == folder ? 1 : 0] = '\0';
	descriptor = open(slash ? folder : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return descriptor < 0 || fsync(descriptor) < 0 ? -errno : 0;
}

static int write_beside(const char *beside, const void *data, size_t length, unsigned int mode)
{
	cleanup(close_descriptor) int descriptor =
		open(beside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, mode);

	return descriptor < 0 ? -errno : write_all(descriptor, data, length);
}

int file_write(const char *path, const void *data, size_t length, unsigned int mode)
{
	char beside[PATH_MAX];
	struct stat status;
	int error;

	if (stat(path, &status) == 0 && !S_ISREG(status.st_mode))
		return S_ISDIR(status.st_mode) ? -EISDIR : -EINVAL;
	if (snprintf(beside, sizeof(beside), "%s.new", path) >= (int)sizeof(beside))
		return -ENAMETOOLONG;
	error = write_beside(beside, data, length, mode);
	if (error == 0 && rename(beside, path) < 0)
		error = -errno;
	if (error < 0) {
		unlink(beside);
		return error;
	}
	return sync_folder_of(path);
}
