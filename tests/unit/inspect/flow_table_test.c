#include "inspect/flow_table_impl.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

static const struct ip_endpoint s_server = {{4, {203, 0, 113, 5}}, 443};

static struct ip_endpoint client(uint16_t port)
{
	return (struct ip_endpoint){{4, {10, 0, 0, 7}}, port};
}

static struct inspected *add(struct flow_table *table, uint16_t port, uint64_t now_ms)
{
	struct ip_endpoint endpoint = client(port);

	return flow_table_add(table, PACKET_TCP, &endpoint, &s_server, now_ms);
}

static struct inspected *find(struct flow_table *table, uint16_t port)
{
	struct ip_endpoint endpoint = client(port);

	return flow_table_find(table, PACKET_TCP, &endpoint, &s_server);
}

static void assert_let_go(struct flow_table *table, struct inspected *inspected, uint32_t approved,
			  uint32_t expected_id, uint32_t expected_end)
{
	uint32_t id = 0, end = 0;

	assert_true(flow_table_let_go(table, inspected, approved, &id, &end));
	assert_int_equal(id, expected_id);
	assert_int_equal(end, expected_end);
}

static void assert_nothing_to_let_go(struct flow_table *table, struct inspected *inspected,
				     uint32_t approved)
{
	uint32_t id = 77, end = 88;

	assert_false(flow_table_let_go(table, inspected, approved, &id, &end));
	assert_int_equal(id, 77);
	assert_int_equal(end, 88);
}

static void a_flow_is_found_by_all_four_of_its_addresses_and_ports(void **state)
{
	struct flow_table *table = flow_table_new(8, 8);
	struct inspected *inspected = add(table, 1000, 5);
	struct ip_endpoint from = client(1000), to = s_server;

	(void)state;
	assert_ptr_equal(flow_table_find(table, PACKET_TCP, &from, &to), inspected);
	assert_int_equal(inspected->flow.state, FLOW_STATE_HELLO);
	from.port++;
	assert_null(flow_table_find(table, PACKET_TCP, &from, &to));
	from = client(1000);
	from.address.bytes[3]++;
	assert_null(flow_table_find(table, PACKET_TCP, &from, &to));
	from = client(1000);
	to.port++;
	assert_null(flow_table_find(table, PACKET_TCP, &from, &to));
	to = s_server;
	to.address.bytes[0]++;
	assert_null(flow_table_find(table, PACKET_TCP, &from, &to));
	to = s_server;
	assert_null(flow_table_find(table, PACKET_TCP, &to, &from));
	flow_table_remove(table, inspected);
	assert_null(find(table, 1000));
	assert_int_equal(flow_table_count(table), 0);
	flow_table_free(table);
}

static void many_flows_are_found_and_removed_in_any_order(void **state)
{
	enum { FLOWS = 500 };
	struct flow_table *table = flow_table_new(FLOWS, 1);

	(void)state;
	for (uint16_t i = 0; i < FLOWS; i++)
		add(table, i, i)->first_ms = i;
	for (uint16_t i = 0; i < FLOWS; i += 2)
		flow_table_remove(table, find(table, (uint16_t)((i * 7) % FLOWS / 2 * 2)));
	assert_int_equal(flow_table_count(table), FLOWS / 2);
	for (uint16_t i = 0; i < FLOWS; i++) {
		if (i % 2)
			assert_int_equal(find(table, i)->first_ms, i);
		else
			assert_null(find(table, i));
	}
	flow_table_free(table);
}

static void a_flow_starts_empty_in_the_place_of_another(void **state)
{
	struct flow_table *table = flow_table_new(1, 4);
	struct inspected *inspected = add(table, 1, 0);
	uint8_t *bytes = inspected->flow.stream.bytes;

	(void)state;
	assert_int_equal(stream_put(&inspected->flow.stream, 0, (const uint8_t *)"x", 1),
			 STREAM_TAKEN);
	inspected->confirmed = inspected->flow.named = true;
	inspected->number = inspected->sent = inspected->flow.approved = 1;
	flow_table_remove(table, inspected);
	inspected = add(table, 2, 9);
	assert_ptr_equal(inspected->flow.stream.bytes, bytes);
	assert_int_equal(stream_prefix(&inspected->flow.stream), 0);
	assert_false(inspected->confirmed || inspected->flow.named || inspected->looking_up);
	assert_int_equal(inspected->number + inspected->sent + inspected->flow.approved, 0);
	assert_int_equal(inspected->first_ms, 9);
	flow_table_free(table);
}

