/* What the service manager that started us is told: sd_notify(3)'s protocol. */
#pragma once

/* A connected socket, or -1 when nobody wants to hear (no NOTIFY_SOCKET) or it cannot be reached.
   Open it before the sandbox is entered: it has no socket() for this. */
int service_open(void);

/* Sends one or more "NAME=VALUE" lines; no socket and a full one are no errors: nothing depends on
   the manager's knowledge but its own display and the order of units. */
void service_tell(int service, const char *lines);
