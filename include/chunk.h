/* SPDX-License-Identifier: Apache-2.0 */
/* A run of consecutive events of one topic-partition, decided and waiting to be published and applied. It owns everything made
 * for its events (one arena) and is freed once, after Redis acknowledged it or the protocol dropped it. */
#pragma once
#include "anchors.h"
#include "arena.h"
#include "effects.h"
#include "outcomes.h"
#include "protocol.h"
#include "verdict.h"

#define OUTPUT_HEADERS_MAX 24

/* A record to publish: an alert or a dead letter. */
struct output_record {
	struct output_record *next;
	struct slice topic;
	struct slice key; /* absent = null key */
	struct slice payload;
	const struct header *headers;
	size_t header_count;
	int32_t partition; /* -1: by key (murmur2) */
};

struct chunk {
	struct protocol_chunk link; /* must be first: the protocol hands this pointer back */
	struct arena arena;
	struct effects *effects;
	struct slice command;       /* what Redis is to be told; present once chunk_compact() was called */
	struct ruleset *ruleset;    /* counted reference: what it was decided with */
	int64_t stream_time_ms;     /* T after its last event */
	struct anchors anchors;     /* of the partition when it began */
	size_t events;
	struct output_record *records, **records_end; /* in offset order */
	size_t record_count;
	enum severity urgency;      /* highest severity among its alerts; SEVERITY_NONE without alerts */
	uint32_t outcomes[OUTCOME_COUNT];
	uint32_t reasons[REASON_COUNT];
	uint32_t dropped_fields[DROPPED_FIELD_COUNT];
	uint32_t alerts[CATEGORY_COUNT][SEVERITY_COUNT];
};

/* from: the partition's position. Takes its own reference to ruleset. */
struct chunk *chunk_new(int slot, int64_t from, struct ruleset *ruleset);
void chunk_free(struct chunk **chunk);
/* Once nothing of the chunk is to be published any more: keeps only the command, which must lie in the chunk's arena, so that a
 * long wait for Redis costs a fraction of the memory. */
void chunk_compact(struct chunk *chunk, struct slice command);
/* Appends a zeroed record to the chunk's list; it lives in the chunk's arena. */
struct output_record *chunk_add_record(struct chunk *chunk);
