/* The clouds that the article tells apart. */
#pragma once

#include <stdint.h>

enum article_cloud {
	ARTICLE_PUBLIC,
	ARTICLE_CHINA,
	ARTICLE_USGOV,
	ARTICLE_CLOUD_COUNT,
};

#define ARTICLE_ALL_CLOUDS ((1u << ARTICLE_CLOUD_COUNT) - 1)

/* As the catalogue calls them. */
const char *article_cloud_name(enum article_cloud cloud);

/* The clouds that words speak of, one bit each, by today's and by former names. */
uint32_t article_clouds_in(const char *words);

/* The bit of the cloud to whose domains a name belongs; 0: it tells nothing. */
uint32_t article_clouds_of_name(const char *name);
