/* SPDX-License-Identifier: Apache-2.0 */
/* A card: one alert as the board keeps it. Immutable once made, so that any thread may make it. */
#pragma once
#include <stdint.h>
#include "ruleset.h"
#include "slice.h"
#include "verdict.h"

struct repeats; /* of the ring: cards with one dedup key */

/* Where in Kafka the alert's record is, and when it was written and seen. */
struct card_place {
	const char *topic; /* lives as long as the card */
	int32_t partition;
	int64_t offset;
	int64_t written_ms; /* the record's timestamp */
	int64_t seen_ms;    /* the wall clock when the board got it */
};

struct card {
	uint64_t sequence;       /* given by the ring, from 1 */
	struct repeats *repeats; /* the ring's */
	struct card_place place;
	enum category category;
	enum severity severity;
	int64_t sent_ms; /* stream time of the report */
	char *id, *dedup_key, *area, *reporter;
	char *agencies[ROUTES_MAX]; /* NULL behind the last */
	char *searchable;           /* what free text is looked for in; ASCII letters in lower case */
	char *summary;              /* what a list shows, as a JSON object */
	char *payload;              /* the record's value, bytes as they came */
	size_t summary_size, payload_size;
	size_t bytes; /* memory it holds */
};

/* Reads a record of an alert topic. NULL when it is no rider.alert.v1: error then says why. place is copied. */
struct card *card_new(struct slice payload, const struct card_place *place, char *error, size_t error_size);
void card_free(struct card **card);
/* Milliseconds since 1970 of "2026-11-25T08:50:31.123Z" (UTC, fraction optional); -1 for anything else. */
int64_t card_time(const char *text);
/* In place: ASCII letters to lower case. */
void card_fold(char *text);
