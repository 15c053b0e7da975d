#include "pins/state_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/assertion.h"
#include "base/cleanup.h"

static int write_all(int descriptor, const char *content, size_t length)
{
	while (length > 0) {
		ssize_t written = write(descriptor, content, length);

		if (written < 0 && errno == EINTR)
			continue;
		if (written < 0)
			return -errno;
		content += written;
		length -= (size_t)written;
	}
	return 0;
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

int state_file_write(const char *path, const char *content, size_t length)
{
	char beside[PATH_MAX];
	int error = 0;

	if (snprintf(beside, sizeof(beside), "%s.new", path) >= (int)sizeof(beside))
		return -ENAMETOOLONG;
	{
		cleanup(close_descriptor) int descriptor =
			open(beside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);

		if (descriptor < 0)
			return -errno;
		error = write_all(descriptor, content, length);
		if (error == 0 && fsync(descriptor) < 0)
			error = -errno;
	}
	if (error == 0 && rename(beside, path) < 0)
		error = -errno;
	if (error < 0) {
		unlink(beside);
		return error;
	}
	return sync_folder_of(path);
}

static int read_whole(int descriptor, char **ret_content, size_t *ret_length)
{
	struct stat status;
	cleanup(free_memory) char *content = NULL;
	size_t length = 0;

	if (fstat(descriptor, &status) < 0)
		return -errno;
	if (!S_ISREG(status.st_mode))
		return -EBADMSG;
	if (status.st_size > (off_t)STATE_FILE_MAX)
		return -EFBIG;
	content = malloc((size_t)status.st_size + 1);
	if (!content)
		return -ENOMEM;
	while (length < (size_t)status.st_size) {
		ssize_t got = read(descriptor, content + length, (size_t)status.st_size - length);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		if (got == 0)
			break;
		length += (size_t)got;
	}
	content[length] = '\0';
	*ret_length = length;
	*ret_content = take_pointer(content);
	return 0;
}

int state_file_read(const char *path, const char *first_line, char **ret_content, char **ret_body)
{
	cleanup(close_descriptor) int descriptor = open(path, O_RDONLY | O_CLOEXEC);
	cleanup(free_memory) char *content = NULL;
	size_t wanted = strlen(first_line), length = 0;
	int error;

	if (descriptor < 0)
		return -errno;
	error = read_whole(descriptor, &content, &length);
	if (error < 0)
		return error;
	invariant(content);
	if (memchr(content, '\0', length) || length <= wanted ||
	    memcmp(content, first_line, wanted) != 0 || content[wanted] != '\n')
		return -EBADMSG;
	*ret_body = content + wanted + 1;
	*ret_content = take_pointer(content);
	return 0;
}

char *state_file_line(char **body, int *ret_torn)
{
	char *line = *body, *end = strchr(line, '\n');

	if (!end) {
		*ret_torn = *line != '\0';
		return NULL;
	}
	*end = '\0';
	*body = end + 1;
	return line;
}
