/*
 * sallyport.yaml → struct config. The file changes defaults; sections are read in the order of
 * s_fields, so that `collections` knows the service tags that `cluster` names. Every fault is told
 * with its place; with a single error there is no config.
 */
#include "config/config.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "config/sections_impl.h"
#include "tags/tags.h"
#include "yaml/read.h"

#define RESOLV_CONF     "/etc/resolv.conf"
#define STATE_DIRECTORY "/var/lib/sallyport"
#define ADMIN_SOCKET    "/run/sallyport/admin.sock"

DEFINE_CLEANUP(drop_config, struct config *, config_free);
DEFINE_CLEANUP(drop_tree, struct yaml_tree *, yaml_tree_free);

struct reading {
	struct config *config;
	const char *file;
};

static bool read_cluster(const struct yaml_item *value, const struct yaml_field *field,
			 void *target, struct problems *problems)
{
	struct reading *reading = target;

	(void)field;
	return config_read_cluster(value, reading->file, reading->config, problems);
}

static bool read_collections(const struct yaml_item *value, const struct yaml_field *field,
			     void *target, struct problems *problems)
{
	struct reading *reading = target;

	(void)field;
	return config_read_collections(value, reading->file, reading->config, problems);
}

typedef bool read_section(const struct yaml_item *item, struct config *config,
			  struct problems *problems);

/* Sections that need nothing but the config; which one is told by the table. */
struct section {
	read_section *read;
};

static bool read_plain_section(const struct yaml_item *value, const struct yaml_field *field,
			       void *target, struct problems *problems)
{
	const struct section *section = field->limits;

	return section->read(value, ((struct reading *)target)->config, problems);
}

static const struct yaml_field s_log_fields[] = {
	{.key = "file",
	 .read = yaml_read_string,
	 .offset = YAML_MEMBER(struct config, log_file, char *)},
};

static const struct yaml_field s_state_fields[] = {
	{.key = "directory",
	 .read = yaml_read_string,
	 .offset = YAML_MEMBER(struct config, state_directory, char *)},
	{.key = "socket",
	 .read = yaml_read_string,
	 .offset = YAML_MEMBER(struct config, admin_socket, char *)},
};

static bool read_log(const struct yaml_item *item, struct config *config, struct problems *problems)
{
	return yaml_read_fields(item, s_log_fields, config, problems);
}

static bool read_state(const struct yaml_item *item, struct config *config,
		       struct problems *problems)
{
	return yaml_read_fields(item, s_state_fields, config, problems);
}

#define USER_NAME_MAX   32
#define USER_NUMBER_MAX (UINT32_MAX - 1) /* the last one means "no change" to setresuid() */

/* The names that useradd(8) takes, and numbers as they are written. */
static bool is_user(const char *text)
{
	size_t length = strlen(text);

	if (length == 0 || length > USER_NAME_MAX)
		return false;
	if (strspn(text, "0123456789") == length)
		return (*text != '0' || length == 1) && length <= 10 &&
		       strtoull(text, NULL, 10) <= USER_NUMBER_MAX;
	return !strchr("0123456789.-", *text) &&
	       strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") ==
		       length;
}

static bool read_user(const struct yaml_item *item, struct config *config,
		      struct problems *problems)
{
	char quoted[YAML_QUOTE_SIZE];

	if (!yaml_expect_scalar(item, problems))
		return false;
	if (is_user(yaml_scalar_text(item)))
		return yaml_read_string(item, NULL, &config->user, problems);
	yaml_complain(item, problems, "expected a user's name, or a number from 0 to %u, not %s",
		      USER_NUMBER_MAX, yaml_quote(yaml_scalar_text(item), quoted));
	return false;
}

static bool read_sandbox(const struct yaml_item *item, struct config *config,
			 struct problems *problems)
{
	return yaml_read_bool(item, NULL, &config->sandbox, problems);
}

#define SECTION(name, function)                                                                    \
	{                                                                                          \
		.key = (name), .read = read_plain_section, .limits = &(const struct section)       \
		{                                                                                  \
			(function)                                                                 \
		}                                                                                  \
	}

static const struct yaml_field s_fields[] = {
	{.key = "cluster", .read = read_cluster},
	{.key = "collections", .read = read_collections},
	SECTION("network", config_read_network),
	SECTION("dns", config_read_dns),
	SECTION("explicit", config_read_explicit),
	SECTION("log", read_log),
	SECTION("state", read_state),
	SECTION("workers", config_read_workers),
	SECTION("user", read_user),
	SECTION("sandbox", read_sandbox),
	SECTION("capacity", config_read_capacity),
};

struct config *config_default(void)
{
	cleanup(drop_config) struct config *config = calloc(1, sizeof(*config));

	if (!config)
		return NULL;
	strcpy(config->cluster.cloud, "public");
	config->cluster.konnectivity = true;
	config->cluster.corrections = true;
	config->network.set_forwarding = true;
	config->network.cut_revoked = true;
	config->dns.budget.new_names = 300;
	config->dns.budget.burst = 600;
	config->dns.grace_ms = 60 * 1000;
	config->dns.stale_after_ms = 15 * 60 * 1000;
	config->capacity.pins = 65536;
	config->capacity.flows = 4096;
	config->capacity.sessions = 4096;
	config->capacity.admissions = 65536;
	config->sandbox = true;
	config->user = strdup(CONFIG_DEFAULT_USER);
	config->log_file = strdup("-");
	config->state_directory = strdup(STATE_DIRECTORY);
	config->admin_socket = strdup(ADMIN_SOCKET);
	if (!config->user || !config->log_file || !config->state_directory || !config->admin_socket)
		return NULL;
	config->dns.upstream_count =
		config_read_resolv_conf(RESOLV_CONF, config->dns.upstreams, CONFIG_UPSTREAMS_MAX);
	return take_pointer(config);
}

static struct config *read_tree(const struct yaml_tree *tree, const char *name,
				struct problems *problems)
{
	cleanup(drop_config) struct config *config = config_default();
	struct reading reading = {.config = config, .file = name};

	if (!config) {
		problems_add(problems, PROBLEM_ERROR, (struct problem_place){0}, "out of memory");
		return NULL;
	}
	if (!yaml_tree_root(tree)) {
		problems_add(problems, PROBLEM_ERROR, (struct problem_place){name, 1, 1},
			     "the file is empty");
		return NULL;
	}
	if (!yaml_read_fields(yaml_tree_root(tree), s_fields, &reading, problems) ||
	    problems_has_errors(problems))
		return NULL;
	return take_pointer(config);
}

struct config *config_load(const char *path, struct problems *problems)
{
	cleanup(drop_tree) struct yaml_tree *tree = yaml_tree_load(path, problems);

	return tree ? read_tree(tree, path, problems) : NULL;
}

struct config *config_parse(const char *text, size_t length, const char *name,
			    struct problems *problems)
{
	cleanup(drop_tree) struct yaml_tree *tree = yaml_tree_parse(text, length, name, problems);

	return tree ? read_tree(tree, name, problems) : NULL;
}

void config_free(struct config *config)
{
	if (!config)
		return;
	cluster_profile_done(&config->cluster);
	service_tags_free(config->service_tags);
	rule_set_done(&config->own);
	free(config->network.sources);
	free(config->user);
	free(config->log_file);
	free(config->state_directory);
	free(config->admin_socket);
	free(config);
}
