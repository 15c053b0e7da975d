/*
 * The nft program as a child. The ruleset is handed over in a memory file: no pipe to fill, so the
 * parent only has to read what the child says on standard error until it closes it. The child gets
 * a fixed environment and none of our descriptors but these.
 */
#include "kernel/nft.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "base/cleanup.h"
#include "kernel/nft_impl.h"

/* system calls: memfd_create write lseek close */
int nft_make_input(const char *ruleset)
{
	size_t length = strlen(ruleset);
	size_t done = 0;
	cleanup(close_descriptor) int file = memfd_create("sallyport-ruleset", MFD_CLOEXEC);

	if (file < 0)
		return -errno;
	while (done < length) {
		ssize_t written = write(file, ruleset + done, length - done);

		if (written < 0 && errno != EINTR)
			return -errno;
		if (written > 0)
			done += (size_t)written;
	}
	if (lseek(file, 0, SEEK_SET) < 0)
		return -errno;
	return take_descriptor(file);
}

static int spawn_with(posix_spawn_file_actions_t *actions, pid_t *ret_child)
{
	static char program[] = "nft", option[] = "-f", dash[] = "-";
	static char path[] = "PATH=/usr/sbin:/sbin:/usr/bin:/bin", locale[] = "LC_ALL=C";
	static const char *const places[] = {"/usr/sbin/nft", "/sbin/nft", "/usr/local/sbin/nft",
					     "/usr/bin/nft"};
	char *const arguments[] = {program, option, dash, NULL};
	char *const environment[] = {path, locale, NULL};
	int r = ENOENT;

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]) && r == ENOENT; i++)
		r = posix_spawn(ret_child, places[i], actions, NULL, arguments, environment);
	return -r;
}

static int spawn(int input, int output, pid_t *ret_child)
{
	posix_spawn_file_actions_t actions;
	int r = posix_spawn_file_actions_init(&actions);

	if (r)
		return -r;
	r = posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO);
	if (r == 0)
		r = posix_spawn_file_actions_adddup2(&actions, output, STDERR_FILENO);
	if (r == 0)
		r = posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
	r = r ? -r : spawn_with(&actions, ret_child);
	posix_spawn_file_actions_destroy(&actions);
	return r;
}

static void read_words(int pipe, struct text *words)
{
	char buffer[1024];
	ssize_t got;

	while ((got = read(pipe, buffer, sizeof(buffer))) != 0) {
		if (got < 0 && errno != EINTR)
			return;
		if (got > 0 && words->length < NFT_WORDS_MAX)
			text_add_bytes(words, buffer, (size_t)got);
	}
}

static int wait_for(pid_t child, int *ret_status)
{
	while (waitpid(child, ret_status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	return 0;
}

int nft_run(int input, struct text *ret_error)
{
	int ends[2];
	int status = -1, r;
	pid_t child = -1;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return -errno;
	cleanup(close_descriptor) int read_end = ends[0];
	r = spawn(input, ends[1], &child);
	close(ends[1]);
	if (r)
		return r;
	cleanup(text_free) struct text words = TEXT_EMPTY;
	read_words(read_end, &words);
	r = wait_for(child, &status);
	if (r == 0 && !(WIFEXITED(status) && WEXITSTATUS(status) == 0)) {
		r = -EREMOTEIO;
		text_add(ret_error, words.length ? text_string(&words) : "nft ended abnormally\n");
	}
	return r;
}

int nft_apply(const char *ruleset, struct text *ret_error)
{
	cleanup(close_descriptor) int input = nft_make_input(ruleset);

	return input < 0 ? input : nft_run(input, ret_error);
}
