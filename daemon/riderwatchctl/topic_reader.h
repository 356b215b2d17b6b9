/* SPDX-License-Identifier: Apache-2.0 */
/* Committed records of whole topics, all partitions together: belongs to no group and commits nothing. */
#pragma once
#include <librdkafka/rdkafka.h>
#include "config.h"
#include "must.h"

struct topic_reader;

/* NULL and error when there is no connection. */
struct topic_reader *topic_reader_new(const struct config *config, char *error, size_t error_size);
void topic_reader_free(struct topic_reader **reader);
/* Where a topic is read from. */
#define TOPIC_READER_START (-2)
#define TOPIC_READER_END (-1)
/* from: START, END, or milliseconds since 1970. False and error when the topic cannot be read. */
MUST_CHECK bool topic_reader_add(struct topic_reader *reader, const char *topic, int64_t from, char *error,
				 size_t error_size);
/* The next record, which the caller destroys; NULL when none came within the time, or one that only ends a transaction. What a partition is in trouble with
 * goes to error, which is emptied first. */
rd_kafka_message_t *topic_reader_next(struct topic_reader *reader, int timeout_ms, char *error, size_t error_size);
/* Everything was read that the topics held when they were added, or a bit later. */
bool topic_reader_is_done(const struct topic_reader *reader);
