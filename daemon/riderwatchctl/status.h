/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by status.c (command and output) and status_row.c (one partition of one topic). */
#pragma once
#include <jansson.h>
#include "kafka_link.h"
#include "redis_link.h"
#include "snapshot.h"

struct status_row {
	enum input input;
	int32_t partition;
	struct log_state state;
	struct log_bounds bounds;
	struct group_offset group, shadow;
	int64_t published; /* C; -1: none */
};

/* What a row is in; the first of the table that holds. */
struct status_condition {
	bool (*holds)(const struct status_row *row);
	const char *name;
	const char *trouble; /* what is wrong and what to do; NULL: nothing */
};

/* Fills rows, reports first, by partition: INPUT_COUNT times kafka->partitions. False, and one of both links' error
 * (the other one's is empty), when something did not answer. */
MUST_CHECK bool status_rows_read(struct status_row *rows, struct redis_link *redis, struct kafka_link *kafka);
const struct status_condition *status_row_condition(const struct status_row *row);
bool status_row_is_readable(const struct status_row *row);
/* Events of the log that are not in the counters. */
int64_t status_row_lag(const struct status_row *row);
