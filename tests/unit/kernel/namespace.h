/* A network namespace of the test's own, with loopback up. */
#pragma once

#include <net/if.h>
#include <sched.h>
#include <stdbool.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../skip.h"

/* False: not allowed here (not root); the caller skips. */
static inline bool enter_own_namespace(void)
{
	struct ifreq request;
	int descriptor;
	bool up;

	if (unshare(CLONE_NEWNET) < 0)
		return false;
	descriptor = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	memset(&request, 0, sizeof(request));
	memcpy(request.ifr_name, "lo", 3);
	request.ifr_flags = IFF_UP | IFF_RUNNING;
	up = descriptor >= 0 && ioctl(descriptor, SIOCSIFFLAGS, &request) == 0;
	if (descriptor >= 0)
		close(descriptor);
	return up;
}
