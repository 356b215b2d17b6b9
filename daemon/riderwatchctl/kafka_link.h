/* SPDX-License-Identifier: Apache-2.0 */
/* What subcommands ask Kafka about the input topics: it joins no group and commits nothing. */
#pragma once
#include <librdkafka/rdkafka.h>
#include "config.h"
#include "input_record.h"
#include "must.h"

struct kafka_link {
	const struct config *config;
	rd_kafka_t *reader, *group, *shadow; /* the latter two only ask for offsets; made when first needed */
	rd_kafka_topic_t *topics[INPUT_COUNT];
	int32_t partitions; /* of each input topic */
	char error[512];
};

struct log_bounds {
	int64_t start, end; /* of what the log holds */
};

#define KAFKA_LINK_METADATA_SIZE 256
struct group_offset {
	int64_t offset; /* -1: the group has none */
	char metadata[KAFKA_LINK_METADATA_SIZE];
};

/* Connects and looks both input topics up. False and link->error when that fails. kafka_link_close in both cases. */
MUST_CHECK bool kafka_link_open(struct kafka_link *link, const struct config *config);
void kafka_link_close(struct kafka_link *link);
/* Sets link->error; returns false. */
bool kafka_link_fail(struct kafka_link *link, const char *what, rd_kafka_resp_err_t code, const char *advice);
const char *kafka_link_topic(const struct kafka_link *link, enum input input);
MUST_CHECK bool kafka_link_bounds(struct kafka_link *link, enum input input, int32_t partition,
				  struct log_bounds *bounds);
/* Committed offsets of the group or its shadow for every partition of the topic: list has link->partitions entries.
 * Stable: waits until no transaction holds them, and says so on standard error when that takes long: W is moved as soon
 * as the commit is decided, which may be before offsets that are not stable show it. */
MUST_CHECK bool kafka_link_committed(struct kafka_link *link, bool shadow, enum input input, struct group_offset *list);
