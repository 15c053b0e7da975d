/*
 * One event loop a thread: epoll, timers, calls from other threads. Watches and timers are embedded
 * in their owners; the loop allocates nothing after loop_new() except room for more timers.
 *
 * Inside a callback a watch or timer (its own or another's) may be removed and its owner freed:
 * events already fetched for it are dropped.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/queue.h>

struct loop;

struct loop_watch {
	int descriptor;
	void (*ready)(struct loop_watch *watch,
		      uint32_t events); /* EPOLLIN, EPOLLOUT, EPOLLERR, EPOLLHUP, EPOLLRDHUP */
	uint32_t events;                /* private: what is asked for */
	bool active;                    /* private */
};

struct loop_timer {
	void (*fired)(struct loop_timer *timer);
	uint64_t due_ms; /* private */
	size_t position; /* private: place in the heap + 1; 0 when not running */
};

/* Work that a turn collects and then does once: what goes out together costs one system call. */
struct loop_task {
	void (*run)(struct loop_task *task);
	TAILQ_ENTRY(loop_task) in_list; /* private */
	bool scheduled;                 /* private */
};

#define loop_owner(pointer, type, member)                                                          \
	((type *)(void *)((char *)(pointer)-offsetof(type, member)))

struct loop *loop_new(void); /* NULL: errno says why */
void loop_free(struct loop *loop);

/* Runs until loop_stop(). */
void loop_run(struct loop *loop);
void loop_stop(struct loop *loop); /* from any thread */

/* The descriptor stays the owner's. Negative errno. */
int loop_watch_add(struct loop *loop, struct loop_watch *watch, int descriptor, uint32_t events,
		   void (*ready)(struct loop_watch *watch, uint32_t events));
int loop_watch_change(struct loop *loop, struct loop_watch *watch, uint32_t events);
void loop_watch_remove(struct loop *loop, struct loop_watch *watch); /* fine when not added */

/* Starts or restarts. -ENOMEM. */
int loop_timer_start(struct loop *loop, struct loop_timer *timer, uint64_t after_ms,
		     void (*fired)(struct loop_timer *timer));
void loop_timer_stop(struct loop *loop, struct loop_timer *timer); /* fine when not running */

/* To be run once, when all watches and timers of this turn have been served, before the loop
   sleeps. In the order of scheduling; a task that is scheduled already keeps its place. */
void loop_task_schedule(struct loop *loop, struct loop_task *task,
			void (*run)(struct loop_task *task));
void loop_task_cancel(struct loop *loop, struct loop_task *task); /* fine when not scheduled */

/* clock_steady_ms() as of this turn of the loop. */
uint64_t loop_now_ms(const struct loop *loop);

/* From any thread: calls function(context) in the loop's thread, in order. -ENOMEM. */
int loop_call(struct loop *loop, void (*function)(void *context), void *context);
