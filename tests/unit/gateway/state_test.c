#include "world.h"

#include <sys/stat.h>

#include "base/log.h"

static void write_rules(struct rule_set *set)
{
	write_collection(set, "by-hello", RULE_APPLICATION, 200, RULE_ALLOW);
	write_rule(set, "web", "from:* https:443 pattern:*.example");
}

static char s_directory[128];

static int open_world(void **state)
{
	struct world *world;

	make_world(state, write_rules);
	world = *state;
	snprintf(s_directory, sizeof(s_directory), "%s/state", world->folder);
	world->config.state_directory = s_directory;
	return 0;
}

/* As after a restart: nothing in memory. */
static void forget_all(struct world *world)
{
	pins_free(world->gateway.pins);
	admissions_free(world->gateway.admissions);
	world->gateway.pins = pins_new(200);
	world->gateway.admissions = admissions_new(1000);
	world->gateway.saved_changes = 0;
}

static void write_file(const char *name, const char *content)
{
	char path[256];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", s_directory, name);
	file = fopen(path, "w");
	assert_non_null(file);
	fputs(content, file);
	fclose(file);
}

static bool has_file(const char *name)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", s_directory, name);
	return access(path, F_OK) == 0;
}

static bool knows_name(const struct world *world, uint32_t number, const char *key)
{
	struct admission admission;

	return admissions_find(world->gateway.admissions, number, &admission) &&
	       admission.kind == ADMISSION_NAME && strcmp(admission.key, key) == 0;
}

static void a_first_start_makes_the_folder_for_the_owner_and_group(void **state)
{
	struct world *world = *state;
	struct stat status;

	assert_int_equal(state_load(&world->gateway), 0);
	assert_int_equal(stat(s_directory, &status), 0);
	assert_int_equal(status.st_mode & 07777, 0750);
	assert_true(has_file("admissions"));
	assert_false(has_file("pins"));
}

static void pins_and_admissions_come_back_after_a_restart(void **state)
{
	struct world *world = *state;
	uint32_t number;

	assert_int_equal(state_load(&world->gateway), 0);
	pin_for(world, "x.example", "198.51.100.7", 5 * MINUTE_MS);
	number = number_of(world, ADMISSION_NAME, "x.example");
	state_save(&world->gateway);
	forget_all(world);
	assert_int_equal(state_load(&world->gateway), 0);
	assert_about(pin_lasts(world, "x.example", "198.51.100.7"), 5 * MINUTE_MS);
	assert_true(knows_name(world, number, "x.example"));
}

static void admissions_outlive_a_crash_without_a_save(void **state)
{
	struct world *world = *state;
	uint32_t number;

	assert_int_equal(state_load(&world->gateway), 0);
	number = number_of(world, ADMISSION_NAME, "x.example");
	forget_all(world);
	assert_int_equal(state_load(&world->gateway), 0);
	assert_true(knows_name(world, number, "x.example"));
}

static void pins_are_written_only_when_they_changed(void **state)
{
	struct world *world = *state;
	char path[256];

	assert_int_equal(state_load(&world->gateway), 0);
	pin_for(world, "x.example", "198.51.100.7", 5 * MINUTE_MS);
	state_save(&world->gateway);
	assert_true(has_file("pins"));
	snprintf(path, sizeof(path), "%s/pins", s_directory);
	unlink(path);
	state_save(&world->gateway);
	assert_false(has_file("pins"));
	pin_for(world, "x.example", "198.51.100.8", 5 * MINUTE_MS);
	state_save(&world->gateway);
	assert_true(has_file("pins"));
}

static void broken_files_are_left_out_and_the_start_goes_on(void **state)
{
	static const char *const broken[] = {
		"",
		"garbage",
		"sallyport pins 1\nx.example nowhere 5\n",
		"sallyport admissions 1\nname x 1\n\n",
		"sallyport pins 2\n",
	};
	struct world *world = *state;

	mkdir(s_directory, 0750);
	for (size_t i = 0; i < sizeof(broken) / sizeof(broken[0]); i++) {
		write_file("pins", broken[i]);
		write_file("admissions", broken[i]);
		forget_all(world);
		assert_int_equal(state_load(&world->gateway), 0);
		assert_int_equal(pins_figures(world->gateway.pins).held, 0);
		assert_int_equal(admissions_held(world->gateway.admissions), 0);
	}
	number_of(world, ADMISSION_NAME, "x.example"); /* the registry works on */
	forget_all(world);
	assert_int_equal(state_load(&world->gateway), 0);
	assert_int_equal(admissions_held(world->gateway.admissions), 1);
}

static void a_state_folder_that_cannot_be_is_a_failed_start(void **state)
{
	struct world *world = *state;

	snprintf(s_directory, sizeof(s_directory), "%s/none/state", world->folder);
	assert_true(state_load(&world->gateway) < 0);
	snprintf(s_directory, sizeof(s_directory), "%s/log", world->folder); /* a file */
	assert_true(state_load(&world->gateway) < 0);
}

static void a_save_that_fails_is_tried_again(void **state)
{
	struct world *world = *state;

	assert_int_equal(state_load(&world->gateway), 0);
	pin_for(world, "x.example", "198.51.100.7", 5 * MINUTE_MS);
	snprintf(s_directory, sizeof(s_directory), "%s/none", world->folder);
	state_save(&world->gateway);
	snprintf(s_directory, sizeof(s_directory), "%s/state", world->folder);
	state_save(&world->gateway);
	assert_true(has_file("pins"));
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, open_world, end_world)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_first_start_makes_the_folder_for_the_owner_and_group),
		TEST(pins_and_admissions_come_back_after_a_restart),
		TEST(admissions_outlive_a_crash_without_a_save),
		TEST(pins_are_written_only_when_they_changed),
		TEST(broken_files_are_left_out_and_the_start_goes_on),
		TEST(a_state_folder_that_cannot_be_is_a_failed_start),
		TEST(a_save_that_fails_is_tried_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
