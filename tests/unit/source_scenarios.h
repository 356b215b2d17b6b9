/* SPDX-License-Identifier: Apache-2.0 */
/* What source.h promises, as scenarios that run on the mock cluster and on real brokers alike. */
#pragma once
#include "kafka_fixture.h"
#include "source.h"

#define READER_PARTITIONS 4

/* A source whose records must come in order, without a gap: each record's offset must be the one expected. */
struct reader {
	struct event_base *base;
	struct source *source;
	struct config config;
	bool start_at_once; /* answer an assignment with the expected offsets */
	bool hold_release;  /* do not answer a revoke */
	int64_t expected[INPUT_COUNT][READER_PARTITIONS];
	int64_t records, wrong, turns, records_in_turn, most_in_turn;
	int64_t stop_at;          /* set_reading(false) from inside on_record after so many records; 0: never */
	int64_t seek_at, seek_to; /* move reports/0 from inside on_record after so many records; 0: never */
	int64_t assigned, revoked, lost, out_of_range, closed;
	size_t partitions;
	struct source_partition given[INPUT_COUNT * READER_PARTITIONS];
	rd_kafka_consumer_group_metadata_t *metadata;
	char fatal[1024];
	void (*look)(struct reader *reader, const struct input_record *record);
};

void reader_open(struct reader *reader, const struct kafka_fixture *fixture, const char *instance);
/* Runs the loop until *value >= target; false after timeout_ms. */
bool reader_until(struct reader *reader, const int64_t *value, int64_t target, int timeout_ms);
void reader_run(struct reader *reader, int ms);
void reader_start_all(struct reader *reader); /* source_assign of what was given, at the expected offsets */
void reader_close(struct reader *reader);

void scenario_reads_all_in_bounded_turns(struct kafka_fixture *fixture);
void scenario_record_content(struct kafka_fixture *fixture);
void scenario_moves(struct kafka_fixture *fixture);
void scenario_move_from_inside_a_record(struct kafka_fixture *fixture);
void scenario_stops_reading(struct kafka_fixture *fixture);
void scenario_two_members(struct kafka_fixture *fixture);
void scenario_out_of_range(struct kafka_fixture *fixture);
