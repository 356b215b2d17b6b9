/* SPDX-License-Identifier: Apache-2.0 */
#include "stream.h"
#include "pipeline.h"

#define TIMESTAMP_MIN 1420070400000LL /* 2015-01-01T00:00:00Z */
#define TIMESTAMP_MAX 4102444800000LL /* 2100-01-01T00:00:00Z */

bool stream_advance(struct stream *stream, int64_t timestamp_ms)
{
	if (timestamp_ms < TIMESTAMP_MIN || timestamp_ms >= TIMESTAMP_MAX)
		return true;
	if (stream->time_ms == STREAM_TIME_NONE) {
		stream->time_ms = timestamp_ms;
		return false;
	}
	if (timestamp_ms > stream->time_ms + HOUR_MS) {
		stream->time_ms += HOUR_MS;
		return true;
	}
	if (timestamp_ms > stream->time_ms)
		stream->time_ms = timestamp_ms;
	return false;
}

uint32_t stream_hour(const struct stream *stream)
{
	return stream->time_ms == STREAM_TIME_NONE ? 0 : (uint32_t)(stream->time_ms / HOUR_MS);
}

bool pipeline_hour_changes(const struct stream *stream, const struct input_record *record)
{
	struct stream after = *stream;
	stream_advance(&after, record->timestamp_ms);
	return stream_hour(&after) != stream_hour(stream);
}
