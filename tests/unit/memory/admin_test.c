/* Requests at the admin socket without memory: no answer, and the next one is answered. */
#include "observe/admin.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "failing_malloc.h"

struct desk {
	char path[64];
	struct loop *loop;
	struct admin *admin;
	pthread_t thread;
};

static void answer(void *context, const char *request, struct text *reply)
{
	(void)context;
	text_add(reply, request);
	for (int i = 0; i < 200; i++)
		text_addf(reply, ",%d", i);
}

static void *serve_without_memory(void *context)
{
	struct desk *desk = context;

	memory_fails(true);
	loop_run(desk->loop);
	memory_fails(false);
	return NULL;
}

static void *serve(void *context)
{
	struct desk *desk = context;

	loop_run(desk->loop);
	return NULL;
}

static int ask(struct desk *desk, void *(*function)(void *), struct text *reply)
{
	int result;

	assert_int_equal(pthread_create(&desk->thread, NULL, function, desk), 0);
	result = admin_ask(desk->path, "status", 2000, reply);
	loop_stop(desk->loop);
	pthread_join(desk->thread, NULL);
	return result;
}

static int ask_twice(void *context, struct harvest *harvest)
{
	struct text reply = TEXT_EMPTY, later = TEXT_EMPTY;
	struct desk desk = {.path = ""};
	int result;

	(void)context;
	memory_fails(false);
	snprintf(desk.path, sizeof(desk.path), "/tmp/sallyport-memory-%d", (int)getpid());
	desk.loop = loop_new();
	desk.admin = admin_open(desk.loop, desk.path, answer, NULL);
	assert_non_null(desk.admin);
	result = ask(&desk, serve_without_memory, &reply);
	harvest_text(harvest, text_string(&reply));
	if (ask(&desk, serve, &later) < 0)
		memory_fault("it does not recover");
	text_free(&reply);
	text_free(&later);
	admin_close(desk.admin);
	loop_free(desk.loop);
	memory_fails(true);
	return result;
}

static void a_request_without_memory_is_closed_unanswered(void **state)
{
	(void)state;
	memory_try_every_site("admin requests", ask_twice, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_request_without_memory_is_closed_unanswered),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
