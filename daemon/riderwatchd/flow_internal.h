/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by the flow_*.c files only. */
#pragma once
#include "chunk.h"
#include "flow.h"
#include "pipeline.h"
#include "publisher.h"
#include "reader.h"
#include "source.h"
#include "store.h"

/* Reads what Redis lacks of a partition that is behind. */
struct flow_second {
	struct stream *stream; /* S and T at its own position; NULL unless catching up */
	struct stream *loaded; /* answer of the store, until ACTION_CATCH_UP or ACTION_CATCH_UP_END */
	struct chunk *open;
	uint64_t token; /* of the load asked for it */
};

/* One topic-partition; its number is input * partitions + partition. */
struct flow_slot {
	enum input input;
	int32_t partition;
	struct stream *stream; /* S and T at the position; NULL unless started */
	struct stream *loaded; /* answer of the store, until ACTION_START or ACTION_DROP */
	struct chunk *open;    /* being filled, with events below C or not */
	bool open_muted;
	char store_uuid[STORE_UUID_SIZE];
	uint64_t token; /* of the load asked for */
	bool assigned, started;
	struct flow_second second;
};

/* When the events read so far must be committed; times are loop milliseconds, 0 = not set. */
struct flow_due {
	int64_t first_event, first_record;
	bool urgent;
	size_t events;
};

struct flow {
	struct event_base *base;
	const struct config *config;
	struct flow_callbacks callbacks;
	void *context;
	struct metrics *metrics;
	struct ruleset *ruleset;
	struct pipeline_settings settings;
	struct protocol *protocol;
	struct source *source;
	struct reader *reader;
	struct publisher *publisher;
	struct store *store;
	int32_t partitions;
	int slot_count;
	struct flow_slot *slots;
	struct event *timer, *watch_timer;

	rd_kafka_consumer_group_metadata_t *metadata;         /* of the current assignment */
	rd_kafka_consumer_group_metadata_t *metadata_retired; /* still used by the transaction in flight */
	bool assignment_answered;
	bool publishing, stopping, stopped_clean, reading, acting;
	struct flow_due due;
	int64_t last_commit;
	struct publish_offset *offsets; /* of the transaction in flight */
	const struct protocol_batch *batch;
};

int64_t flow_now(void);
struct flow_slot *flow_slot(struct flow *flow, enum input input, int32_t partition);
/* Does everything that the protocol asks for, then decides whether to read on and when to wake up. */
void flow_act(struct flow *flow);
/* Commits what is due, sets reading and the timer. */
void flow_plan(struct flow *flow);
/* Hands the slot's open chunk to the protocol, if there is one. */
void flow_close_chunk(struct flow *flow, struct flow_slot *slot);
void flow_fatal(struct flow *flow, int exit_code, const char *text);
/* The chunk is published, or is not to be: keeps only the command for Redis. */
void flow_compact(struct flow *flow, struct chunk *chunk);
void flow_count_chunk(struct flow *flow, const struct chunk *chunk);
void flow_catch_up(struct flow *flow, const struct protocol_action *action);
void flow_catch_up_end(struct flow *flow, const struct protocol_action *action);
void flow_free_second(struct flow_second *second);
void stream_free(struct stream **stream);

extern const struct publisher_callbacks flow_publisher_callbacks;
extern const struct reader_callbacks flow_reader_callbacks;
extern const struct store_callbacks flow_store_callbacks;
