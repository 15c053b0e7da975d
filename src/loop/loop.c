/*
 * The event loop: one epoll set a thread.
 *
 * Events are fetched in batches. A callback may remove any watch, also one whose event is already
 * in the batch, and free its owner: loop_watch_remove() wipes the rest of the batch of that watch,
 * so a fetched event never reaches freed memory.
 *
 * A turn ends with the tasks that it scheduled, so what many events of it produced (answers, lines
 * of the log, elements of the kernel's sets) goes out together.
 *
 * Timers stand in a binary heap of pointers; each timer knows its place, so stopping is O(log n).
 * Time is read once a turn.
 *
 * Calls from other threads wait in a mutex-protected list behind an eventfd.
 */
#include "loop/loop.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/assertion.h"
#include "base/clock.h"

/* system calls: epoll_ctl epoll_wait epoll_pwait read write close */

#define BATCH 256

struct loop_posted {
	struct loop_posted *next;
	void (*function)(void *context);
	void *context;
};

struct loop {
	int epoll;
	atomic_bool stopping;
	uint64_t now_ms;
	struct epoll_event batch[BATCH];
	int batch_next, batch_count;
	struct loop_timer **heap;
	size_t heap_count, heap_capacity;
	TAILQ_HEAD(, loop_task) tasks; /* for the end of the turn */
	struct loop_watch wake;
	pthread_mutex_t posted_lock;
	struct loop_posted *posted, **posted_tail;
};

static void take_posted(struct loop_watch *watch, uint32_t events)
{
	struct loop *loop = loop_owner(watch, struct loop, wake);
	struct loop_posted *list;
	uint64_t count;

	(void)events;
	if (read(watch->descriptor, &count, sizeof(count)) < 0)
		return;
	pthread_mutex_lock(&loop->posted_lock);
	list = loop->posted;
	loop->posted = NULL;
	loop->posted_tail = &loop->posted;
	pthread_mutex_unlock(&loop->posted_lock);
	while (list) {
		struct loop_posted *next = list->next;

		list->function(list->context);
		free(list);
		list = next;
	}
}

struct loop *loop_new(void)
{
	struct loop *loop = calloc(1, sizeof(*loop));
	int wake;

	if (!loop)
		return NULL;
	loop->now_ms = clock_steady_ms();
	loop->posted_tail = &loop->posted;
	TAILQ_INIT(&loop->tasks);
	pthread_mutex_init(&loop->posted_lock, NULL);
	loop->epoll = epoll_create1(EPOLL_CLOEXEC);
	wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (loop->epoll < 0 || wake < 0 ||
	    loop_watch_add(loop, &loop->wake, wake, EPOLLIN, take_posted) < 0) {
		int error = errno;

		if (loop->epoll >= 0)
			close(loop->epoll);
		if (wake >= 0)
			close(wake);
		free(loop);
		errno = error;
		return NULL;
	}
	return loop;
}

void loop_free(struct loop *loop)
{
	if (!loop)
		return;
	while (loop->posted) {
		struct loop_posted *next = loop->posted->next;

		free(loop->posted);
		loop->posted = next;
	}
	close(loop->wake.descriptor);
	close(loop->epoll);
	pthread_mutex_destroy(&loop->posted_lock);
	free(loop->heap);
	free(loop);
}

/* ------------------------------------------------------------------ watches */

static int control(struct loop *loop, int operation, struct loop_watch *watch)
{
	struct epoll_event event = {.events = watch->events, .data.ptr = watch};

	return epoll_ctl(loop->epoll, operation, watch->descriptor, &event) < 0 ? -errno : 0;
}

int loop_watch_add(struct loop *loop, struct loop_watch *watch, int descriptor, uint32_t events,
		   void (*ready)(struct loop_watch *watch, uint32_t events))
{
	int error;

	watch->descriptor = descriptor;
	watch->events = events;
	watch->ready = ready;
	error = control(loop, EPOLL_CTL_ADD, watch);
	watch->active = error == 0;
	return error;
}

int loop_watch_change(struct loop *loop, struct loop_watch *watch, uint32_t events)
{
	invariant(watch->active);
	if (watch->events == events)
		return 0;
	watch->events = events;
	return control(loop, EPOLL_CTL_MOD, watch);
}

void loop_watch_remove(struct loop *loop, struct loop_watch *watch)
{
	if (!watch->active)
		return;
	watch->active = false;
	(void)epoll_ctl(loop->epoll, EPOLL_CTL_DEL, watch->descriptor, NULL);
	for (int i = loop->batch_next; i < loop->batch_count; i++)
		if (loop->batch[i].data.ptr == watch)
			loop->batch[i].data.ptr = NULL;
}

/* ------------------------------------------------------------------- timers */

static void place(struct loop *loop, size_t index, struct loop_timer *timer)
{
	loop->heap[index] = timer;
	timer->position = index + 1;
}

static void sift_up(struct loop *loop, size_t index)
{
	struct loop_timer *timer = loop->heap[index];

	while (index > 0) {
		size_t parent = (index - 1) / 2;

		if (loop->heap[parent]->due_ms <= timer->due_ms)
			break;
		place(loop, index, loop->heap[parent]);
		index = parent;
	}
	place(loop, index, timer);
}

