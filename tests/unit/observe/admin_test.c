/*
 * The admin socket from both sides. Its loop runs in a thread of its own; clients are admin_ask()
 * and bare sockets that behave badly.
 */
#include "observe/admin.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "../skip.h"
#include "base/clock.h"

#define PLACES 16 /* clients at once */

struct desk {
	char folder[64], path[128];
	struct loop *loop;
	struct admin *admin;
	pthread_t thread;
	size_t padding; /* bytes that "long" is answered with */
};

static void answer_request(void *context, const char *request, struct text *reply)
{
	const struct desk *desk = context;

	text_addf(reply, "{\"request\":");
	text_add_json_string(reply, request, strlen(request));
	text_add(reply, ",\"padding\":\"");
	for (size_t i = 0; strcmp(request, "long") == 0 && i < desk->padding; i++)
		text_add(reply, "x");
	text_add(reply, "\"}");
}

static void *run(void *context)
{
	struct desk *desk = context;

	loop_run(desk->loop);
	return NULL;
}

static int make_folder(void **state)
{
	struct desk *desk = calloc(1, sizeof(*desk));

	assert_non_null(desk);
	strcpy(desk->folder, "/tmp/sallyport-admin-XXXXXX");
	assert_non_null(mkdtemp(desk->folder));
	snprintf(desk->path, sizeof(desk->path), "%s/socket", desk->folder);
	desk->loop = loop_new();
	assert_non_null(desk->loop);
	*state = desk;
	return 0;
}

static int open_desk(void **state)
{
	struct desk *desk;

	make_folder(state);
	desk = *state;
	desk->admin = admin_open(desk->loop, desk->path, answer_request, desk);
	assert_non_null(desk->admin);
	assert_int_equal(pthread_create(&desk->thread, NULL, run, desk), 0);
	return 0;
}

static int remove_folder(void **state)
{
	struct desk *desk = *state;

	admin_close(desk->admin);
	loop_free(desk->loop);
	unlink(desk->path);
	rmdir(desk->folder);
	free(desk);
	return 0;
}

static int close_desk(void **state)
{
	struct desk *desk = *state;

	loop_stop(desk->loop);
	pthread_join(desk->thread, NULL);
	return remove_folder(state);
}

static struct sockaddr_un address_of(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	assert_true(strlen(path) < sizeof(address.sun_path));
	strcpy(address.sun_path, path);
	return address;
}

static int dial(const char *path)
{
	int descriptor = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_un address = address_of(path);
	struct timeval patience = {.tv_sec = 5};

	assert_true(descriptor >= 0);
	setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	assert_int_equal(connect(descriptor, (struct sockaddr *)&address, sizeof(address)), 0);
	return descriptor;
}