static void a_full_table_gives_up_the_longest_idle_released_flow(void **state)
{
	struct flow_table *table = flow_table_new(3, 4);

	(void)state;
	add(table, 1, 1);
	add(table, 2, 2)->flow.state = FLOW_STATE_CONFIRM;
	add(table, 3, 3)->flow.state = FLOW_STATE_CONFIRM;
	flow_table_touch(table, find(table, 2), 4);
	assert_non_null(add(table, 4, 5));
	assert_null(find(table, 3));
	assert_non_null(find(table, 1));
	assert_non_null(find(table, 2));
	assert_int_equal(flow_table_count(table), 3);
	flow_table_free(table);
}

static void flows_that_are_not_released_or_hold_packets_are_never_given_up(void **state)
{
	struct flow_table *table = flow_table_new(4, 4);
	struct inspected *holding;

	(void)state;
	add(table, 1, 1);
	add(table, 2, 2)->flow.state = FLOW_STATE_LOOKUP;
	find(table, 2)->looking_up = true;
	add(table, 3, 3)->flow.state = FLOW_STATE_DENIED;
	holding = add(table, 4, 4);
	holding->flow.state = FLOW_STATE_CONFIRM;
	assert_true(flow_table_hold(table, holding, 40, 10, 4));
	assert_null(add(table, 5, 5));
	for (uint16_t port = 1; port <= 4; port++)
		assert_non_null(find(table, port));
	assert_let_go(table, holding, 10, 40, 10);
	assert_non_null(add(table, 5, 6));
	assert_null(find(table, 4));
	flow_table_free(table);
}

static void held_packets_leave_in_order_as_far_as_is_approved(void **state)
{
	struct flow_table *table = flow_table_new(1, 8);
	struct inspected *inspected = add(table, 1, 0);

	(void)state;
	assert_true(flow_table_hold(table, inspected, 1, 30, 0));
	assert_true(flow_table_hold(table, inspected, 2, 10, 0));
	assert_true(flow_table_hold(table, inspected, 3, 20, 0));
	assert_true(flow_table_hold(table, inspected, 4, 40, 0));
	assert_nothing_to_let_go(table, inspected, 9);
	assert_let_go(table, inspected, 20, 2, 10);
	assert_let_go(table, inspected, 20, 3, 20);
	assert_nothing_to_let_go(table, inspected, 20);
	assert_int_equal(inspected->held_count, 2);
	assert_let_go(table, inspected, 40, 1, 30);
	assert_let_go(table, inspected, 40, 4, 40);
	/* the list's end is right after its last element was taken out */
	assert_true(flow_table_hold(table, inspected, 5, 50, 0));
	assert_true(flow_table_hold(table, inspected, 6, 60, 0));
	assert_let_go(table, inspected, UINT32_MAX, 5, 50);
	assert_let_go(table, inspected, UINT32_MAX, 6, 60);
	assert_int_equal(inspected->held_count, 0);
	flow_table_free(table);
}

static void the_pool_of_held_packets_is_shared_and_given_back(void **state)
{
	struct flow_table *table = flow_table_new(2, 3);
	struct inspected *one = add(table, 1, 0), *two = add(table, 2, 0);

	(void)state;
	assert_true(flow_table_hold(table, one, 1, 1, 0));
	assert_true(flow_table_hold(table, one, 2, 2, 0));
	assert_true(flow_table_hold(table, two, 3, 1, 0));
	assert_false(flow_table_hold(table, two, 4, 2, 0));
	assert_int_equal(two->held_count, 1);
	assert_let_go(table, one, 2, 1, 1);
	assert_true(flow_table_hold(table, two, 4, 2, 0));
	assert_let_go(table, two, 2, 3, 1);
	assert_let_go(table, two, 2, 4, 2);
	flow_table_free(table);
}

