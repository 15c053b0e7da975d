/*
 * One request at a time over a pair of sockets: the ruleset goes as the descriptor of a memory
 * file, so that nothing has to be cut into pieces; the answer is the result and nft's words. The
 * process ends when the gateway's end of the pair is closed, which the gateway's own end does too,
 * however that comes.
 */
#include "kernel/nft_helper.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "base/cleanup.h"
#include "kernel/nft.h"
#include "kernel/nft_impl.h"

/* system calls: sendmsg recvfrom wait4 close */

struct nft_helper {
	int socket;
	pid_t child;
};

struct answer {
	int result;
	char words[NFT_WORDS_MAX];
};

/* --------------------------------------------------------------- the helper process */

static int receive_ruleset(int socket)
{
	char control[CMSG_SPACE(sizeof(int))], byte;
	struct iovec part = {&byte, 1};
	struct msghdr message = {.msg_iov = &part,
				 .msg_iovlen = 1,
				 .msg_control = control,
				 .msg_controllen = sizeof(control)};
	ssize_t got;
	int file;

	do
		got = recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
	while (got < 0 && errno == EINTR);
	const struct cmsghdr *header = CMSG_FIRSTHDR(&message);
	if (got != 1 || !header || header->cmsg_type != SCM_RIGHTS)
		return -1;
	memcpy(&file, CMSG_DATA(header), sizeof(file));
	return file;
}

static void answer_request(int socket, int file)
{
	cleanup(text_free) struct text words = TEXT_EMPTY;
	struct answer answer = {.result = nft_run(file, &words)};

	snprintf(answer.words, sizeof(answer.words), "%s", text_string(&words));
	(void)!send(socket, &answer, sizeof(answer), MSG_NOSIGNAL);
}

/* Signals of the terminal and of the service manager are for the gateway, which then closes its
   end. */
static void take_default_signals(void)
{
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGINT, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	signal(SIGUSR1, SIG_IGN);
	signal(SIGCHLD, SIG_DFL);
}

static _Noreturn void serve(int socket, int (*enter)(void *context), void *context)
{
	int file;

	take_default_signals();
	prctl(PR_SET_NAME, "sallyport-nft");
	if (enter && enter(context) < 0)
		_exit(1);
	while ((file = receive_ruleset(socket)) >= 0) {
		answer_request(socket, file);
		close(file);
	}
	_exit(0);
}

/* ---------------------------------------------------------------------- the gateway */

struct nft_helper *nft_helper_start(int (*enter)(void *context), void *context)
{
	cleanup(free_memory) struct nft_helper *helper = calloc(1, sizeof(*helper));
	int ends[2];

	if (!helper || socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
		return NULL;
	helper->child = fork();
	if (helper->child == 0) {
		close(ends[0]);
		serve(ends[1], enter, context);
	}
	close(ends[1]);
	if (helper->child < 0) {
		close(ends[0]);
		return NULL;
	}
	helper->socket = ends[0];
	return take_pointer(helper);
}

void nft_helper_stop(struct nft_helper *helper)
{
	if (!helper)
		return;
	close(helper->socket);
	while (waitpid(helper->child, NULL, 0) < 0 && errno == EINTR)
		;
	free(helper);
}

static int send_ruleset(int socket, int file)
{
	char control[CMSG_SPACE(sizeof(int))] = {0}, byte = 0;
	struct iovec part = {&byte, 1};
	struct msghdr message = {.msg_iov = &part,
				 .msg_iovlen = 1,
				 .msg_control = control,
				 .msg_controllen = sizeof(control)};
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);

	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(sizeof(file));
	memcpy(CMSG_DATA(header), &file, sizeof(file));
	return sendmsg(socket, &message, MSG_NOSIGNAL) == 1 ? 0 : -errno;
}

int nft_helper_apply(struct nft_helper *helper, const char *ruleset, struct text *ret_error)
{
	cleanup(close_descriptor) int file = nft_make_input(ruleset);
	struct answer answer;
	ssize_t got;
	int error = file < 0 ? file : send_ruleset(helper->socket, file);

	if (error < 0)
		return error;
	do
		got = recv(helper->socket, &answer, sizeof(answer), 0);
	while (got < 0 && errno == EINTR);
	if (got != (ssize_t)sizeof(answer))
		return got < 0 ? -errno : -EPIPE;
	answer.words[sizeof(answer.words) - 1] = '\0';
	text_add(ret_error, answer.words);
	return answer.result;
}
