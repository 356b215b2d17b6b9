/* SPDX-License-Identifier: Apache-2.0 */
/* What goes with a committed offset in Kafka, as one line of text that Kafka's own tools can show: to which store the
 * offset belongs, stream time at it, and the rule set of what was published below it; and what it takes to go on from
 * the log alone while that store cannot be reached. */
#pragma once
#include "anchors.h"
#include "effects.h"
#include "must.h"
#include "stream.h"

#define OFFSET_METADATA_SIZE 224 /* with the NUL */

struct offset_metadata {
	char store_uuid[STORE_UUID_SIZE];
	int64_t stream_time_ms; /* STREAM_TIME_NONE, or not negative */
	uint64_t ruleset;       /* ruleset_id() as a number */
	bool complete;          /* the rest is there; without it only the store can tell the state at this offset */
	uint8_t key[STREAM_KEY_SIZE];
	struct anchors anchors;
};

/* Lowercase UUID in text form, as the store makes them. */
bool is_store_uuid(const char text[STORE_UUID_SIZE]);
void offset_metadata_format(const struct offset_metadata *metadata, char text[OFFSET_METADATA_SIZE]);
/* Reads exactly what offset_metadata_format writes, complete or not. False for everything else: such an entry is not
 * ours. */
MUST_CHECK bool offset_metadata_parse(const char *text, struct offset_metadata *metadata);
