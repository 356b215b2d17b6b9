/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "monotonic.h"
#include "source_scenarios.h"

#define MANY 6000

/* ---- the reader ---- */

static void on_record(void *context, const struct input_record *record)
{
	struct reader *reader = context;
	int64_t *expected = &reader->expected[record->input][record->partition];

	if (record->offset != *expected)
		reader->wrong++;
	*expected = record->offset + 1;
	reader->records++;
	reader->records_in_turn++;
	if (reader->look)
		reader->look(reader, record);
	if (reader->stop_at && reader->records == reader->stop_at)
		source_set_reading(reader->source, false);
	if (reader->seek_at && reader->records == reader->seek_at) {
		reader->expected[INPUT_REPORTS][0] = reader->seek_to;
		source_seek(reader->source, &(struct source_partition){ INPUT_REPORTS, 0, reader->seek_to });
	}
}

static void on_turn(void *context)
{
	struct reader *reader = context;

	reader->turns++;
	if (reader->records_in_turn > reader->most_in_turn)
		reader->most_in_turn = reader->records_in_turn;
	reader->records_in_turn = 0;
}

static void on_assigned(void *context, const struct source_partition *partitions, size_t count,
			rd_kafka_consumer_group_metadata_t *metadata)
{
	struct reader *reader = context;

	assert_non_null(metadata);
	if (reader->metadata)
		rd_kafka_consumer_group_metadata_destroy(reader->metadata);
	reader->metadata = metadata;
	assert_true(count <= sizeof(reader->given) / sizeof(reader->given[0]));
	memcpy(reader->given, partitions, count * sizeof(*partitions));
	reader->partitions = count;
	reader->assigned++;
	if (reader->start_at_once)
		reader_start_all(reader);
}

static void on_revoked(void *context, bool lost)
{
	struct reader *reader = context;

	reader->revoked++;
	reader->lost += lost;
	reader->partitions = 0;
	if (!reader->hold_release)
		source_release(reader->source);
}

static void on_fatal(void *context, const char *text)
{
	struct reader *reader = context;

	snprintf(reader->fatal, sizeof(reader->fatal), "%s", text);
}

static void on_out_of_range(void *context, enum input input, int32_t partition, int64_t offset)
{
	struct reader *reader = context;

	assert_int_equal(reader->expected[input][partition], offset);
	reader->out_of_range++;
}

static const struct source_callbacks callbacks = {
	.on_record = on_record,
	.on_turn = on_turn,
	.on_assigned = on_assigned,
	.on_revoked = on_revoked,
	.on_fatal = on_fatal,
	.on_out_of_range = on_out_of_range,
};

void reader_open(struct reader *reader, const struct kafka_fixture *fixture, const char *instance)
{
	char error[512] = "";

	reader->base = event_base_new();
	reader->config = kafka_fixture_config(fixture, instance);
	reader->source = source_new(reader->base, &reader->config, &callbacks, reader, error, sizeof(error));
	if (!reader->source)
		fail_msg("source_new: %s", error);
	source_join(reader->source, READER_PARTITIONS);
}

void reader_run(struct reader *reader, int ms)
{
	struct timeval interval = { ms / 1000, ms % 1000 * 1000 };

	event_base_loopexit(reader->base, &interval);
	event_base_dispatch(reader->base);
}

bool reader_until(struct reader *reader, const int64_t *value, int64_t target, int timeout_ms)
{
	int64_t until = monotonic_ms() + timeout_ms;

	while (*value < target && monotonic_ms() < until)
		reader_run(reader, 10);
	return *value >= target;
}

void reader_start_all(struct reader *reader)
{
	for (size_t i = 0; i < reader->partitions; i++)
		reader->given[i].offset = reader->expected[reader->given[i].input][reader->given[i].partition];
	source_assign(reader->source, reader->given, reader->partitions);
}

static void on_closed(void *context)
{
	((struct reader *)context)->closed++;
}

void reader_close(struct reader *reader)
{
	source_close(reader->source, on_closed);
	assert_true(reader_until(reader, &reader->closed, 1, 10000));
	source_free(&reader->source);
	assert_null(reader->source);
	if (reader->metadata)
		rd_kafka_consumer_group_metadata_destroy(reader->metadata);
	event_base_free(reader->base);
}

/* ---- scenarios ---- */

/* More records than one turn takes come all the same, and other events of the loop are not starved meanwhile. */
void scenario_reads_all_in_bounded_turns(struct kafka_fixture *fixture)
{
	struct reader reader = { .start_at_once = true };

	kafka_fixture_new_group(fixture);
	for (int partition = 0; partition < 2; partition++) {
		kafka_fixture_produce(fixture, fixture->reports, partition, 0, MANY);
		kafka_fixture_produce(fixture, fixture->deliveries, partition, 0, MANY);
	}
	reader_open(&reader, fixture, "one");
	assert_true(reader_until(&reader, &reader.records, 4 * MANY, 30000));
	reader_run(&reader, 300);
	assert_int_equal(reader.records, 4 * MANY);
	assert_int_equal(reader.wrong, 0);
	assert_int_equal(reader.assigned, 1);
	assert_true(reader.most_in_turn <= 2000);
	assert_string_equal(reader.fatal, "");
	reader_close(&reader);
}

