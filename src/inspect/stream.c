#include "inspect/stream_impl.h"

#include <string.h>

#include "base/assertion.h"

void stream_init(struct stream *stream, uint8_t *bytes)
{
	*stream = (struct stream){.bytes = bytes};
}

static bool agrees(const struct stream *stream, struct stream_range with, const uint8_t *bytes)
{
	for (uint32_t i = 0; i < stream->range_count; i++) {
		const struct stream_range *range = &stream->ranges[i];
		uint32_t begin = range->begin > with.begin ? range->begin : with.begin;
		uint32_t end = range->end < with.end ? range->end : with.end;

		if (begin < end &&
		    memcmp(stream->bytes + begin, bytes + (begin - with.begin), end - begin) != 0)
			return false;
	}
	return true;
}

/* The first range that `added` touches or overlaps, or that lies behind it. */
static uint32_t first_not_before(const struct stream *stream, struct stream_range added)
{
	uint32_t i = 0;

	while (i < stream->range_count && stream->ranges[i].end < added.begin)
		i++;
	return i;
}

/* Merges `added` into the list. False: one piece too many. */
static bool merge(struct stream *stream, struct stream_range added)
{
	uint32_t first = first_not_before(stream, added), last = first;

	while (last < stream->range_count && stream->ranges[last].begin <= added.end) {
		if (stream->ranges[last].begin < added.begin)
			added.begin = stream->ranges[last].begin;
		if (stream->ranges[last].end > added.end)
			added.end = stream->ranges[last].end;
		last++;
	}
	if (first == last && stream->range_count == STREAM_RANGES)
		return false;
	memmove(&stream->ranges[first + 1], &stream->ranges[last],
		(stream->range_count - last) * sizeof(added));
	stream->ranges[first] = added;
	stream->range_count = stream->range_count - (last - first) + 1;
	return true;
}

enum stream_result stream_put(struct stream *stream, int64_t offset, const uint8_t *bytes,
			      size_t length)
{
	struct stream_range added;

	invariant(length > 0);
	if (offset < 0 || length > STREAM_CAPACITY || offset > STREAM_CAPACITY - (int64_t)length)
		return STREAM_OUTSIDE;
	added = (struct stream_range){(uint32_t)offset, (uint32_t)offset + (uint32_t)length};
	if (!agrees(stream, added, bytes))
		return STREAM_DIFFERS;
	if (!merge(stream, added))
		return STREAM_OUTSIDE;
	memcpy(stream->bytes + offset, bytes, length);
	return STREAM_TAKEN;
}

uint32_t stream_prefix(const struct stream *stream)
{
	return stream->range_count > 0 && stream->ranges[0].begin == 0 ? stream->ranges[0].end : 0;
}
