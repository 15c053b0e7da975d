/* An edition → the text of a catalogue file, which reads back as the same edition. */
#pragma once

#include "base/text.h"
#include "catalog/catalog.h"

void catalog_text_write(const struct catalog_edition *edition, struct text *out);
