/* SPDX-License-Identifier: Apache-2.0 */
/* From one input record to its effects: decode, identity, dedup, classify, tally, route, encode. Pure: the result depends on the
 * record, the stream state before it, the rule set and these settings, and on nothing else. */
#pragma once
#include "chunk.h"
#include "input_record.h"
#include "stream.h"

struct pipeline_settings {
	const char *input_topics[INPUT_COUNT];
	const char *dead_letter_topic;
	const char *alert_topics[CATEGORY_COUNT]; /* by category; OTHER: NULL, no alert */
	int32_t partitions;                       /* of each input topic, for the key check */
	size_t max_event_bytes;
	size_t max_record_bytes;                  /* bound of a published record; larger dead letters are truncated */
	uint32_t dedup_hours;
	const char *application;                  /* "riderwatchd/0.1.0", in dead-letter headers */
	const char *group;
	struct slice pseudonym_key;               /* absent: alerts carry no reporter_ref */
};

/* Decides one record and adds what follows from it to the chunk. muted: alerts and dead letters are not made.
 * Also advances chunk->link.to and chunk->stream_time_ms. The caller starts a new chunk when pipeline_hour_changes() says so. */
void pipeline_run(const struct pipeline_settings *settings, struct stream *stream, const struct input_record *record, bool muted,
		  struct chunk *chunk);
/* Moves S and T past a record exactly as pipeline_run() does, and decides nothing. arena: for what decoding needs; what is in it
 * may go afterwards. */
void pipeline_remember(const struct pipeline_settings *settings, struct stream *stream, const struct input_record *record,
		       struct arena *arena);
/* Would this record move the stream into another hour? A chunk must end before such a record. */
bool pipeline_hour_changes(const struct stream *stream, const struct input_record *record);

/* SipHash-2-4 over source and id under the stream's key. */
uint64_t identity_event(const uint8_t key[STREAM_KEY_SIZE], struct slice source, struct slice id);
/* SipHash-2-4 over rider id and report id under a fixed key: what a later review finds its report by. */
uint64_t identity_report(struct slice rider_id, struct slice report_id);
/* Kafka's murmur2, as Java's and librdkafka's murmur2 partitioners use it: partition = (hash & 0x7fffffff) % partitions. */
uint32_t murmur2(struct slice key);
