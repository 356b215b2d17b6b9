/* SPDX-License-Identifier: Apache-2.0 */
/* The transaction worker: one thread that makes every blocking librdkafka call, so that the loop never waits. Jobs run in order,
 * answers arrive on the loop thread through an eventfd. Holds no rule of the protocol: outcomes are reported, not interpreted. */
#pragma once
#include <event2/event.h>
#include <librdkafka/rdkafka.h>
#include "chunk.h"
#include "config.h"
#include "kafka_statistics.h"
#include "input_record.h"

struct publisher;

/* One entry of the offsets sent with a transaction. */
struct publish_offset {
	enum input input;
	int32_t partition;
	int64_t offset;
	char metadata[256]; /* NUL-terminated */
};

/* Records are the chunks' own; chunks and arrays must stay until on_published. */
struct publish_job {
	const struct protocol_batch *batch;
	const struct publish_offset *offsets;
	size_t offset_count;
	rd_kafka_consumer_group_metadata_t *metadata; /* taken when the batch was read; borrowed */
};

struct publisher_callbacks {
	void (*on_published)(void *context, enum publish_result result, bool tainted);
	void (*on_recreated)(void *context, bool ok);
	/* group_metadata and shadow_metadata: text of the offset metadata, "" when none. */
	void (*on_offsets)(void *context, int slot, uint64_t token, const struct offsets_reply *reply, const char *group_metadata,
			   const char *shadow_metadata);
	/* Cannot go on: configuration fault that retrying never mends (unknown topic, authorization), with what to do. */
	void (*on_fatal)(void *context, const char *text);
};

struct publisher_stats {
	uint64_t committed, aborted, unknown, tainted, recreated;
	uint64_t left_open; /* partitions in which a new producer ended a transaction of its name */
	uint64_t offset_reads_failed;
	uint64_t records, commit_us_total, commit_us_max;
	struct kafka_statistics kafka; /* at most ten seconds old while anything is published */
};

/* consumer: borrowed, for committed offsets of the group and watermarks. Starts the thread; the producer itself is created by the
 * first publisher_recreate(). A watchdog ends the process (exit 70, message on standard error) when one call does not return
 * within config->watchdog_timeout. */
struct publisher *publisher_new(struct event_base *base, const struct config *config, rd_kafka_t *consumer,
				const struct publisher_callbacks *callbacks, void *context, char *error, size_t error_size);
/* Destroys the producer if there is one, creates a new one (transactional.id = "<group>-<instance>"), warms its topics,
 * init_transactions. Answer: on_recreated. */
void publisher_recreate(struct publisher *publisher);
/* begin, produce, send offsets to the group (job metadata) and to "<group>.shadow", commit. Answer: on_published, once. */
void publisher_publish(struct publisher *publisher, const struct publish_job *job);
/* Stable (read_committed) offsets of group and shadow group, and low/high watermarks. Answer: on_offsets, once. */
void publisher_read_offsets(struct publisher *publisher, int slot, uint64_t token, enum input input, int32_t partition);
/* Another output topic, from the routes: its handle is made and warmed now instead of delaying its first alert by a second. Names
 * that are known already cost nothing. Topics of the configuration need no call. */
void publisher_add_topic(struct publisher *publisher, struct slice name);
/* Copies counters; safe on the loop thread at any time. */
void publisher_stats(struct publisher *publisher, struct publisher_stats *stats);
/* Ends the thread (waits for the job at hand, bounded by the watchdog) and destroys the producer. */
void publisher_free(struct publisher **publisher);
