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

/* Borrowed bytes: valid during the call they are given to. */
struct input_record {
	enum input input;
	int32_t partition;
	int64_t offset;
	int64_t timestamp_ms; /* -1 when the record has none */
	struct slice key;     /* absent = null key */
	struct slice value;   /* absent = tombstone */
	const struct header *headers;
	size_t header_count;
};
