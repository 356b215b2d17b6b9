/* SPDX-License-Identifier: Apache-2.0 */
/* From where the decision state of a partition can be had by reading the log alone: an offset, and stream time just
 * before it. Who begins there with an empty S and that T has the exact S and T of any later offset at which all that S
 * held at the anchor has expired. Timestamps alone could not tell: stream time lags behind them after a gap, by an
 * amount that no later record shows. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#define ANCHOR_NONE (-1)

struct anchor {
	int64_t offset;  /* ANCHOR_NONE, or not negative */
	int64_t time_ms; /* T over all offsets below; STREAM_TIME_NONE: no record before had a usable timestamp */
};

/* old serves now; young takes its place once it is old enough. Between one and two windows have to be read. */
struct anchors {
	struct anchor old, young;
};

/* S and T are known at this offset. fresh: nothing was ever counted below it, so that S is empty. */
void anchors_begin(struct anchors *anchors, int64_t offset, int64_t time_ms, bool fresh);
/* S and T have come to this offset. window: hours of the dedup set. */
void anchors_move(struct anchors *anchors, int64_t offset, int64_t time_ms, uint32_t window);
/* True when the state at stream time time_ms can be had by reading from this anchor on. */
bool anchor_serves(const struct anchor *anchor, int64_t time_ms, uint32_t window);