static void look_at_content(struct reader *reader, const struct input_record *record)
{
	static const struct {
		const char *key, *value;
		size_t headers;
	} expected[] = { { "k", "v", 20 }, { NULL, "", 0 }, { "", NULL, 1 } };

	(void)reader;
	assert_in_range(record->offset, 0, 2);
	assert_true(record->timestamp_ms > 1500000000000);
	assert_true(slice_equal(record->key, slice_of(expected[record->offset].key)));
	assert_true(slice_equal(record->value, slice_of(expected[record->offset].value)));
	assert_int_equal(!record->key.data, !expected[record->offset].key);
	assert_int_equal(!record->value.data, !expected[record->offset].value);
	struct header_list headers = input_record_headers(record);
	assert_int_equal(headers.count, expected[record->offset].headers);
	if (record->offset == 0) {
		assert_true(slice_equal(headers.items[0].name, SLICE("traceparent")));
		assert_true(slice_equal(headers.items[0].value, SLICE("00-ab")));
		assert_null(headers.items[19].value.data);
	}
	if (record->offset == 2) {
		assert_non_null(headers.items[0].value.data);
		assert_int_equal(headers.items[0].value.size, 0);
	}
}

static void produce_one(struct kafka_fixture *fixture, const char *key, const char *value, rd_kafka_headers_t *headers)
{
	assert_int_equal(rd_kafka_producev(fixture->producer, RD_KAFKA_V_TOPIC(fixture->reports),
					   RD_KAFKA_V_PARTITION(2), RD_KAFKA_V_KEY(key, key ? strlen(key) : 0),
					   RD_KAFKA_V_VALUE((char *)value, value ? strlen(value) : 0),
					   RD_KAFKA_V_HEADERS(headers), RD_KAFKA_V_END),
			 0);
}

/* Null and empty key, value and header value are told apart. */
void scenario_record_content(struct kafka_fixture *fixture)
{
	struct reader reader = { .start_at_once = true, .look = look_at_content };
	rd_kafka_headers_t *many = rd_kafka_headers_new(20), *one = rd_kafka_headers_new(1);

	kafka_fixture_new_group(fixture);
	rd_kafka_header_add(many, "traceparent", -1, "00-ab", 5);
	for (int i = 0; i < 19; i++)
		rd_kafka_header_add(many, "x", 1, NULL, 0);
	rd_kafka_header_add(one, "empty", -1, "", 0);
	produce_one(fixture, "k", "v", many);
	produce_one(fixture, NULL, "", rd_kafka_headers_new(1));
	produce_one(fixture, "", NULL, one);
	assert_int_equal(rd_kafka_flush(fixture->producer, 10000), 0);
	reader.expected[INPUT_REPORTS][0] = reader.expected[INPUT_REPORTS][1] = MANY;
	reader.expected[INPUT_DELIVERIES][0] = reader.expected[INPUT_DELIVERIES][1] = MANY;
	reader_open(&reader, fixture, "one");
	assert_true(reader_until(&reader, &reader.records, 3, 20000));
	assert_int_equal(reader.wrong, 0);
	reader_close(&reader);
}

static void move(struct reader *reader, enum input input, int32_t partition, int64_t offset)
{
	reader->expected[input][partition] = offset;
	source_seek(reader->source, &(struct source_partition){ input, partition, offset });
}

/* Moves back and forth while thousands of records are fetched ahead: never a stale, a doubled or a skipped one. */
void scenario_moves(struct kafka_fixture *fixture)
{
	struct reader reader = { .start_at_once = true, .stop_at = 500 };
	uint32_t seed = 7;

	kafka_fixture_new_group(fixture);
	reader_open(&reader, fixture, "one");
	assert_true(reader_until(&reader, &reader.records, 500, 20000));
	reader_run(&reader, 300); /* the library fetches ahead */
	source_set_reading(reader.source, true);
	for (int round = 0; round < 60; round++) {
		int64_t before = reader.records;

		seed = seed * 1103515245 + 12345;
		move(&reader, INPUT_REPORTS, 0, (seed >> 16) & 2047);
		if (round % 3 == 0)
			move(&reader, INPUT_DELIVERIES, 1, (seed >> 20) & 4095);
		if (round % 4 == 0)
			continue; /* again before it took effect */
		if (!reader_until(&reader, &reader.records, before + 50, 10000))
			fail_msg("round %d: nothing comes after a move", round);
	}
	move(&reader, INPUT_REPORTS, 0, 0);
	move(&reader, INPUT_REPORTS, 1, 0);
	assert_true(reader_until(&reader, &reader.expected[INPUT_REPORTS][0], MANY, 20000));
	assert_true(reader_until(&reader, &reader.expected[INPUT_REPORTS][1], MANY, 20000));
	assert_true(reader_until(&reader, &reader.expected[INPUT_DELIVERIES][1], MANY, 20000));
	assert_int_equal(reader.wrong, 0);
	reader_close(&reader);
}

