/*
 * How an operator reaches a running gateway: signals, and requests on the admin socket. Both come
 * to the main thread's loop. A reload says the same on either way, and in the log.
 */
#include "gateway/gateway_impl.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"

/* system calls: read */

static int reload(struct gateway *gateway, struct text *error)
{
	int result = gateway_reload(gateway, error);

	if (result < 0)
		log_error("the reload failed, the old policy stays in force: %s",
			  text_string(error));
	return result;
}

static void reopen_log(struct gateway *gateway)
{
	int error = events_reopen(gateway->events);

	if (error < 0)
		log_error("cannot open %s anew, the old file stays in use: %s",
			  gateway->config->log_file, strerror(-error));
}

static void signal_came(struct loop_watch *watch, uint32_t events)
{
	struct gateway *gateway = loop_owner(watch, struct gateway, signals);
	struct signalfd_siginfo info;

	(void)events;
	while (read(watch->descriptor, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
		cleanup(text_free) struct text error = TEXT_EMPTY;

		if (info.ssi_signo == SIGHUP)
			(void)reload(gateway, &error);
		else if (info.ssi_signo == SIGUSR1)
			reopen_log(gateway);
		else
			loop_stop(gateway->loop);
	}
}

int control_open_signals(struct gateway *gateway)
{
	sigset_t set;
	int descriptor;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGUSR1);
	/* Before any thread starts: all inherit the mask. */
	if (pthread_sigmask(SIG_BLOCK, &set, NULL) != 0)
		return -1;
	signal(SIGPIPE, SIG_IGN);
	descriptor = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (descriptor < 0)
		return -1;
	return loop_watch_add(gateway->loop, &gateway->signals, descriptor, EPOLLIN, signal_came);
}

static void add_result(struct text *reply, int result, const struct text *error)
{
	text_addf(reply, "{\"ok\":%s", result == 0 ? "true" : "false");
	if (result < 0) {
		text_add(reply, ",\"error\":");
		text_add_json_string(reply, text_string(error), error->length);
	}
	text_add(reply, "}");
}

static void admin_request(void *context, const char *request, struct text *reply)
{
	struct gateway *gateway = context;
	cleanup(text_free) struct text error = TEXT_EMPTY;

	if (strcmp(request, "status") == 0) {
		gateway_status(gateway, reply);
	} else if (strcmp(request, "reload") == 0) {
		add_result(reply, reload(gateway, &error), &error);
	} else {
		text_add(&error, "unknown request; there are: status, reload");
		add_result(reply, -EINVAL, &error);
	}
}

/* A folder that we made is the user's whom we become: the socket goes away with us. */
static int hand_over(const struct gateway *gateway, const char *folder)
{
	const struct sandbox_identity *identity = &gateway->identity;

	if (!identity->switches || chown(folder, identity->user, identity->group) == 0)
		return 0;
	log_error("cannot give the folder %s to user %u: %s", folder, identity->user,
		  strerror(errno));
	return -1;
}

/* The folder of the admin socket, usually below /run, which is empty after a boot. */
static int make_socket_folder(const struct gateway *gateway, const char *path)
{
	char folder[PATH_MAX];
	char *slash;

	snprintf(folder, sizeof(folder), "%s", path);
	slash = strrchr(folder, '/');
	if (!slash || slash == folder)
		return 0;
	*slash = '\0';
	if (mkdir(folder, 0755) == 0)
		return hand_over(gateway, folder);
	if (errno == EEXIST)
		return 0;
	log_error("cannot make the folder %s of the admin socket: %s", folder, strerror(errno));
	return -1;
}

int control_open_admin(struct gateway *gateway)
{
	const char *path = gateway->config->admin_socket;

	if (make_socket_folder(gateway, path) < 0)
		return -1;
	gateway->admin = admin_open(gateway->loop, path, admin_request, gateway);
	if (gateway->admin)
		return 0;
	log_error("cannot open the admin socket %s: %s", path,
		  errno == EADDRINUSE ? "another sallyport runs and listens there"
				      : strerror(errno));
	return -1;
}
