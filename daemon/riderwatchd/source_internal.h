/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by source.c (loop side), source_join.c (what must be so before we join), source_group.c
 * (membership, errors) and source_record.c (message to record). */
#pragma once
#include "kafka_record.h"
#include "source.h"

#define SOURCE_NOT_READ (-1)

/* One input topic; next[p] is the offset to deliver next of partition p, SOURCE_NOT_READ when p is not ours or not
 * started. */
struct source_topic {
	const char *name;
	rd_kafka_topic_t *handle;
	int64_t *next;
	int32_t size;
};

enum source_state {
	SOURCE_OUTSIDE,  /* joining, or between a release and the next assignment */
	SOURCE_MEMBER,   /* partitions are ours */
	SOURCE_REVOKING, /* they are to be given up, source_release() not called yet */
	SOURCE_CLOSING,
};

struct source {
	rd_kafka_t *consumer;
	rd_kafka_queue_t *queue;
	rd_kafka_queue_t *closing_queue;
	int wake_fd;
	struct event *wake, *timer;
	const char *group;
	struct source_topic topics[INPUT_COUNT];
	enum source_state state;
	int64_t join_at;    /* time of the next try to join; 0: not told to, or joined */
	int32_t partitions; /* of each input topic, when told to join */
	bool reading;       /* as told by source_set_reading */
	bool moved;         /* next[] was changed: the library's assignment must follow before anything is delivered */
	bool parked;        /* the library holds an empty assignment because nobody reads */
	bool lost;          /* thrown out of the group: the next revoke is without a chance to commit */
	bool fatal;         /* reported once */
	char trouble[512];  /* why there is no connection, and what to do; empty: nothing was heard */
	bool close_refused; /* after a fatal error the library does not leave the group itself */
	int64_t idle_since_ms; /* since when nobody reads */
	struct kafka_headers headers;
	struct kafka_statistics statistics;
	const struct source_callbacks *callbacks;
	void *context;
	void (*on_closed)(void *context);
};

/* source.c */
void source_arm(struct source *source);    /* another turn soon, after other events of the loop had theirs */
void source_forget(struct source *source); /* no partition is ours */

/* source_join.c */
void source_try_join(struct source *source);

/* source_group.c */
void source_on_rebalance(rd_kafka_t *consumer, rd_kafka_resp_err_t code, rd_kafka_topic_partition_list_t *partitions,
			 void *opaque);
void source_on_error(rd_kafka_t *consumer, int code, const char *reason, void *opaque);
void source_message_error(struct source *source, const rd_kafka_message_t *message);
void source_fatal(struct source *source, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Reads generation and member id out of the serialised group metadata. False when it cannot be parsed. */
bool source_membership(const rd_kafka_consumer_group_metadata_t *metadata, int32_t *generation, bool *has_member);

/* source_record.c */
/* Input of the message's topic, INPUT_COUNT when it is none of ours. */
enum input source_input(const struct source *source, const rd_kafka_message_t *message);
void source_deliver(struct source *source, rd_kafka_message_t *message);
