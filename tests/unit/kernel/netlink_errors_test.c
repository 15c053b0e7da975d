/*
 * What the kernel says when it has no room, and signals that come in between: the linker leads the
 * netlink calls here (--wrap, see meson.build), where the next ones fail as a test wants.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

#include <libmnl/libmnl.h>

#include "base/cleanup.h"
#include "kernel/conntrack.h"
#include "kernel/fingerprint.h"
#include "kernel/host.h"
#include "kernel/nft.h"
#include "kernel/packet_log.h"
#include "kernel/queue.h"
#include "kernel/sets.h"
#include "namespace.h"
#include "settings.h"

ssize_t __real_recv(int socket, void *bytes, size_t length, int flags);
ssize_t __real_mnl_socket_recvfrom(const struct mnl_socket *socket, void *bytes, size_t length);
ssize_t __real_mnl_socket_sendto(const struct mnl_socket *socket, const void *bytes, size_t length);
ssize_t __wrap_recv(int socket, void *bytes, size_t length, int flags);
ssize_t __wrap_mnl_socket_recvfrom(const struct mnl_socket *socket, void *bytes, size_t length);
int __real_recvmmsg(int socket, struct mmsghdr *messages, unsigned int count, int flags,
		    struct timespec *timeout);
int __wrap_recvmmsg(int socket, struct mmsghdr *messages, unsigned int count, int flags,
		    struct timespec *timeout);
ssize_t __wrap_mnl_socket_sendto(const struct mnl_socket *socket, const void *bytes, size_t length);

struct failures {
	int error, count; /* the next so many fail so */
};

static struct {
	struct failures receiving, sending;
	bool loses_answers; /* with the error goes the answer that was there */
	const void *stale;  /* comes before what is there */
	size_t stale_length;
	int sent;
} s_netlink;

static bool fails(struct failures *failures)
{
	if (failures->count == 0)
		return false;
	failures->count--;
	errno = failures->error;
	return true;
}

ssize_t __wrap_recv(int socket, void *bytes, size_t length, int flags)
{
	if (s_netlink.loses_answers && s_netlink.receiving.count > 0 &&
	    __real_recv(socket, bytes, length, flags) < 0)
		return -1; /* there is none to lose */
	if (fails(&s_netlink.receiving))
		return -1;
	if (s_netlink.stale) {
		memcpy(bytes, s_netlink.stale, s_netlink.stale_length);
		s_netlink.stale = NULL;
		return (ssize_t)s_netlink.stale_length;
	}
	return __real_recv(socket, bytes, length, flags);
}

int __wrap_recvmmsg(int socket, struct mmsghdr *messages, unsigned int count, int flags,
		    struct timespec *timeout)
{
	return fails(&s_netlink.receiving)
		       ? -1
		       : __real_recvmmsg(socket, messages, count, flags, timeout);
}

ssize_t __wrap_mnl_socket_recvfrom(const struct mnl_socket *socket, void *bytes, size_t length)
{
	return fails(&s_netlink.receiving) ? -1 : __real_mnl_socket_recvfrom(socket, bytes, length);
}

ssize_t __wrap_mnl_socket_sendto(const struct mnl_socket *socket, const void *bytes, size_t length)
{
	s_netlink.sent++;
	return fails(&s_netlink.sending) ? -1 : __real_mnl_socket_sendto(socket, bytes, length);
}

static bool s_ready;

static int build(void **state)
{
	cleanup(text_free) struct text words = TEXT_EMPTY;

	(void)state;
	s_ready = enter_own_namespace();
	if (s_ready && nft_apply("table inet sallyport {\n"
				 " set pinned_v4 { type ipv4_addr; flags timeout; size 64; }\n"
				 " chain queue_hello {\n }\n"
				 " chain p { type filter hook output priority 0; ct state new "
				 "ct mark set 0x40000001; }\n"
				 "}\n",
				 &words) != 0)
		fail_msg("%s", text_string(&words));
	return 0;
}

static int begin(void **state)
{
	(void)state;
	memset(&s_netlink, 0, sizeof(s_netlink));
	return 0;
}

