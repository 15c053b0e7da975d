#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "observe/event.h"

/* A folder of its own for each test. */
struct fixture {
	char folder[64];
	char path[96];
	char moved[96];
};

static int make_folder(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	strcpy(fixture->folder, "/tmp/event_test.XXXXXX");
	if (!mkdtemp(fixture->folder)) {
		free(fixture);
		return -1;
	}
	snprintf(fixture->path, sizeof(fixture->path), "%s/events", fixture->folder);
	snprintf(fixture->moved, sizeof(fixture->moved), "%s/events.1", fixture->folder);
	*state = fixture;
	return 0;
}

static int remove_folder(void **state)
{
	struct fixture *fixture = *state;

	unlink(fixture->path);
	unlink(fixture->moved);
	rmdir(fixture->folder);
	free(fixture);
	return 0;
}

static struct ip_endpoint endpoint(const char *text)
{
	struct ip_endpoint parsed;

	assert_int_equal(ip_endpoint_parse(text, 0, &parsed), 0);
	return parsed;
}

static struct event sample(void)
{
	return (struct event){
		.kind = EVENT_VERDICT,
		.source = endpoint("10.42.0.5:40000"),
		.destination = endpoint("[2001:db8::1]:443"),
		.name = "mcr.microsoft.com",
		.name_origin = NAME_FROM_SNI,
		.protocol = EVENT_HTTPS,
		.action = RULE_ALLOW,
		.rule = "aks/mcr",
		.reason = REASON_RULE_ALLOWS,
		.path = "inspect",
		.detail = "first hello",
	};
}

static char *read_all(const char *path)
{
	char *text = calloc(1, 1 << 20);
	FILE *file = fopen(path, "re");

	assert_non_null(file);
	assert_true(fread(text, 1, (1 << 20) - 1, file) < (1 << 20) - 1);
	fclose(file);
	return text;
}

/* Parses line `index` (from 0) of the file. */
static json_t *line_of(const char *path, size_t index)
{
	char *text = read_all(path), *line = text, *end;

	while (index--) {
		line = strchr(line, '\n');
		assert_non_null(line);
		line++;
	}
	end = strchr(line, '\n');
	assert_non_null(end);
	json_t *object = json_loadb(line, (size_t)(end - line), JSON_REJECT_DUPLICATES, NULL);

	assert_non_null(object);
	free(text);
	return object;
}

static size_t count_lines(const char *path)
{
	char *text = read_all(path);
	size_t lines = 0;

	for (const char *byte = text; *byte; byte++)
		lines += *byte == '\n';
	free(text);
	return lines;
}

static void assert_text(json_t *object, const char *key, const char *expected)
{
	assert_string_equal(json_string_value(json_object_get(object, key)), expected);
}

/* Emits one event into a new file and parses its line. */
static json_t *round_trip(struct fixture *fixture, const struct event *event)
{
	struct events *events = events_open(fixture->path);

	assert_non_null(events);
	events_emit(events, event);
	assert_int_equal(events_figures(events).lost, 0);
	events_close(events);
	return line_of(fixture->path, count_lines(fixture->path) - 1);
}

static void a_verdict_is_one_json_line_with_all_it_knows(void **state)
{
	struct event event = sample();
	json_t *object = round_trip(*state, &event);

	assert_int_equal(strlen(json_string_value(json_object_get(object, "time"))), 24);
	assert_text(object, "event", "verdict");
	assert_text(object, "source", "10.42.0.5:40000");
	assert_text(object, "destination", "[2001:db8::1]:443");
	assert_text(object, "name", "mcr.microsoft.com");
	assert_text(object, "name_from", "sni");
	assert_text(object, "protocol", "https");
	assert_text(object, "action", "allow");
	assert_text(object, "rule", "aks/mcr");
	assert_text(object, "reason", "rule_allows");
	assert_text(object, "path", "inspect");
	assert_text(object, "detail", "first hello");
	assert_int_equal(json_object_size(object), 12);
	json_decref(object);
}

static void what_is_unknown_is_left_out(void **state)
{
	struct event event = {
		.protocol = EVENT_OTHER,
		.name_origin = NAME_FROM_DNS,
		.action = RULE_DENY,
		.reason = REASON_NO_RULE,
	};
	json_t *object = round_trip(*state, &event);

	assert_text(object, "protocol", "other");
	assert_text(object, "action", "deny");
	assert_text(object, "reason", "no_rule");
	assert_int_equal(json_object_size(object), 5); /* and time, event */
	json_decref(object);
}