static int listen_at(const char *path, int backlog)
{
	int descriptor = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_un address = address_of(path);

	assert_int_equal(bind(descriptor, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(descriptor, backlog), 0);
	return descriptor;
}

static void say(int descriptor, const char *words)
{
	assert_int_equal(send(descriptor, words, strlen(words), MSG_NOSIGNAL),
			 (ssize_t)strlen(words));
}

/* The other side ended the connection without a word. */
static bool is_closed(int descriptor)
{
	char byte;
	ssize_t got = recv(descriptor, &byte, 1, 0);

	return got == 0 || (got < 0 && errno == ECONNRESET);
}

static void assert_answered(const char *path, const char *request)
{
	struct text reply = TEXT_EMPTY;
	char expected[128];

	snprintf(expected, sizeof(expected), "{\"request\":\"%s\",\"padding\":\"\"}\n", request);
	assert_int_equal(admin_ask(path, request, 5000, &reply), 0);
	assert_string_equal(text_string(&reply), expected);
	text_free(&reply);
}

/* ------------------------------------------------------------------- requests */

static void a_request_line_gets_one_reply_and_the_end(void **state)
{
	struct desk *desk = *state;

	assert_answered(desk->path, "status");
	assert_answered(desk->path, "");
}

static void a_reply_larger_than_the_socket_takes_comes_whole(void **state)
{
	struct desk *desk = *state;
	struct text reply = TEXT_EMPTY;

	desk->padding = 4u << 20;
	assert_int_equal(admin_ask(desk->path, "long", 5000, &reply), 0);
	assert_true(reply.length > desk->padding);
	assert_int_equal(reply.data[reply.length - 1], '\n');
	text_free(&reply);
}

static void a_reply_beyond_the_limit_is_refused_by_the_asker(void **state)
{
	if (getenv("SALLYPORT_SLOW"))
		skip_because("under valgrind and ThreadSanitizer its time runs out");
	struct desk *desk = *state;
	struct text reply = TEXT_EMPTY;

	desk->padding = ADMIN_REPLY_MAX;
	assert_int_equal(admin_ask(desk->path, "long", 5000, &reply), -EMSGSIZE);
	text_free(&reply);
	assert_answered(desk->path, "still there");
}

static void a_request_in_pieces_is_put_together(void **state)
{
	struct desk *desk = *state;
	int descriptor = dial(desk->path);
	char heard[128] = "";

	say(descriptor, "sta");
	usleep(20000);
	say(descriptor, "tus\nignored");
	assert_true(recv(descriptor, heard, sizeof(heard) - 1, MSG_WAITALL) > 0);
	assert_string_equal(heard, "{\"request\":\"status\",\"padding\":\"\"}\n");
	close(descriptor);
}

static void a_request_without_end_is_cut_at_its_limit(void **state)
{
	struct desk *desk = *state;
	int descriptor = dial(desk->path);
	char words[ADMIN_REQUEST_MAX];

	memset(words, 'x', sizeof(words));
	words[ADMIN_REQUEST_MAX - 1] = '\0';
	say(descriptor, words);
	assert_true(is_closed(descriptor));
	close(descriptor);
	assert_answered(desk->path, "status");
}

static void the_longest_request_is_answered(void **state)
{
	struct desk *desk = *state;
	struct text reply = TEXT_EMPTY;
	char words[ADMIN_REQUEST_MAX - 1];

	memset(words, 'x', sizeof(words));
	words[sizeof(words) - 1] = '\0';
	assert_int_equal(admin_ask(desk->path, words, 5000, &reply), 0);
	assert_non_null(strstr(text_string(&reply), words));
	text_free(&reply);
}

static void a_client_that_leaves_early_frees_its_place(void **state)
{
	struct desk *desk = *state;

	for (int i = 0; i < 3 * PLACES; i++) {
		int descriptor = dial(desk->path);

		if (i % 2)
			say(descriptor, "long\n");
		close(descriptor);
	}
	assert_answered(desk->path, "status");
}

static void a_slow_client_holds_up_nobody(void **state)
{
	struct desk *desk = *state;
	int silent = dial(desk->path), deaf = dial(desk->path);

	desk->padding = 4u << 20;
	say(silent, "sta");
	say(deaf, "long\n"); /* and does not read */
	assert_answered(desk->path, "status");
	close(silent);
	close(deaf);
}

static void who_opens_connections_and_says_nothing_keeps_no_one_else_away(void **state)
{
	struct desk *desk = *state;
	int waiting[3 * PLACES];

	for (size_t i = 0; i < 3 * PLACES; i++) {
		waiting[i] = dial(desk->path);
		if (i % 5 == 0)
			assert_answered(desk->path, "status");
	}
	assert_answered(desk->path, "status");
	assert_true(is_closed(waiting[0])); /* the oldest gave way */
	say(waiting[3 * PLACES - 1], "status\n");
	assert_false(is_closed(waiting[3 * PLACES - 1])); /* the youngest has its reply */
	for (size_t i = 0; i < 3 * PLACES; i++)
		close(waiting[i]);
}

static void a_reply_under_way_outlives_newer_clients_that_have_not_asked(void **state)
{
	struct desk *desk = *state;
	int reading = dial(desk->path), waiting[2 * PLACES];
	size_t length = 0;
	char bytes[65536];
	ssize_t got;

	desk->padding = 4u << 20;
	say(reading, "long\n");
	usleep(50000); /* its answer fills the socket */
	for (size_t i = 0; i < 2 * PLACES; i++)
		waiting[i] = dial(desk->path);
	assert_answered(desk->path, "status");
	while ((got = recv(reading, bytes, sizeof(bytes), 0)) > 0)
		length += (size_t)got;
	assert_true(length > desk->padding);
	close(reading);
	for (size_t i = 0; i < 2 * PLACES; i++)
		close(waiting[i]);
}

/* ------------------------------------------------------------------ the place */

static void the_socket_is_for_its_owner_and_group(void **state)
{
	struct desk *desk = *state;
	struct stat status;

	assert_int_equal(lstat(desk->path, &status), 0);
	assert_true(S_ISSOCK(status.st_mode));
	assert_int_equal(status.st_mode & 0777, 0660);
}

static void a_live_socket_is_not_taken_over(void **state)
{
	struct desk *desk = *state;

	assert_null(admin_open(desk->loop, desk->path, answer_request, desk));
	assert_int_equal(errno, EADDRINUSE);
	assert_answered(desk->path, "status");
}

static void a_listener_too_busy_to_accept_counts_as_alive(void **state)
{
	struct desk *desk = *state;
	int listener = listen_at(desk->path, 0), first = dial(desk->path);

	assert_null(admin_open(desk->loop, desk->path, answer_request, desk));
	assert_int_equal(errno, EADDRINUSE);
	close(first);
	close(listener);
}

static void a_dead_socket_file_is_replaced(void **state)
{
	struct desk *desk = *state;

	close(listen_at(desk->path, 1));
	desk->admin = admin_open(desk->loop, desk->path, answer_request, desk);
	assert_non_null(desk->admin);
}

static void a_file_that_is_no_socket_is_left_alone(void **state)
{
	struct desk *desk = *state;
	FILE *file = fopen(desk->path, "w");

	assert_non_null(file);
	fclose(file);
	assert_null(admin_open(desk->loop, desk->path, answer_request, desk));
	assert_int_equal(errno, ENOTSOCK);
	assert_int_equal(access(desk->path, F_OK), 0);
}

static void a_place_that_cannot_be_is_refused(void **state)
{
	struct desk *desk = *state;
	char path[256];

	snprintf(path, sizeof(path), "%s/none/socket", desk->folder);
	assert_null(admin_open(desk->loop, path, answer_request, desk));
	assert_int_equal(errno, ENOENT);
	memset(path, 'x', sizeof(path) - 1);
	path[sizeof(path) - 1] = '\0';
	assert_null(admin_open(desk->loop, path, answer_request, desk));
	assert_int_equal(errno, ENAMETOOLONG);
}

static void closing_takes_the_socket_file_away(void **state)
{
	struct desk *desk = *state;

	desk->admin = admin_open(desk->loop, desk->path, answer_request, desk);
	assert_non_null(desk->admin);
	admin_close(desk->admin);
	desk->admin = NULL;
	assert_int_equal(access(desk->path, F_OK), -1);
}

/* ------------------------------------------------------------------- asking */

static void asking_nobody_says_so(void **state)
{
	struct desk *desk = *state;
	struct text reply = TEXT_EMPTY;

	assert_int_equal(admin_ask(desk->path, "status", 1000, &reply), -ENOENT);
	close(listen_at(desk->path, 1));
	assert_int_equal(admin_ask(desk->path, "status", 1000, &reply), -ECONNREFUSED);
	text_free(&reply);
}

static void assert_times_out(const char *path)
{
	struct text reply = TEXT_EMPTY;
	uint64_t began = clock_steady_ms();

	assert_int_equal(admin_ask(path, "status", 200, &reply), -ETIMEDOUT);
	assert_in_range(clock_steady_ms() - began, 150, 2000);
	text_free(&reply);
}

static void asking_a_silent_gateway_ends_in_time(void **state)
{
	struct desk *desk = *state;
	int listener = listen_at(desk->path, 4);

	assert_times_out(desk->path);
	close(listener);
}

static void asking_a_gateway_that_accepts_nobody_ends_in_time(void **state)
{
	struct desk *desk = *state;
	int listener = listen_at(desk->path, 0), first = dial(desk->path);

	assert_times_out(desk->path);
	close(first);
	close(listener);
}

static void *cut_a_reply(void *context)
{
	int descriptor = accept(*(int *)context, NULL, NULL);
	char request[64];

	/* Closed before the request came, it would be the asker's write that fails. */
	if (read(descriptor, request, sizeof(request)) > 0)
		say(descriptor, "{\"half\":");
	close(descriptor);
	return NULL;
}

static void a_reply_that_was_cut_is_no_reply(void **state)
{
	struct desk *desk = *state;
	struct text reply = TEXT_EMPTY;
	int listener = listen_at(desk->path, 4), error;
	pthread_t thread;

	pthread_create(&thread, NULL, cut_a_reply, &listener);
	error = admin_ask(desk->path, "status", 5000, &reply);
	assert_true(error == -EPROTO || error == -ECONNRESET);
	pthread_join(thread, NULL);
	text_free(&reply);
	close(listener);
}

#define WITH_DESK(test)   cmocka_unit_test_setup_teardown(test, open_desk, close_desk)
#define WITH_FOLDER(test) cmocka_unit_test_setup_teardown(test, make_folder, remove_folder)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_DESK(a_request_line_gets_one_reply_and_the_end),
		WITH_DESK(a_reply_larger_than_the_socket_takes_comes_whole),
		WITH_DESK(a_reply_beyond_the_limit_is_refused_by_the_asker),
		WITH_DESK(a_request_in_pieces_is_put_together),
		WITH_DESK(a_request_without_end_is_cut_at_its_limit),
		WITH_DESK(the_longest_request_is_answered),
		WITH_DESK(a_client_that_leaves_early_frees_its_place),
		WITH_DESK(a_slow_client_holds_up_nobody),
		WITH_DESK(who_opens_connections_and_says_nothing_keeps_no_one_else_away),
		WITH_DESK(a_reply_under_way_outlives_newer_clients_that_have_not_asked),
		WITH_DESK(the_socket_is_for_its_owner_and_group),
		WITH_DESK(a_live_socket_is_not_taken_over),
		WITH_FOLDER(a_listener_too_busy_to_accept_counts_as_alive),
		WITH_FOLDER(a_dead_socket_file_is_replaced),
		WITH_FOLDER(a_file_that_is_no_socket_is_left_alone),
		WITH_FOLDER(a_place_that_cannot_be_is_refused),
		WITH_FOLDER(closing_takes_the_socket_file_away),
		WITH_FOLDER(asking_nobody_says_so),
		WITH_FOLDER(asking_a_silent_gateway_ends_in_time),
		WITH_FOLDER(asking_a_gateway_that_accepts_nobody_ends_in_time),
		WITH_FOLDER(a_reply_that_was_cut_is_no_reply),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