static void sift_down(struct loop *loop, size_t index)
{
	struct loop_timer *timer = loop->heap[index];

	for (;;) {
		size_t child = index * 2 + 1;

		if (child >= loop->heap_count)
			break;
		if (child + 1 < loop->heap_count &&
		    loop->heap[child + 1]->due_ms < loop->heap[child]->due_ms)
			child++;
		if (timer->due_ms <= loop->heap[child]->due_ms)
			break;
		place(loop, index, loop->heap[child]);
		index = child;
	}
	place(loop, index, timer);
}

static int make_heap_room(struct loop *loop)
{
	size_t capacity = loop->heap_capacity ? loop->heap_capacity * 2 : 64;
	struct loop_timer **grown;

	if (loop->heap_count < loop->heap_capacity)
		return 0;
	grown = realloc(loop->heap, capacity * sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	loop->heap = grown;
	loop->heap_capacity = capacity;
	return 0;
}

int loop_timer_start(struct loop *loop, struct loop_timer *timer, uint64_t after_ms,
		     void (*fired)(struct loop_timer *timer))
{
	loop_timer_stop(loop, timer);
	if (make_heap_room(loop) < 0)
		return -ENOMEM;
	timer->fired = fired;
	timer->due_ms = clock_steady_ms() + after_ms;
	place(loop, loop->heap_count++, timer);
	sift_up(loop, timer->position - 1);
	return 0;
}

void loop_timer_stop(struct loop *loop, struct loop_timer *timer)
{
	size_t index;
	struct loop_timer *last;

	if (timer->position == 0)
		return;
	index = timer->position - 1;
	invariant(index < loop->heap_count && loop->heap[index] == timer);
	timer->position = 0;
	last = loop->heap[--loop->heap_count];
	if (last == timer)
		return;
	place(loop, index, last);
	sift_up(loop, index);
	sift_down(loop, last->position - 1);
}

static void fire_due_timers(struct loop *loop)
{
	while (loop->heap_count > 0 && loop->heap[0]->due_ms <= loop->now_ms) {
		struct loop_timer *timer = loop->heap[0];

		loop_timer_stop(loop, timer);
		timer->fired(timer);
	}
}

static int milliseconds_to_wait(const struct loop *loop)
{
	uint64_t now = clock_steady_ms();

	if (loop->heap_count == 0)
		return -1;
	if (loop->heap[0]->due_ms <= now)
		return 0;
	return loop->heap[0]->due_ms - now > 60000 ? 60000 : (int)(loop->heap[0]->due_ms - now);
}

/* -------------------------------------------------------------------- tasks */

void loop_task_schedule(struct loop *loop, struct loop_task *task,
			void (*run)(struct loop_task *task))
{
	if (task->scheduled)
		return;
	task->scheduled = true;
	task->run = run;
	TAILQ_INSERT_TAIL(&loop->tasks, task, in_list);
}

void loop_task_cancel(struct loop *loop, struct loop_task *task)
{
	if (!task->scheduled)
		return;
	task->scheduled = false;
	TAILQ_REMOVE(&loop->tasks, task, in_list);
}

/* Those too that are scheduled by a task. */
static void run_tasks(struct loop *loop)
{
	struct loop_task *task;

	while ((task = TAILQ_FIRST(&loop->tasks))) {
		loop_task_cancel(loop, task);
		task->run(task);
	}
}

/* --------------------------------------------------------------------- turns */

static void turn(struct loop *loop)
{
	int count = epoll_wait(loop->epoll, loop->batch, BATCH, milliseconds_to_wait(loop));

	loop->now_ms = clock_steady_ms();
	loop->batch_count = count > 0 ? count : 0;
	for (loop->batch_next = 0; loop->batch_next < loop->batch_count;) {
		struct epoll_event event = loop->batch[loop->batch_next++];
		struct loop_watch *watch = event.data.ptr;

		if (watch)
			watch->ready(watch, event.events);
	}
	fire_due_timers(loop);
}

void loop_run(struct loop *loop)
{
	run_tasks(loop); /* of whoever set things up */
	while (!atomic_load(&loop->stopping)) {
		turn(loop);
		run_tasks(loop);
	}
	atomic_store(&loop->stopping, false);
}

static void wake_up(struct loop *loop)
{
	uint64_t one = 1;

	/* EAGAIN means that the counter is full: it is awake anyway. */
	(void)!write(loop->wake.descriptor, &one, sizeof(one));
}

void loop_stop(struct loop *loop)
{
	atomic_store(&loop->stopping, true);
	wake_up(loop);
}

uint64_t loop_now_ms(const struct loop *loop)
{
	return loop->now_ms;
}

int loop_call(struct loop *loop, void (*function)(void *context), void *context)
{
	struct loop_posted *posted = malloc(sizeof(*posted));

	if (!posted)
		return -ENOMEM;
	*posted = (struct loop_posted){.function = function, .context = context};
	pthread_mutex_lock(&loop->posted_lock);
	*loop->posted_tail = posted;
	loop->posted_tail = &posted->next;
	pthread_mutex_unlock(&loop->posted_lock);
	wake_up(loop);
	return 0;
}
