/* The oracle must not be deaf: it reads the recorded hellos, and a second one that it asked for. */
#include "tls_oracle.h"

#include "proto/tls/client_hello.h"

#include "../unit/proto/hellos.h"

static void the_server_reads_every_recorded_hello(void **state)
{
	uint8_t bytes[HELLO_FILE_MAX];

	(void)state;
	for (size_t i = 0; i < RECORDED_HELLOS; i++) {
		const struct recorded_hello *recorded = &recorded_hellos[i];
		struct oracle_reading reading =
			oracle_read(bytes, load_hello(recorded->file, bytes));

		assert_int_equal(reading.count, 1);
		assert_string_equal(reading.names[0],
				    recorded->server_name ? recorded->server_name : "");
	}
}

static void the_server_asks_for_a_second_hello_and_reads_it(void **state)
{
	uint8_t bytes[HELLO_FILE_MAX];
	size_t length = load_hello("retry_both", bytes);
	struct oracle_reading reading = oracle_read(bytes, length);

	(void)state;
	assert_int_equal(reading.count, 2);
	assert_string_equal(reading.names[0], reading.names[1]);
}

static void the_server_reads_nothing_in_half_a_hello(void **state)
{
	uint8_t bytes[HELLO_FILE_MAX];
	size_t length = load_hello("openssl_tls13", bytes);

	(void)state;
	for (size_t cut = 0; cut < length; cut++)
		assert_int_equal(oracle_read(bytes, cut).count, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_server_reads_every_recorded_hello),
		cmocka_unit_test(the_server_asks_for_a_second_hello_and_reads_it),
		cmocka_unit_test(the_server_reads_nothing_in_half_a_hello),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