static void an_end_has_bytes_and_duration(void **state)
{
	struct event event = sample();

	event.kind = EVENT_END;
	event.bytes_out = 517;
	event.bytes_in = UINT64_C(1) << 40;
	event.duration_ms = 12;
	json_t *object = round_trip(*state, &event);

	assert_text(object, "event", "end");
	assert_int_equal(json_integer_value(json_object_get(object, "bytes_out")), 517);
	assert_int_equal(json_integer_value(json_object_get(object, "bytes_in")), INT64_C(1) << 40);
	assert_int_equal(json_integer_value(json_object_get(object, "duration_ms")), 12);
	assert_int_equal(json_object_size(object), 15);
	json_decref(object);
}

static void an_endpoint_without_a_port_is_an_address_alone(void **state)
{
	struct event event = sample();

	event.protocol = EVENT_ICMP;
	event.source.port = 0;
	event.destination.port = 0;
	json_t *object = round_trip(*state, &event);

	assert_text(object, "source", "10.42.0.5");
	assert_text(object, "destination", "2001:db8::1");
	json_decref(object);
}

static void hostile_bytes_leave_one_ascii_line_that_parses_back(void **state)
{
	struct fixture *fixture = *state;
	struct event event = sample();

	event.name = "a\"b\\c\n\x1b[31m\x7f";
	/* two, three, four bytes; C1 control; then: bare continuation, overlong, surrogate, beyond
	   U+10FFFF, five-byte lead, cut short */
	event.detail = "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\xc2\x9b|\x80|\xc0\xaf|\xed\xa0\x80|"
		       "\xf4\x90\x80\x80|\xf8|\xe2\x82";
	json_t *object = round_trip(fixture, &event);
	char *text = read_all(fixture->path);

	assert_text(object, "name", event.name);
#define NOT_UTF8 "\xef\xbf\xbd"
	assert_text(object, "detail",
		    "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\xc2\x9b|" NOT_UTF8 "|" NOT_UTF8 NOT_UTF8
		    "|" NOT_UTF8 NOT_UTF8 NOT_UTF8 "|" NOT_UTF8 NOT_UTF8 NOT_UTF8 NOT_UTF8
		    "|" NOT_UTF8 "|" NOT_UTF8 NOT_UTF8);
	assert_int_equal(count_lines(fixture->path), 1);
	for (const char *byte = text; byte[1]; byte++)
		assert_in_range(*byte, 0x20, 0x7e);
	free(text);
	json_decref(object);
}

static void values_beyond_their_share_are_cut_visibly_and_the_line_fits_a_pipe(void **state)
{
	struct fixture *fixture = *state;
	struct event event = sample();
	static char huge[10000];
	struct stat status;

	memset(huge, 0x01, sizeof(huge) - 1);
	event.kind = EVENT_END;
	event.name = event.rule = event.path = event.detail = huge;
	event.source = event.destination =
		endpoint("[2001:db80:2001:db80:2001:db80:2001:db80]:65535");
	event.bytes_in = event.bytes_out = event.duration_ms = UINT64_C(9223372036854775807);
	json_t *object = round_trip(fixture, &event);
	const char *detail = json_string_value(json_object_get(object, "detail"));

	assert_string_equal(detail + strlen(detail) - 3, "...");
	assert_int_equal(stat(fixture->path, &status), 0);
	assert_in_range(status.st_size, 3000, 4096);
	json_decref(object);
}

static void the_longest_name_is_never_cut(void **state)
{
	struct event event = sample();
	char name[254];

	memset(name, 'a', 253);
	name[253] = '\0';
	event.name = name;
	json_t *object = round_trip(*state, &event);

	assert_text(object, "name", name);
	json_decref(object);
}

static void figures_count_verdicts_and_reasons_but_not_ends(void **state)
{
	struct fixture *fixture = *state;
	struct events *events = events_open(fixture->path);
	struct event event = sample();

	events_emit(events, &event);
	event.kind = EVENT_END;
	events_emit(events, &event);
	event.kind = EVENT_VERDICT;
	event.action = RULE_DENY;
	event.reason = REASON_QUIC;
	events_emit(events, &event);
	events_emit(events, &event);
	struct events_figures figures = events_figures(events);

	assert_int_equal(figures.allowed, 1);
	assert_int_equal(figures.denied, 2);
	assert_int_equal(figures.lost, 0);
	assert_int_equal(figures.by_reason[REASON_RULE_ALLOWS], 1);
	assert_int_equal(figures.by_reason[REASON_QUIC], 2);
	assert_int_equal(figures.by_reason[REASON_NO_RULE], 0);
	assert_int_equal(count_lines(fixture->path), 4);
	events_close(events);
}

