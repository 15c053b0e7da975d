/* Rules that stand only in the article's prose. */
#pragma once

#include "import/article_entries_impl.h"
#include "import/article_markdown_impl.h"
#include "import/article_place_impl.h"

/* Of a bullet; `place` is that of its heading. 0 or -ENOMEM. */
int article_prose_add(struct article_reading *reading, const struct article_block *bullet,
		      const struct article_place *place, uint32_t clouds);
/* Does a bullet hold a rule at all? */
bool article_prose_has_rule(const struct article_block *bullet);
