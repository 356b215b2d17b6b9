/* SPDX-License-Identifier: Apache-2.0 */
/* Reads partitions of the input topics from where it is told, beside the consumer group and without it: what a partition that is
 * behind needs to catch up. On the event loop, never long. Connects when it is first needed. Holds no rule of the protocol. */
#pragma once
#include <event2/event.h>
#include "config.h"
#include "input_record.h"

struct reader;

/* All called on the loop thread; none may call reader_free(). */
struct reader_callbacks {
	/* One record; bytes are valid during the call. */
	void (*on_record)(void *context, const struct input_record *record);
	/* Called after each bounded run of records. */
	void (*on_turn)(void *context);
	/* The log does not hold this offset (any more). Reading of the partition stopped. */
	void (*on_out_of_range)(void *context, enum input input, int32_t partition, int64_t offset);
	/* A fault that retrying never mends: exit with this text. */
	void (*on_fatal)(void *context, const char *text);
};

struct reader *reader_new(struct event_base *base, const struct config *config, const struct reader_callbacks *callbacks,
			  void *context);
/* Reads the partition from offset on, also when it is being read already. */
void reader_start(struct reader *reader, enum input input, int32_t partition, int64_t offset);
void reader_stop(struct reader *reader, enum input input, int32_t partition);
/* false: deliver nothing until further notice. */
void reader_set_reading(struct reader *reader, bool reading);
void reader_free(struct reader **reader);
