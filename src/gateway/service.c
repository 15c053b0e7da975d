/*
 * sd_notify(3): datagrams of "NAME=VALUE" lines to the Unix socket that the environment names; a
 * name that begins with '@' is an abstract one. With it `systemctl start` returns when the gateway
 * enforces, not when it was forked, and fails when it could not start.
 *
 * Written here rather than taken from libsystemd: a dozen lines, against a library that would be
 * loaded into a process with CAP_NET_ADMIN for nothing else.
 */
#include "gateway/service.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/log.h"

/* system calls: sendto close */

int service_open(void)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	size_t length = path ? strlen(path) : 0;
	int service;

	if (!length)
		return -1;
	if ((path[0] != '/' && path[0] != '@') || length >= sizeof(address.sun_path)) {
		log_warning("NOTIFY_SOCKET=%s is no socket's name", path);
		return -1;
	}
	memcpy(address.sun_path, path, length);
	if (path[0] == '@')
		address.sun_path[0] = '\0';
	service = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (service >= 0 &&
	    connect(service, (const struct sockaddr *)&address,
		    (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length)) == 0)
		return service;
	log_warning("cannot reach the service manager at %s", path);
	if (service >= 0)
		close(service);
	return -1;
}

void service_tell(int service, const char *lines)
{
	if (service >= 0)
		(void)send(service, lines, strlen(lines), MSG_NOSIGNAL | MSG_DONTWAIT);
}
