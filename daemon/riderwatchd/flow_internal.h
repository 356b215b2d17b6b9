/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by the flow_*.c files only. */
#pragma once
#include "chunk.h"
#include "flow.h"
#include "offset_metadata.h"
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

/* An offset and what goes with it in Kafka. */
struct flow_entry {
	int64_t offset;
	bool ours; /* of one that was read */
	struct offset_metadata metadata;
};

/* Makes S and T from the log while Redis does not answer. */
struct flow_alone {
	struct stream *stream; /* NULL unless it does, or did, until ACTION_START or ACTION_DROP */
	uint64_t token;
	int64_t end, time_ms; /* offset to come to, and T there */
	bool reading;
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
	bool fresh;     /* nothing was ever counted in what was loaded */
	bool assigned, started;
	struct flow_entry found[2]; /* of group and shadow group, as last read */
	struct flow_entry entry;    /* at C */
	struct flow_entry attempt;  /* of the last transaction with events of this slot */
	struct anchors anchors;     /* at the position */
	struct flow_second second;
	struct flow_alone alone;
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
	struct reader *reader;     /* for what Redis lacks */
	struct reader *log_reader; /* for what Redis does not tell */
	struct arena scratch;
	struct publisher *publisher;
	struct store *store;
	int32_t partitions;
	int slot_count;
	struct flow_slot *slots;
	struct event *timer, *watch_timer, *rollup_timer;

	rd_kafka_consumer_group_metadata_t *metadata;         /* of the current assignment */
	rd_kafka_consumer_group_metadata_t *metadata_retired; /* still used by the transaction in flight */
	bool assignment_answered;
	bool member; /* the group has said which partitions are ours, and has not taken them back */
	bool publishing, stopping, stopped_clean, reading, acting;
	struct flow_due due;
	int64_t next_commit; /* loop time before which none begins */
	int64_t publish_began_us;
	uint32_t decided; /* records, to time one in so many */
	struct publish_offset *offsets; /* of the transaction in flight */
	const struct protocol_batch *batch;
};

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
/* Keeps what goes with the offsets that were read, and fills the reply with what the protocol has to know of it. */
void flow_read_entries(struct flow *flow, struct flow_slot *slot, struct offsets_reply *reply, const char *group,
		       const char *shadow);
/* What was read with this offset, of either group; NULL when it is not ours. */
const struct offset_metadata *flow_found_entry(const struct flow_slot *slot, int64_t offset);
/* The slot has just started. */
void flow_begin_entry(struct flow *flow, int number);
/* Fills flow->offsets[i] for commit i of the batch. */
void flow_write_entry(struct flow *flow, const struct protocol_batch *batch, size_t i);
void flow_load_log(struct flow *flow, const struct protocol_action *action);
/* S and T made from the log become those of the slot, which starts at offset. */
void flow_take_alone(struct flow_slot *slot, int64_t offset);
void flow_end_alone(struct flow *flow, struct flow_slot *slot);
/* Does nothing when redis.rollup_every is 0. */
void flow_start_rollups(struct flow *flow);
void flow_free_second(struct flow_second *second);
void stream_free(struct stream **stream);

extern const struct publisher_callbacks flow_publisher_callbacks;
extern const struct reader_callbacks flow_reader_callbacks;
extern const struct reader_callbacks flow_log_reader_callbacks;
extern const struct store_callbacks flow_store_callbacks;
