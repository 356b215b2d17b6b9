/* SPDX-License-Identifier: Apache-2.0 */
/* One record of an input topic, as read from Kafka. */
#pragma once
#include <stdint.h>
#include "slice.h"

enum input { INPUT_REPORTS, INPUT_DELIVERIES, INPUT_COUNT };

struct header {
	struct slice name;
	struct slice value; /* absent = null */
};

struct header_list {
	const struct header *items;
	size_t count;
};

/* Borrowed bytes: valid during the call they are given to. */
struct input_record {
	enum input input;
	int32_t partition;
	int64_t offset;
	int64_t timestamp_ms;         /* -1 when the record has none */
	struct slice key;             /* absent = null key */
	struct slice value;           /* absent = tombstone */
	const struct header *headers; /* unless read_headers says them */
	size_t header_count;
	/* Reading headers costs a Kafka library several allocations, and nearly all events need none of theirs: they
	 * are read when they are asked for. NULL: headers and header_count hold them. */
	struct header_list (*read_headers)(void *origin);
	void *origin;
};

/* The record's headers. The list is valid until those of another record are asked for. */
struct header_list input_record_headers(const struct input_record *record);