void scenario_move_from_inside_a_record(struct kafka_fixture *fixture)
{
	struct reader reader = { .start_at_once = true, .seek_at = 1000, .seek_to = 3 };

	kafka_fixture_new_group(fixture);
	reader_open(&reader, fixture, "one");
	assert_true(reader_until(&reader, &reader.records, 1000, 20000));
	assert_true(reader_until(&reader, &reader.expected[INPUT_REPORTS][0], MANY, 20000));
	assert_int_equal(reader.wrong, 0);
	reader_close(&reader);
}

/* Stops from inside a record, for longer than the parking time and for less; not one record comes meanwhile, and it
 * goes on exactly. The membership is kept. */
void scenario_stops_reading(struct kafka_fixture *fixture)
{
	static const int waits[] = { 100, 1800, 0, 1500 };
	struct reader reader = { .start_at_once = true };

	kafka_fixture_new_group(fixture);
	reader_open(&reader, fixture, "one");
	for (size_t i = 0; i < sizeof(waits) / sizeof(waits[0]); i++) {
		reader.stop_at = reader.records + 700;
		assert_true(reader_until(&reader, &reader.records, reader.stop_at, 20000));
		if (waits[i])
			reader_run(&reader, waits[i]);
		assert_int_equal(reader.records, reader.stop_at);
		if (i == 3) /* move while parked */
			move(&reader, INPUT_DELIVERIES, 0, 5);
		source_set_reading(reader.source, true);
	}
	assert_true(reader_until(&reader, &reader.expected[INPUT_REPORTS][1], MANY, 20000));
	assert_true(reader_until(&reader, &reader.expected[INPUT_DELIVERIES][0], MANY, 20000));
	assert_int_equal(reader.wrong, 0);
	assert_int_equal(reader.revoked, 0);
	reader_close(&reader);
}

static void run_both(struct reader *a, struct reader *b, const int64_t *value, int64_t target)
{
	for (int i = 0; i < 1500 && *value < target; i++) {
		reader_run(a, 5);
		reader_run(b, 5);
	}
	assert_true(*value >= target);
}

/* The first member has not even said where to start when a second one joins: the group must not wait for it. While a
 * revoke is held, nothing is delivered; the release lets the group go on. */
void scenario_two_members(struct kafka_fixture *fixture)
{
	struct reader first = { .hold_release = true }, second = { .start_at_once = true };
	int64_t records;

	kafka_fixture_new_group(fixture);
	for (int partition = 0; partition < READER_PARTITIONS; partition++)
		kafka_fixture_produce(fixture, fixture->reports, partition, 0, 10);
	reader_open(&first, fixture, "one");
	assert_true(reader_until(&first, &first.assigned, 1, 20000));
	assert_int_equal(first.partitions, 2 * READER_PARTITIONS);
	reader_open(&second, fixture, "two");
	run_both(&first, &second, &first.revoked, 1);
	records = first.records;
	reader_start_all(&first); /* too late: ignored */
	for (int i = 0; i < 100; i++) {
		reader_run(&first, 5);
		reader_run(&second, 5);
	}
	assert_int_equal(first.records, records);
	first.hold_release = false;
	first.start_at_once = true;
	source_release(first.source);
	run_both(&first, &second, &first.assigned, 2);
	run_both(&first, &second, &second.assigned, 1);
	assert_int_equal(first.partitions + second.partitions, 2 * READER_PARTITIONS);
	assert_int_equal(first.lost, 0);
	run_both(&first, &second, &first.records, 1);
	run_both(&first, &second, &second.records, 1);
	assert_int_equal(first.wrong + second.wrong, 0);
	reader_close(&first);
	reader_close(&second);
}

void scenario_out_of_range(struct kafka_fixture *fixture)
{
	struct reader reader = { .start_at_once = true };

	kafka_fixture_new_group(fixture);
	reader.expected[INPUT_REPORTS][1] = 900000;
	reader_open(&reader, fixture, "one");
	assert_true(reader_until(&reader, &reader.out_of_range, 1, 20000));
	assert_true(reader_until(&reader, &reader.expected[INPUT_REPORTS][0], MANY, 20000));
	assert_int_equal(reader.out_of_range, 1);
	move(&reader, INPUT_REPORTS, 1, 10); /* a new position makes it go again */
	assert_true(reader_until(&reader, &reader.expected[INPUT_REPORTS][1], MANY, 20000));
	assert_int_equal(reader.wrong, 0);
	reader_close(&reader);
}
