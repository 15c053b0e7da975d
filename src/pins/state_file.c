#include "pins/state_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/assertion.h"
#include "base/cleanup.h"
#include "base/file.h"

int state_file_write(const char *path, const char *content, size_t length)
{
	return file_write(path, content, length, 0640);
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