static void need_root(void)
{
	if (!s_ready)
		skip_because("needs root, for a network namespace of its own");
}

static bool is_pinned(const char *text)
{
	char command[128];

	snprintf(command, sizeof(command),
		 "nft get element inet sallyport pinned_v4 '{ %s }' >/dev/null 2>&1", text);
	return system(command) == 0;
}

/* ------------------------------------------------------------------------------ sets */

static void an_answer_that_got_lost_is_asked_for_once_more(void **state)
{
	struct kernel_element element = {0, address("192.0.2.1"), 60000};
	struct kernel_sets *sets;

	(void)state;
	need_root();
	sets = kernel_sets_open();
	s_netlink.receiving = (struct failures){ENOBUFS, 1};
	s_netlink.loses_answers = true;
	assert_int_equal(kernel_sets_put(sets, &element, 1), 0);
	assert_int_equal(s_netlink.sent, 2);
	assert_true(is_pinned("192.0.2.1"));
	kernel_sets_close(sets);
}

static void answers_that_get_lost_for_good_are_an_error_and_the_next_time_is_clean(void **state)
{
	struct kernel_element element = {0, address("192.0.2.2"), 60000};
	struct kernel_sets *sets;

	(void)state;
	need_root();
	sets = kernel_sets_open();
	s_netlink.receiving = (struct failures){ENOBUFS, 2};
	s_netlink.loses_answers = true;
	assert_int_equal(kernel_sets_put(sets, &element, 1), -ENOBUFS);
	assert_int_equal(kernel_sets_put(sets, &element, 1), 0);
	kernel_sets_close(sets);
}

static void a_complaint_about_an_earlier_batch_is_none_about_this_one(void **state)
{
	struct {
		struct nlmsghdr header;
		struct nlmsgerr complaint;
	} stale = {{sizeof(stale), NLMSG_ERROR, 0, 7, 0}, {.error = -ENFILE}};
	struct kernel_element element = {0, address("192.0.2.3"), 60000};
	struct kernel_sets *sets;

	(void)state;
	need_root();
	sets = kernel_sets_open();
	s_netlink.stale = &stale;
	s_netlink.stale_length = sizeof(stale);
	assert_int_equal(kernel_sets_put(sets, &element, 1), 0);
	assert_null(s_netlink.stale);
	assert_true(is_pinned("192.0.2.3"));
	kernel_sets_close(sets);
}

static void a_batch_that_cannot_be_sent_changes_nothing(void **state)
{
	struct kernel_element element = {0, address("192.0.2.4"), 60000};
	struct kernel_sets *sets;

	(void)state;
	need_root();
	sets = kernel_sets_open();
	s_netlink.sending = (struct failures){ENOMEM, 1};
	assert_int_equal(kernel_sets_put(sets, &element, 1), -ENOMEM);
	assert_false(is_pinned("192.0.2.4"));
	assert_int_equal(kernel_sets_put(sets, &element, 1), 0);
	kernel_sets_close(sets);
}

static void signals_in_between_do_no_harm(void **state)
{
	struct kernel_element element = {0, address("192.0.2.5"), 60000};
	struct kernel_sets *sets;
	uint64_t fingerprint = 0;

	(void)state;
	need_root();
	sets = kernel_sets_open();
	s_netlink.receiving = (struct failures){EINTR, 3};
	assert_int_equal(kernel_sets_put(sets, &element, 1), 0);
	assert_int_equal(s_netlink.sent, 1);
	s_netlink.receiving.count = 3;
	assert_int_equal(ruleset_fingerprint(&fingerprint), 0);
	assert_true(fingerprint != 0);
	kernel_sets_close(sets);
}

/* --------------------------------------------------------- verdicts, events, dumps */

static void packet_queued(void *context, const struct queue_packet *packet)
{
	(void)context;
	(void)packet;
}

