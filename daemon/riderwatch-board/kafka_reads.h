/* SPDX-License-Identifier: Apache-2.0 */
/* What the board asks Kafka beside its feed. Every call may block for seconds; for one thread only. */
#pragma once
#include <jansson.h>
#include "config.h"
#include "must.h"

struct kafka_reads;

struct kafka_reads *kafka_reads_new(const struct config *config);
void kafka_reads_free(struct kafka_reads **reads);
const char *kafka_reads_error(const struct kafka_reads *reads);

/* The record at that place: {"topic", "partition", "offset", "timestamp_ms", "key", "headers": {...}, "value": JSON or
 * text}. NULL when it cannot be had (any more). */
MUST_CHECK json_t *kafka_reads_record(struct kafka_reads *reads, const char *topic, int32_t partition, int64_t offset);
/* ends[p]: the log's end. -1 when Kafka does not answer. */
MUST_CHECK int kafka_reads_ends(struct kafka_reads *reads, const char *topic, int32_t partitions, int64_t *ends);
