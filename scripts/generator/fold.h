/* SPDX-License-Identifier: Apache-2.0 */
/* What the daemon must have made of the events: an independent fold, computed from where the broker put them. */
#pragma once
#include "source.h"

enum counter {
	COUNTER_REPORTS,
	COUNTER_REPORTS_FIRE,
	COUNTER_REPORTS_FOOD,
	COUNTER_REPORTS_EMERGENCY,
	COUNTER_REPORTS_OTHER,
	COUNTER_DELIVERIES,
	COUNTER_DELIVERIES_CHARITY,
	COUNTER_SCORE,
	COUNTER_POINTS,
	COUNTER_POINTS_PENDING,
	COUNTER_UPHELD,
	COUNTER_REJECTED,
	COUNTER_DUPLICATES,
	COUNTER_FRAUDS,
	COUNTER_COUNT
};
extern const char *const counter_names[COUNTER_COUNT];

/* A record as it stands in the log. */
struct fold_record {
	struct facts facts;
	int64_t offset; /* -1 until the broker has acknowledged it */
	int64_t timestamp_ms;
	uint32_t malformed; /* index into malformed, when it is */
};

struct fold_malformed {
	uint32_t record;
	unsigned char value_sha256[32];
	unsigned char envelope_sha256[32]; /* of key and headers, see fold_malformed_add */
};

struct fold_day {
	int32_t day;                                             /* yyyymmdd, 0: the totals over all days */
	int64_t counters[JURISDICTION_COUNT + 1][COUNTER_COUNT]; /* the last row: all, with or without jurisdiction */
};

struct fold_shard {
	struct fold_day *days; /* the first is day 0 */
	size_t day_count;
	int64_t reviews_unmatched;
};

/* A rider on one partition; more than one when a record's key was not the rider's id. */
struct fold_rider {
	uint32_t rider;
	int32_t partition;
	int64_t counters[COUNTER_COUNT];
	int64_t last_ms;
	int32_t day; /* of paid and granted: days only go forward on one partition */
	int64_t paid, granted;
	uint32_t next; /* of the same rider; NO_EVENT ends */
};

struct fold_report {
	int32_t partition;
	uint32_t rider;
	uint16_t phrase;
	uint8_t jurisdiction;
	uint8_t state; /* enum decision, DECISION_COUNT while pending */
	int64_t grant;
	uint32_t next; /* of the same id, on another partition */
};

/* An alert that must be published once. */
struct fold_alert {
	uint32_t record;
	uint8_t category;
};

struct fold_end {
	int64_t offset, time_ms; /* end of the partition's log, and T there; -1 while unknown */
};

#define FOLD_LIST(type)                                                                                                \
	struct {                                                                                                       \
		type *items;                                                                                           \
		size_t count, capacity;                                                                                \
	}

struct fold {
	const struct source *source;
	uint32_t partitions;
	FOLD_LIST(struct fold_record) records;
	FOLD_LIST(struct fold_malformed) malformed;
	/* results: */
	FOLD_LIST(struct fold_rider) riders;
	FOLD_LIST(struct fold_report) reports;
	FOLD_LIST(struct fold_alert) alerts;
	FOLD_LIST(uint32_t) dead_letters; /* records */
	struct fold_shard *shards;
	struct fold_end *ends;  /* topic * partitions + partition */
	uint32_t *first_rider;  /* by rider: index into riders */
	uint32_t *first_report; /* by event number: index into reports */
	bool not_empty;         /* a partition held records before ours */
	int32_t *seen_hour;     /* by event number: hour in the dedup set, -1 never */
};

/* source must outlive the fold. */
struct fold *fold_new(const struct source *source);
void fold_free(struct fold **fold);
/* Notes a record before it is sent; returns its index. */
size_t fold_add(struct fold *fold, const struct event *event);
/* Where the broker put the record. */
void fold_delivered(struct fold *fold, size_t record, int64_t offset, int64_t timestamp_ms);
/* Computes the results; records that were never acknowledged are left out. Call once. Returns how many were left out.
 */
size_t fold_run(struct fold *fold);
/* Writes the results below folder, which is made when it is missing. Returns false after a message. */
bool fold_write(const struct fold *fold, const char *folder, const char *const topics[TOPIC_COUNT]);