static void a_verdict_that_the_kernel_has_no_memory_for_is_sent_again(void **state)
{
	struct loop *loop;
	struct queue *queue;

	(void)state;
	need_root();
	loop = loop_new();
	queue = queue_open(loop, 3, 16, packet_queued, NULL);
	assert_non_null(queue);
	s_netlink.sent = 0;
	s_netlink.sending = (struct failures){ENOBUFS, 2};
	assert_int_equal(queue_accept(queue, 1, 0), 0);
	assert_int_equal(s_netlink.sent, 3);
	s_netlink.sending = (struct failures){ENOBUFS, 1000};
	assert_int_equal(queue_drop(queue, 2), -ENOBUFS);
	assert_in_range(s_netlink.sent, 4, 20); /* it gives up */
	queue_close(queue);
	loop_free(loop);
}

static int s_ended;

static void flow_ended(void *context, const struct conntrack_flow *flow)
{
	(void)context;
	(void)flow;
	s_ended++;
}

static void stop(struct loop_timer *timer)
{
	loop_stop(*(struct loop **)(void *)(timer + 1));
}

static void run_for(struct loop *loop, uint64_t ms)
{
	struct {
		struct loop_timer timer;
		struct loop *loop;
	} end = {.loop = loop};

	assert_int_equal(loop_timer_start(loop, &end.timer, ms, stop), 0);
	loop_run(loop);
}

static void make_a_flow_and_end_it(void)
{
	assert_int_equal(
		system("bash -c 'echo x > /dev/udp/127.0.0.1/9' && conntrack -D -p udp >/dev/null "
		       "2>&1"),
		0);
}

static void events_that_overran_the_socket_are_counted_and_later_ones_come(void **state)
{
	struct conntrack_events *events;
	struct loop *loop;

	(void)state;
	need_root();
	if (system("command -v conntrack >/dev/null") != 0)
		skip_because("needs the program conntrack");
	loop = loop_new();
	events = conntrack_events_open(loop, flow_ended, NULL);
	assert_non_null(events);
	make_a_flow_and_end_it();
	s_netlink.receiving = (struct failures){ENOBUFS, 1};
	run_for(loop, 100);
	assert_int_equal(conntrack_events_lost(events), 1);
	assert_int_equal(s_ended, 1);
	make_a_flow_and_end_it();
	run_for(loop, 100);
	assert_int_equal(s_ended, 2);
	conntrack_events_close(events);
	loop_free(loop);
}

static void a_walk_that_breaks_off_says_so(void **state)
{
	(void)state;
	need_root();
	s_netlink.receiving = (struct failures){ENOBUFS, 1};
	assert_int_equal(conntrack_walk(flow_ended, NULL), -ENOBUFS);
	assert_int_equal(conntrack_walk(flow_ended, NULL), 0);
}

static void no_life_sign_is_given_without_the_kernels_word(void **state)
{
	static const char *const interfaces[] = {"lo"};
	struct life_sign *sign;

	(void)state;
	need_root();
	s_netlink.receiving = (struct failures){ENOBUFS, 1};
	s_netlink.loses_answers = true;
	assert_null(life_sign_start(interfaces, 1));
	assert_int_equal(errno, ENOBUFS);
	/* its socket was closed, and what the kernel may have made went with it */
	assert_int_not_equal(system("nft list table inet sallyport_alive >/dev/null 2>&1"), 0);
	sign = life_sign_start(interfaces, 1);
	assert_non_null(sign);
	life_sign_stop(sign);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(an_answer_that_got_lost_is_asked_for_once_more, begin),
		cmocka_unit_test_setup(
			answers_that_get_lost_for_good_are_an_error_and_the_next_time_is_clean,
			begin),
		cmocka_unit_test_setup(a_complaint_about_an_earlier_batch_is_none_about_this_one,
				       begin),
		cmocka_unit_test_setup(a_batch_that_cannot_be_sent_changes_nothing, begin),
		cmocka_unit_test_setup(signals_in_between_do_no_harm, begin),
		cmocka_unit_test_setup(a_verdict_that_the_kernel_has_no_memory_for_is_sent_again,
				       begin),
		cmocka_unit_test_setup(
			events_that_overran_the_socket_are_counted_and_later_ones_come, begin),
		cmocka_unit_test_setup(a_walk_that_breaks_off_says_so, begin),
		cmocka_unit_test_setup(no_life_sign_is_given_without_the_kernels_word, begin),
	};

	return cmocka_run_group_tests(tests, build, NULL);
}
