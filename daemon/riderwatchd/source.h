/* SPDX-License-Identifier: Apache-2.0 */
/* Kafka consumer on the event loop: an eventfd that librdkafka writes to, plus a timer, since wake-ups alone neither survive a
 * bounded drain nor keep the group membership. Never blocks. Holds no rule of the protocol. */
#pragma once
#include <event2/event.h>
#include <librdkafka/rdkafka.h>
#include "config.h"
#include "kafka_statistics.h"
#include "input_record.h"

struct source;

struct source_partition {
	enum input input;
	int32_t partition;
	int64_t offset;
};

/* All called on the loop thread. */
struct source_callbacks {
	/* One record; bytes are valid during the call. */
	void (*on_record)(void *context, const struct input_record *record);
	/* Called after each bounded run of records, and at least every timer tick. */
	void (*on_turn)(void *context);
	/* Partitions given to us. The answer is source_assign(), when it is known where to start, at any later time. metadata was
	 * taken in the assign handler, belongs to the callee (rd_kafka_consumer_group_metadata_destroy). */
	void (*on_assigned)(void *context, const struct source_partition *partitions, size_t count,
			    rd_kafka_consumer_group_metadata_t *metadata);
	/* All partitions are to be given up (eager assignor); the answer is source_release(). lost: they are gone already. */
	void (*on_revoked)(void *context, bool lost);
	/* Consumer is broken for good (fenced instance id, authorization, ...): exit with this text. */
	void (*on_fatal)(void *context, const char *text);
	/* The position set for this partition is outside the log (truncated below us, or the topic was made anew). Reading of it
	 * stopped. NULL: on_fatal is called instead. */
	void (*on_out_of_range)(void *context, enum input input, int32_t partition, int64_t offset);
};

/* Creates the consumer (settings of the protocol: read_committed, no auto commit, auto.offset.reset=error, range assignor, static
 * membership, ...). Returns NULL and fills error on failure. */
struct source *source_new(struct event_base *base, const struct config *config, const struct source_callbacks *callbacks,
			  void *context, char *error, size_t error_size);
/* The consumer handle, for rd_kafka_committed() and watermarks on the worker thread. */
rd_kafka_t *source_handle(struct source *source);
/* Number of partitions of each input topic; asks the broker (blocks up to timeout_ms; used at start only). Returns -1 and fills
 * error when a topic is missing or the counts differ. */
/* As librdkafka told them last, at most ten seconds ago. */
const struct kafka_statistics *source_statistics(const struct source *source);
/* Where the log ended when it was last fetched from; -1: not known. */
int64_t source_log_end(const struct source *source, enum input input, int32_t partition);
int32_t source_partition_count(struct source *source, int timeout_ms, char *error, size_t error_size);
/* Joins the group, once no member's assignment is older than the topics' number of partitions: a member that comes back under its
 * instance name gets its old assignment again, and partitions that were added meanwhile would be nobody's. At most a session. */
void source_join(struct source *source, int32_t partitions);
/* Sets the whole assignment with explicit start offsets. Until then the group membership is kept without reading anything, so
 * that a slow load never holds up a rebalance. Ignored while not a member. */
void source_assign(struct source *source, const struct source_partition *partitions, size_t count);
/* Moves one partition that was given to us, or starts it when it is not being read yet. Records fetched before the move are not
 * delivered any more. Moves made in one turn of the loop cost one new assignment. */
void source_seek(struct source *source, const struct source_partition *partition);
void source_release(struct source *source);
/* false: stop delivering records but keep the membership (what was fetched ahead is dropped once that lasts over a second);
 * true: go on exactly where delivery stopped. */
void source_set_reading(struct source *source, bool reading);
/* Leaves the group without blocking the loop; on_closed comes when it is done. Records and rebalances are not reported any more. */
void source_close(struct source *source, void (*on_closed)(void *context));
void source_free(struct source **source);