static void one_flow_holds_no_more_than_its_share(void **state)
{
	struct flow_table *table = flow_table_new(2, HELD_PER_FLOW_MAX + 8);
	struct inspected *greedy = add(table, 1, 0);

	(void)state;
	for (uint32_t i = 0; i < HELD_PER_FLOW_MAX; i++)
		assert_true(flow_table_hold(table, greedy, i, i, 0));
	assert_false(flow_table_hold(table, greedy, 5000, 1, 0));
	assert_true(flow_table_hold(table, add(table, 2, 0), 5000, 1, 0));
	flow_table_free(table);
}

static void the_time_of_holding_is_that_of_the_first_packet(void **state)
{
	struct flow_table *table = flow_table_new(1, 8);
	struct inspected *inspected = add(table, 1, 0);

	(void)state;
	assert_true(flow_table_hold(table, inspected, 1, 10, 100));
	assert_true(flow_table_hold(table, inspected, 2, 20, 200));
	assert_int_equal(inspected->held_ms, 100);
	assert_let_go(table, inspected, 10, 1, 10);
	assert_true(flow_table_hold(table, inspected, 3, 30, 300));
	assert_int_equal(inspected->held_ms, 100);
	assert_let_go(table, inspected, 30, 2, 20);
	assert_let_go(table, inspected, 30, 3, 30);
	assert_true(flow_table_hold(table, inspected, 4, 40, 400));
	assert_int_equal(inspected->held_ms, 400);
	flow_table_free(table);
}

static void flows_stand_in_the_order_of_their_last_packet(void **state)
{
	struct flow_table *table = flow_table_new(3, 1);
	struct inspected *one = add(table, 1, 1), *two = add(table, 2, 2),
			 *three = add(table, 3, 3);

	(void)state;
	flow_table_touch(table, one, 4);
	assert_ptr_equal(flow_table_oldest(table), two);
	assert_ptr_equal(two->newer, three);
	assert_ptr_equal(three->newer, one);
	assert_null(one->newer);
	flow_table_remove(table, three);
	assert_ptr_equal(two->newer, one);
	flow_table_remove(table, two);
	flow_table_touch(table, one, 5);
	assert_ptr_equal(flow_table_oldest(table), one);
	flow_table_remove(table, one);
	assert_null(flow_table_oldest(table));
	flow_table_free(table);
}

/* What a page of the mapping costs shows only when it is touched; so the first one is, at once. */
static void the_room_for_ordinary_hellos_is_taken_at_the_start(void **state)
{
	enum { FLOWS = 64 };
	struct flow_table *table = flow_table_new(FLOWS, FLOWS);

	(void)state;
	for (uint16_t i = 0; i < FLOWS; i++) {
		uint8_t *bytes = add(table, i, 1)->flow.stream.bytes;
		unsigned char is_resident[2] = {0};

		assert_int_equal((uintptr_t)bytes % (uintptr_t)getpagesize(), 0);
		assert_int_equal(mincore(bytes, 2 * (size_t)getpagesize(), is_resident), 0);
		assert_int_equal(is_resident[0] & 1, 1);
		assert_int_equal(is_resident[1] & 1, 0);
	}
	flow_table_free(table);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_flow_is_found_by_all_four_of_its_addresses_and_ports),
		cmocka_unit_test(many_flows_are_found_and_removed_in_any_order),
		cmocka_unit_test(a_flow_starts_empty_in_the_place_of_another),
		cmocka_unit_test(a_full_table_gives_up_the_longest_idle_released_flow),
		cmocka_unit_test(flows_that_are_not_released_or_hold_packets_are_never_given_up),
		cmocka_unit_test(held_packets_leave_in_order_as_far_as_is_approved),
		cmocka_unit_test(the_pool_of_held_packets_is_shared_and_given_back),
		cmocka_unit_test(one_flow_holds_no_more_than_its_share),
		cmocka_unit_test(the_time_of_holding_is_that_of_the_first_packet),
		cmocka_unit_test(flows_stand_in_the_order_of_their_last_packet),
		cmocka_unit_test(the_room_for_ordinary_hellos_is_taken_at_the_start),
	};

	return cmocka_run_group_tests_name("inspect/flow_table", tests, NULL, NULL);
}
