/*
 * Pins and admissions on disk, loaded at the start. Pins are saved now and then when they have
 * changed, and at the end. Admissions are kept as they are given: a flow whose number meant nothing
 * after a crash could not be judged again. Those for which the disk had no room are tried again.
 */
#include "gateway/gateway_impl.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/log.h"

static const char *path_of(const struct gateway *gateway, const char *file, char path[PATH_MAX])
{
	snprintf(path, PATH_MAX, "%s/%s", gateway->config->state_directory, file);
	return path;
}

/* A missing file is a first start; a broken one is told and left aside: pins are learned again. */
static void report_load(const char *path, int error)
{
	if (error < 0 && error != -ENOENT)
		log_warning("%s is not used: %s", path,
			    error == -EBADMSG ? "it is malformed" : strerror(-error));
}

static int make_folder(const char *path)
{
	struct stat status;
	int error = 0;

	if (mkdir(path, 0750) == 0)
		return 0;
	if (errno != EEXIST || stat(path, &status) < 0)
		error = errno;
	else if (!S_ISDIR(status.st_mode))
		error = ENOTDIR;
	if (error != 0)
		log_error("cannot make the state folder %s: %s", path, strerror(error));
	return -error;
}

/* As learn.c would give one now. */
static uint64_t longest_pin_ms(const struct gateway *gateway)
{
	uint64_t by_ttl = GATEWAY_TTL_MAX * UINT64_C(1000) + atomic_load(&gateway->grace_ms);
	uint64_t lifetime = atomic_load(&gateway->lifetime_ms);

	return by_ttl > lifetime ? by_ttl : lifetime;
}

int state_load(struct gateway *gateway)
{
	char path[PATH_MAX];

	if (make_folder(gateway->config->state_directory) < 0)
		return -1;
	path_of(gateway, "admissions", path);
	report_load(path, admissions_load(gateway->admissions, path));
	path_of(gateway, "pins", path);
	report_load(path, pins_load(gateway->pins, path, clock_steady_ms(), clock_wall_ms(),
				    longest_pin_ms(gateway)));
	return state_keep_admissions(gateway);
}

void state_save(struct gateway *gateway)
{
	uint64_t changes = pins_figures(gateway->pins).changes;
	char path[PATH_MAX];
	int error;

	if (admissions_unkept(gateway->admissions) > 0)
		(void)state_keep_admissions(gateway);
	if (changes == gateway->saved_changes)
		return;
	path_of(gateway, "pins", path);
	error = pins_save(gateway->pins, path, clock_steady_ms(), clock_wall_ms());
	if (error < 0)
		log_warning("cannot save %s: %s", path, strerror(-error));
	else
		gateway->saved_changes = changes;
}

int state_keep_admissions(struct gateway *gateway)
{
	char path[PATH_MAX];
	int error = admissions_keep(gateway->admissions, path_of(gateway, "admissions", path));

	if (error < 0)
		log_error("cannot write %s: %s", path, strerror(-error));
	return error;
}