static void a_full_disk_is_counted_and_the_verdict_still_figures(void **state)
{
	struct events *events = events_open("/dev/full");
	struct event event = sample();

	(void)state;
	assert_non_null(events);
	events_emit(events, &event);
	events_emit(events, &event);
	assert_int_equal(events_figures(events).lost, 2);
	assert_int_equal(events_figures(events).allowed, 2);
	events_close(events);
}

static void gathered_lines_wait_until_they_are_written_or_fill_a_write(void **state)
{
	struct fixture *fixture = *state;
	struct events *events = events_open(fixture->path);
	struct event_lines lines = {0};
	struct event event = sample();

	events_write(events, &lines); /* nothing */
	events_gather(events, &lines, &event);
	assert_int_equal(count_lines(fixture->path), 0);
	assert_int_equal(events_figures(events).allowed, 1);
	for (int i = 0; i < 99; i++)
		events_gather(events, &lines, &event);
	assert_in_range(count_lines(fixture->path), 80, 99);
	events_write(events, &lines);
	assert_int_equal(count_lines(fixture->path), 100);
	for (size_t i = 0; i < 100; i++)
		json_decref(line_of(fixture->path, i));
	events_close(events);
}

static void gathered_lines_that_cannot_be_written_are_each_counted_as_lost(void **state)
{
	struct events *events = events_open("/dev/full");
	struct event_lines lines = {0};
	struct event event = sample();

	(void)state;
	for (int i = 0; i < 3; i++)
		events_gather(events, &lines, &event);
	events_write(events, &lines);
	events_write(events, &lines);
	assert_int_equal(events_figures(events).lost, 3);
	events_close(events);
}

