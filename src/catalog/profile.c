#include "catalog/profile.h"

#include <stdlib.h>

void cluster_profile_done(struct cluster_profile *profile)
{
	free(profile->catalog_file);
	free(profile->service_tags_file);
	free(profile->custom_dns);
	free(profile->region_prefixes);
	for (size_t i = 0; i < profile->feature_count; i++)
		free(profile->features[i]);
	*profile = (struct cluster_profile){0};
}
