/* SPDX-License-Identifier: Apache-2.0 */
#include "anchors.h"
#include "stream.h"

static int64_t hour_of(int64_t time_ms)
{
	return time_ms == STREAM_TIME_NONE ? 0 : time_ms / HOUR_MS;
}

/* What was seen below the anchor was seen in its hour at the latest. */
static bool is_expired(const struct anchor *anchor, int64_t time_ms, uint32_t window)
{
	return hour_of(time_ms) - hour_of(anchor->time_ms) > (int64_t)window;
}

void anchors_begin(struct anchors *anchors, int64_t offset, int64_t time_ms, bool fresh)
{
	anchors->young = (struct anchor){ offset, time_ms };
	anchors->old = fresh ? anchors->young : (struct anchor){ ANCHOR_NONE, STREAM_TIME_NONE };
}

void anchors_move(struct anchors *anchors, int64_t offset, int64_t time_ms, uint32_t window)
{
	if (!is_expired(&anchors->young, time_ms, window))
		return;
	anchors->old = anchors->young;
	anchors->young = (struct anchor){ offset, time_ms };
}

bool anchor_serves(const struct anchor *anchor, int64_t time_ms, uint32_t window)
{
	if (anchor->offset == ANCHOR_NONE)
		return false;
	/* Without a time it is where the state was created, or all before it has expired already. */
	return anchor->time_ms == STREAM_TIME_NONE || is_expired(anchor, time_ms, window);
}
