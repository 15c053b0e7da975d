/* The service manager is told over a datagram socket, a named or an abstract one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "gateway/service.h"

static int s_manager = -1;

/* Listens at the name, which NOTIFY_SOCKET then has. */
static void listen_at(const char *name)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	memcpy(address.sun_path, name, strlen(name));
	if (name[0] == '@')
		address.sun_path[0] = '\0';
	s_manager = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	assert_int_equal(bind(s_manager, (struct sockaddr *)&address,
			      (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(name))),
			 0);
	assert_int_equal(setenv("NOTIFY_SOCKET", name, 1), 0);
}

static void assert_told(const char *lines)
{
	char heard[128] = "";

	assert_int_equal(recv(s_manager, heard, sizeof(heard) - 1, 0), strlen(lines));
	assert_string_equal(heard, lines);
}

static int reset(void **state)
{
	(void)state;
	if (s_manager >= 0)
		close(s_manager);
	s_manager = -1;
	return unsetenv("NOTIFY_SOCKET");
}

static void assert_is_told_at(const char *name, const char *lines)
{
	int service;

	listen_at(name);
	service = service_open();
	assert_true(service >= 0);
	service_tell(service, lines);
	assert_told(lines);
	close(service);
}

static void a_manager_at_a_path_is_told(void **state)
{
	char path[64];

	(void)state;
	snprintf(path, sizeof(path), "/tmp/sallyport-service-test-%d", getpid());
	assert_is_told_at(path, "READY=1");
	unlink(path);
}

static void a_manager_at_an_abstract_name_is_told(void **state)
{
	char name[64];

	(void)state;
	snprintf(name, sizeof(name), "@sallyport-service-test-%d", getpid());
	assert_is_told_at(name, "STOPPING=1");
}

static void without_a_manager_nothing_is_told(void **state)
{
	(void)state;
	assert_int_equal(service_open(), -1);
	service_tell(-1, "READY=1");
}

static void a_manager_that_is_not_there_is_no_error(void **state)
{
	char name[200];

	(void)state;
	setenv("NOTIFY_SOCKET", "/nowhere/notify", 1);
	assert_int_equal(service_open(), -1);
	setenv("NOTIFY_SOCKET", "relative", 1);
	assert_int_equal(service_open(), -1);
	memset(name, 'x', sizeof(name) - 1);
	name[0] = '/';
	name[sizeof(name) - 1] = '\0';
	setenv("NOTIFY_SOCKET", name, 1);
	assert_int_equal(service_open(), -1);
}

/* The gateway goes on when its manager does not read. */
static void a_manager_that_does_not_read_blocks_nobody(void **state)
{
	char name[64];
	int service;

	(void)state;
	snprintf(name, sizeof(name), "@sallyport-service-test-%d", getpid());
	listen_at(name);
	service = service_open();
	for (int i = 0; i < 10000; i++)
		service_tell(service, "READY=1");
	assert_told("READY=1");
	close(service);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(a_manager_at_a_path_is_told, reset),
		cmocka_unit_test_teardown(a_manager_at_an_abstract_name_is_told, reset),
		cmocka_unit_test_teardown(without_a_manager_nothing_is_told, reset),
		cmocka_unit_test_teardown(a_manager_that_is_not_there_is_no_error, reset),
		cmocka_unit_test_teardown(a_manager_that_does_not_read_blocks_nobody, reset),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
