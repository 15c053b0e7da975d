/*
 * The privilege drop of `sallyport run`: when everything is open, the process becomes the
 * configured user, keeps the capabilities that the work takes, and enters the sandbox. What nft
 * needs (to be executed) goes to a helper process that was forked before and never sees a packet.
 *
 * Capabilities that are kept, and for what:
 *   NET_ADMIN         nftables sets, connection marks, the packet queue, IP_TRANSPARENT
 *   NET_BIND_SERVICE  dns.intercept answers from the address that was asked, port 53
 */
#include "gateway/gateway_impl.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "sandbox/sandbox.h"

/* system calls: access faccessat faccessat2 */

#define WRITABLE_MAX 6

static int find_identity(const struct gateway *gateway, struct sandbox_identity *ret_identity)
{
	const char *user = gateway->config->user;

	*ret_identity = (struct sandbox_identity){0};
	if (geteuid() != 0 || strcmp(user, "root") == 0)
		return 0;
	if (sandbox_find_identity(user, ret_identity) == 0)
		return 0;
	/* An explicit proxy tried out by root, with nothing installed, needs no right at all. */
	if (!gateway->applied.in_kernel && strcmp(user, CONFIG_DEFAULT_USER) == 0 &&
	    sandbox_find_identity("nobody", ret_identity) == 0)
		return 0;
	log_error("there is no user '%s' to run as: create it (systemd-sysusers, or useradd "
		  "--system %s), or name another one in `user`",
		  user, user);
	return -ENOENT;
}

static int enter(const struct sandbox_settings *settings, bool tells)
{
	struct sandbox_outcome outcome;
	int error = sandbox_enter(settings, &outcome);

	if (error < 0)
		log_error("cannot %s%s%s as user %u: %s", outcome.step, outcome.path ? " for " : "",
			  outcome.path ? outcome.path : "", geteuid(), strerror(-error));
	else if (outcome.lacks && tells)
		log_warning("this kernel has no %s: files are protected by their owners alone",
			    outcome.lacks);
	return error;
}

/* ------------------------------------------------------------------------ the helper */

static int enter_helper(void *context)
{
	static const char *const executable[] = {"/usr", "/sbin", "/bin", "/lib", "/lib64", NULL};
	static const char *const writable[] = {"/dev/null", NULL};
	const struct gateway *gateway = context;
	struct sandbox_settings settings = {
		.identity = gateway->identity,
		.capabilities = SANDBOX_CAPABILITY(CAP_NET_ADMIN),
		.ambient = true,
		.writable = writable,
		.executable = executable,
	};

	return gateway->config->sandbox ? enter(&settings, false) : 0;
}

int gateway_start_helper(struct gateway *gateway)
{
	if (find_identity(gateway, &gateway->identity) < 0)
		return -ENOENT;
	if (!gateway->applied.in_kernel)
		return 0;
	gateway->helper = nft_helper_start(enter_helper, gateway);
	if (!gateway->helper)
		log_error("cannot start the helper that runs nft: %s", strerror(errno));
	return gateway->helper ? 0 : -1;
}

/* ----------------------------------------------------------------------- the gateway */

/* What earlier runs wrote as root would be out of reach. */
static int hand_over(const char *path, const struct sandbox_identity *identity)
{
	if (!identity->switches || chown(path, identity->user, identity->group) == 0 ||
	    errno == ENOENT)
		return 0;
	log_error("cannot hand %s over to user %u: %s", path, identity->user, strerror(errno));
	return -1;
}

static char *folder_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash == path ? strdup("/")
	       : slash       ? strndup(path, (size_t)(slash - path))
			     : strdup(".");
}

static int hand_over_all(const struct gateway *gateway)
{
	const struct config *config = gateway->config;
	const struct sandbox_identity *identity = &gateway->identity;
	char path[PATH_MAX];
	int result = 0;

	if (strcmp(config->log_file, "-") != 0)
		result |= hand_over(config->log_file, identity);
	if (!gateway->applied.in_kernel)
		return result;
	result |= hand_over(config->state_directory, identity);
	for (const char *const *file = (const char *const[]){"pins", "admissions", NULL}; *file;
	     file++) {
		snprintf(path, sizeof(path), "%s/%s", config->state_directory, *file);
		result |= hand_over(path, identity);
	}
	/* The socket stays root's; its group may ask. */
	if (identity->switches && chown(config->admin_socket, 0, identity->group) < 0)
		log_warning("cannot give %s to group %u: %s", config->admin_socket, identity->group,
			    strerror(errno));
	return result;
}

/* A reload reads the file as the user whom we become. */
static void check_readable(const struct gateway *gateway)
{
	const char *path = gateway->options->config_path;

	if (path && access(path, R_OK) < 0)
		log_warning("%s cannot be read by user %u: a reload will fail (chgrp it to the "
			    "user's group and chmod 640)",
			    path, geteuid());
}

int gateway_confine(struct gateway *gateway)
{
	const struct config *config = gateway->config;
	cleanup(free_memory) char *log_folder = folder_of(config->log_file);
	cleanup(free_memory) char *socket_folder = folder_of(config->admin_socket);
	const char *writable[WRITABLE_MAX + 1] = {"/dev/null"};
	struct sandbox_settings settings = {
		.identity = gateway->identity,
		.capabilities = gateway->applied.in_kernel
					? SANDBOX_CAPABILITY(CAP_NET_ADMIN) |
						  SANDBOX_CAPABILITY(CAP_NET_BIND_SERVICE)
					: 0,
		.writable = writable,
		.restricts_system_calls = true,
	};
	size_t count = 1;

	if (!config->sandbox) {
		log_warning("sandbox: false: the process keeps all that it was started with");
		return 0;
	}
	if (!log_folder || !socket_folder || hand_over_all(gateway) < 0)
		return -1;
	if (strcmp(config->log_file, "-") != 0)
		writable[count++] = log_folder;
	if (gateway->applied.in_kernel) {
		writable[count++] = config->state_directory;
		writable[count++] = socket_folder;
		writable[count++] = "/proc/sys/net";
	}
	if (enter(&settings, true) < 0)
		return -1;
	check_readable(gateway);
	return 0;
}