static void limit_file_size(rlim_t size)
{
	struct rlimit limit;

	assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
	limit.rlim_cur = size;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void a_line_written_in_part_spoils_no_other_line(void **state)
{
	struct fixture *fixture = *state;
	struct events *events = events_open(fixture->path);
	struct event event = sample();

	signal(SIGXFSZ, SIG_IGN);
	limit_file_size(100);
	events_emit(events, &event); /* the first 100 bytes */
	events_emit(events, &event); /* nothing */
	limit_file_size(RLIM_INFINITY);
	events_emit(events, &event);
	events_emit(events, &event);
	assert_int_equal(events_figures(events).lost, 2);
	assert_int_equal(count_lines(fixture->path), 3);
	json_decref(line_of(fixture->path, 1));
	json_decref(line_of(fixture->path, 2));
	events_close(events);
}

static void after_a_rename_reopening_starts_a_new_file(void **state)
{
	struct fixture *fixture = *state;
	struct events *events = events_open(fixture->path);
	struct event event = sample();
	struct stat status;

	events_emit(events, &event);
	assert_int_equal(rename(fixture->path, fixture->moved), 0);
	events_emit(events, &event); /* still the moved one */
	assert_int_equal(events_reopen(events), 0);
	events_emit(events, &event);
	assert_int_equal(count_lines(fixture->moved), 2);
	assert_int_equal(count_lines(fixture->path), 1);
	assert_int_equal(stat(fixture->path, &status), 0);
	assert_int_equal(status.st_mode & 0137, 0); /* never more than 0640 */
	events_close(events);
}

static void when_reopening_fails_the_old_file_stays_in_use(void **state)
{
	struct fixture *fixture = *state;
	struct events *events = events_open(fixture->path);
	struct event event = sample();

	assert_int_equal(rename(fixture->path, fixture->moved), 0);
	assert_int_equal(mkdir(fixture->path, 0700), 0);
	assert_int_equal(events_reopen(events), -EISDIR);
	events_emit(events, &event);
	assert_int_equal(count_lines(fixture->moved), 1);
	rmdir(fixture->path);
	events_close(events);
}

static void what_cannot_be_opened_is_an_error_with_its_cause(void **state)
{
	(void)state;
	assert_null(events_open("/nonexistent-folder/events"));
	assert_int_equal(errno, ENOENT);
}

/* Opens "-" while descriptor 1 is `descriptor`. */
static struct events *open_on_standard_output(int descriptor)
{
	int saved;

	fflush(stdout);
	saved = dup(STDOUT_FILENO);
	assert_int_equal(dup2(descriptor, STDOUT_FILENO), STDOUT_FILENO);
	struct events *events = events_open("-");

	assert_int_equal(dup2(saved, STDOUT_FILENO), STDOUT_FILENO);
	close(saved);
	return events;
}

/* Emits more than the other side has room for: must come back, and lose lines. */
static void overfill(struct events *events, int reader)
{
	struct event event = sample();
	char first[5000];

	for (int i = 0; i < 5000; i++)
		events_emit(events, &event);
	assert_in_range(events_figures(events).lost, 1, 4999);
	assert_int_equal(events_reopen(events), 0); /* nothing to do for standard output */
	ssize_t length = read(reader, first, sizeof(first));

	assert_true(length > 0);
	assert_non_null(memchr(first, '\n', (size_t)length));
}

static void a_pipe_that_nobody_reads_loses_lines_and_delays_nothing(void **state)
{
	int ends[2];

	(void)state;
	assert_int_equal(pipe(ends), 0);
	struct events *events = open_on_standard_output(ends[1]);

	assert_non_null(events);
	assert_int_equal(fcntl(ends[1], F_GETFL) & O_NONBLOCK, 0); /* others' view unchanged */
	overfill(events, ends[0]);
	events_close(events);
	close(ends[0]);
	close(ends[1]);
}

static void a_socket_that_nobody_reads_loses_lines_and_delays_nothing(void **state)
{
	int ends[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	struct events *events = open_on_standard_output(ends[1]);

	assert_non_null(events);
	overfill(events, ends[0]);
	events_close(events);
	close(ends[0]);
	close(ends[1]);
}

static void standard_output_may_be_a_file(void **state)
{
	struct fixture *fixture = *state;
	int file = open(fixture->path, O_WRONLY | O_CREAT | O_APPEND, 0600);
	struct events *events = open_on_standard_output(file);
	struct event event = sample();

	events_emit(events, &event);
	assert_int_equal(count_lines(fixture->path), 1);
	events_close(events);
	close(file);
}

#define THREADS          4
#define EVENTS_OF_THREAD 500

static void *emit_many(void *argument)
{
	struct event event = sample();

	for (int i = 0; i < EVENTS_OF_THREAD; i++)
		events_emit(argument, &event);
	return NULL;
}

static void lines_of_several_threads_never_mix_also_across_reopening(void **state)
{
	struct fixture *fixture = *state;
	struct events *events = events_open(fixture->path);
	pthread_t threads[THREADS];

	for (size_t i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, emit_many, events), 0);
	for (size_t i = 0; i < 50; i++)
		assert_int_equal(events_reopen(events), 0);
	for (size_t i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(events_figures(events).lost, 0);
	assert_int_equal(events_figures(events).allowed, THREADS * EVENTS_OF_THREAD);
	events_close(events);

	FILE *file = fopen(fixture->path, "re");
	char line[5000];
	size_t lines = 0;

	while (fgets(line, sizeof(line), file)) {
		json_t *object = json_loads(line, 0, NULL);

		assert_non_null(object);
		json_decref(object);
		lines++;
	}
	fclose(file);
	assert_int_equal(lines, THREADS * EVENTS_OF_THREAD);
}

#define FILE_TEST(name) cmocka_unit_test_setup_teardown(name, make_folder, remove_folder)

int main(void)
{
	const struct CMUnitTest tests[] = {
		FILE_TEST(a_verdict_is_one_json_line_with_all_it_knows),
		FILE_TEST(what_is_unknown_is_left_out),
		FILE_TEST(an_end_has_bytes_and_duration),
		FILE_TEST(an_endpoint_without_a_port_is_an_address_alone),
		FILE_TEST(hostile_bytes_leave_one_ascii_line_that_parses_back),
		FILE_TEST(values_beyond_their_share_are_cut_visibly_and_the_line_fits_a_pipe),
		FILE_TEST(the_longest_name_is_never_cut),
		FILE_TEST(figures_count_verdicts_and_reasons_but_not_ends),
		cmocka_unit_test(a_full_disk_is_counted_and_the_verdict_still_figures),
		FILE_TEST(gathered_lines_wait_until_they_are_written_or_fill_a_write),
		cmocka_unit_test(gathered_lines_that_cannot_be_written_are_each_counted_as_lost),
		FILE_TEST(a_line_written_in_part_spoils_no_other_line),
		FILE_TEST(after_a_rename_reopening_starts_a_new_file),
		FILE_TEST(when_reopening_fails_the_old_file_stays_in_use),
		cmocka_unit_test(what_cannot_be_opened_is_an_error_with_its_cause),
		cmocka_unit_test(a_pipe_that_nobody_reads_loses_lines_and_delays_nothing),
		cmocka_unit_test(a_socket_that_nobody_reads_loses_lines_and_delays_nothing),
		FILE_TEST(standard_output_may_be_a_file),
		FILE_TEST(lines_of_several_threads_never_mix_also_across_reopening),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
