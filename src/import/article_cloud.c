#include "import/article_cloud_impl.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

static const struct {
	const char *name;
	const char *words[5];
	const char *domains[3];
} s_clouds[ARTICLE_CLOUD_COUNT] = {
	[ARTICLE_PUBLIC] = {"public",
			    {"azure global", "public cloud", "azure public", "azure commercial"},
			    {NULL}},
	[ARTICLE_CHINA] = {"china", {"21vianet", "china", "mooncake"}, {".cn"}},
	[ARTICLE_USGOV] = {"usgov",
			   {"us government", "azure government", "us gov", "fairfax"},
			   {".us", ".usgovcloudapi.net"}},
};

const char *article_cloud_name(enum article_cloud cloud)
{
	return s_clouds[cloud].name;
}

uint32_t article_clouds_in(const char *words)
{
	uint32_t clouds = 0;

	for (unsigned int cloud = 0; cloud < ARTICLE_CLOUD_COUNT; cloud++)
		for (const char *const *word = s_clouds[cloud].words; *word; word++)
			if (strcasestr(words, *word))
				clouds |= 1u << cloud;
	return clouds;
}

static bool ends_with(const char *text, const char *end)
{
	size_t length = strlen(text), end_length = strlen(end);

	return length >= end_length && strcasecmp(text + length - end_length, end) == 0;
}

uint32_t article_clouds_of_name(const char *name)
{
	for (unsigned int cloud = 0; cloud < ARTICLE_CLOUD_COUNT; cloud++)
		for (const char *const *domain = s_clouds[cloud].domains; *domain; domain++)
			if (ends_with(name, *domain))
				return 1u << cloud;
	return 0;
}
