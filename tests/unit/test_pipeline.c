/* SPDX-License-Identifier: Apache-2.0 */
/* One record in, its effects and records out: decode, dedup, classify, tally, route and encode together. */
#include "pipeline.h"
#include "ruleset.h"

#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>
#include "unit/shipped_rules.h"

#define T0 1764060000000LL

static const struct pipeline_settings settings = {
	.input_topics = { "rider.reports.v1", "rider.deliveries.v1" },
	.dead_letter_topic = "rider.dlq.v1",
	.alert_topics = { "alerts.emergency", "alerts.fire", "alerts.food", NULL },
	.partitions = 1,
	.max_event_bytes = 4096,
	.max_record_bytes = 70000,
	.dedup_hours = 24,
	.application = "riderwatchd/test",
	.group = "g",
	.pseudonym_key = { "0123456789abcdef", 16 },
};

struct fixture {
	struct stream stream;
	struct chunk *chunk;
	int64_t offset;
};

static void fixture_init(struct fixture *f)
{
	*f = (struct fixture){ .stream = { .seen = seen_new(), .time_ms = STREAM_TIME_NONE, .key = { 1, 2, 3 } },
			       .offset = 10 };
	f->chunk = chunk_new(0, 10, shipped_rules);
}

static void fixture_fini(struct fixture *f)
{
	chunk_free(&f->chunk);
	seen_free(&f->stream.seen);
}

static void run(struct fixture *f, enum input input, struct slice key, struct slice value, bool muted)
{
	struct input_record record = {
		.input = input,
		.offset = f->offset++,
		.timestamp_ms = T0 + f->offset,
		.key = key,
		.value = value,
	};
	pipeline_run(&settings, &f->stream, &record, muted, f->chunk);
}

static const char report[] =
	"{\"specversion\":\"1.0\",\"id\":\"r-1\",\"source\":\"/apps/rider\",\"type\":\"rider.report.created.v1\","
	"\"time\":\"2025-11-25T08:00:00Z\",\"data\":{\"rider_id\":\"R0000007\",\"description\":"
	"\"三号楼楼道里有人飞线给电动车充电，"
	"物业电话13812345678\",\"service_code\":\"fire\",\"lat\":39.9101,\"long\":116.4037,\"crs\":\"GCJ02\","
	"\"jurisdiction_id\":\"110101\",\"address_string\":\"人民路12号\"}}";

static const char delivery[] = "{\"id\":\"d-1\",\"type\":\"rider.delivery.completed.v1\",\"rider_id\":\"R0000007\","
			       "\"order_id\":\"88\",\"charity\":true,\"jurisdiction_id\":\"110101\"}";

static struct slice command(struct fixture *f)
{
	struct apply_target target = { .topic = SLICE("rider.reports.v1"),
				       .from = 10,
				       .to = f->chunk->link.to,
				       .stream_time_ms = f->chunk->stream_time_ms,
				       .dedup_hours = 24 };
	memset(target.store_uuid, 'a', sizeof target.store_uuid);
	return effects_apply_command(f->chunk->effects, &target, &f->chunk->arena);
}

static const char *header(const struct output_record *record, const char *name)
{
	static char text[512];
	for (size_t i = 0; i < record->header_count; i++) {
		if (slice_equal(record->headers[i].name, slice_of(name))) {
			snprintf(text, sizeof text, "%.*s", (int)record->headers[i].value.size,
				 record->headers[i].value.data);
			return text;
		}
	}
	return NULL;
}

static void test_delivery_counts_and_says_nothing(void **state)
{
	(void)state;
	struct fixture f;
	fixture_init(&f);
	run(&f, INPUT_DELIVERIES, SLICE("R0000007"), slice_of(delivery), false);
	assert_int_equal(f.chunk->outcomes[OUTCOME_COUNTED], 1);
	assert_int_equal(f.chunk->record_count, 0);
	assert_int_equal(f.chunk->urgency, SEVERITY_NONE);
	assert_int_equal(f.chunk->link.to, 11);
	assert_int_equal(f.chunk->stream_time_ms, T0 + 11);
	struct slice bytes = command(&f);
	assert_non_null(memmem(bytes.data, bytes.size, "deliveries_charity", 18));
	assert_non_null(memmem(bytes.data, bytes.size, "110101:deliveries", 17));
	fixture_fini(&f);
}

static void test_repeat_changes_nothing(void **state)
{
	(void)state;
	struct fixture f;
	fixture_init(&f);
	run(&f, INPUT_REPORTS, SLICE("R0000007"), slice_of(report), false);
	size_t records = f.chunk->record_count;
	run(&f, INPUT_REPORTS, SLICE("R0000007"), slice_of(report), false);
	assert_int_equal(f.chunk->outcomes[OUTCOME_COUNTED], 1);
	assert_int_equal(f.chunk->outcomes[OUTCOME_DUPLICATE], 1);
	assert_int_equal(f.chunk->record_count, records);
	assert_int_equal(f.chunk->link.to, 12);
	fixture_fini(&f);
}

static void test_alert_says_what_where_and_why(void **state)
{
	(void)state;
	struct fixture f;
	fixture_init(&f);
	run(&f, INPUT_REPORTS, SLICE("R0000007"), slice_of(report), false);
	assert_int_equal(f.chunk->record_count, 1);
	const struct output_record *out = f.chunk->records;
	assert_true(slice_equal(out->topic, SLICE("alerts.fire")));
	assert_string_equal(header(out, "content-type"), "application/cloudevents+json; charset=utf-8");
	assert_true(f.chunk->urgency >= SEVERITY_SEVERE);

	json_error_t error;
	json_t *alert = json_loadb(out->payload.data, out->payload.size, JSON_REJECT_DUPLICATES, &error);
	assert_non_null(alert);
	json_t *data = json_object_get(alert, "data");
	/* first 32 hex digits of SHA-256 of "/apps/rider\nr-1\nfire" */
	assert_string_equal(json_string_value(json_object_get(alert, "id")), "053c749f6162b057888abb5c08be9abb");
	assert_string_equal(json_string_value(json_object_get(alert, "rwcategory")), "fire");
	assert_string_equal(json_string_value(json_object_get(data, "hazard_code")), "fire.ebike_charging");
	assert_string_equal(json_string_value(json_object_get(data, "severity")), "Severe");
	assert_non_null(strstr(json_string_value(json_object_get(data, "description")), "138******78"));
	assert_null(memmem(out->payload.data, out->payload.size, "13812345678", 11));
	assert_null(memmem(out->payload.data, out->payload.size, "R0000007", 8)); /* never the rider id */
	assert_int_equal(strlen(json_string_value(json_object_get(data, "reporter_ref"))), 32);

	json_t *area = json_object_get(data, "area");
	assert_string_equal(json_string_value(json_object_get(area, "crs")), "WGS84");
	double lon = json_number_value(json_object_get(area, "long"));
	assert_true(lon > 116.3970 && lon < 116.3980);
	assert_string_equal(json_string_value(json_object_get(data, "effective")), "2025-11-25T08:00:00.000Z");

	/* every span is the text that it names */
	json_t *span;
	size_t i;
	const char *text = json_string_value(json_object_get(data, "description"));
	json_array_foreach(json_object_get(json_object_get(data, "decision"), "spans"), i, span)
	{
		const char *words = json_string_value(json_object_get(span, "text"));
		json_int_t from = json_integer_value(json_object_get(span, "from"));
		if (words)
			assert_memory_equal(text + from, words, strlen(words));
	}
	assert_true(json_array_size(json_object_get(json_object_get(data, "decision"), "rules")) > 0);
	assert_true(json_array_size(json_object_get(data, "routes")) > 0);
	const json_t *route = json_array_get(json_object_get(data, "routes"), 0), *response = json_object_get(data, "response");
	assert_int_equal(strncmp(json_string_value(json_object_get(route, "rule")), "routes#", 7), 0);
	assert_string_equal(json_string_value(json_object_get(response, "acknowledge_within")), "15 min");
	assert_string_equal(json_string_value(json_object_get(response, "check_within")), "3 workdays");
	json_decref(alert);
	fixture_fini(&f);
}

static void test_muted_counts_the_same_and_publishes_nothing(void **state)
{
	(void)state;
	struct fixture live, muted;
	fixture_init(&live);
	fixture_init(&muted);
	static const char *const values[] = { report, delivery, "{", report };
	for (size_t i = 0; i < 4; i++) {
		run(&live, INPUT_REPORTS, SLICE("R0000007"), slice_of(values[i]), false);
		run(&muted, INPUT_REPORTS, SLICE("R0000007"), slice_of(values[i]), true);
	}
	assert_true(live.chunk->record_count >= 2);
	assert_int_equal(muted.chunk->record_count, 0);
	assert_true(slice_equal(command(&live), command(&muted)));
	fixture_fini(&live);
	fixture_fini(&muted);
}

static void test_same_log_gives_the_same_bytes(void **state)
{
	(void)state;
	struct fixture first, second;
	fixture_init(&first);
	fixture_init(&second);
	run(&first, INPUT_REPORTS, SLICE("R0000007"), slice_of(report), false);
	run(&second, INPUT_REPORTS, SLICE("R0000007"), slice_of(report), false);
	assert_true(slice_equal(first.chunk->records->payload, second.chunk->records->payload));
	assert_true(slice_equal(first.chunk->records->key, second.chunk->records->key));
	fixture_fini(&first);
	fixture_fini(&second);
}

static void test_dead_letter_keeps_the_original(void **state)
{
	(void)state;
	struct fixture f;
	fixture_init(&f);
	struct header headers[] = { { SLICE("x-trace"), SLICE("7") }, { SLICE("empty"), { NULL, 0 } } };
	struct input_record record = { .input = INPUT_REPORTS,
				       .offset = 10,
				       .timestamp_ms = T0,
				       .key = SLICE("k"),
				       .value = SLICE("{\"id\": x}"),
				       .headers = headers,
				       .header_count = 2 };
	pipeline_run(&settings, &f.stream, &record, false, f.chunk);
	const struct output_record *out = f.chunk->records;
	assert_non_null(out);
	assert_true(slice_equal(out->payload, record.value));
	assert_true(slice_equal(out->key, record.key));
	assert_true(slice_equal(out->topic, SLICE("rider.dlq.v1")));
	assert_true(slice_equal(out->headers[0].name, SLICE("x-trace")));
	assert_null(out->headers[1].value.data);
	assert_string_equal(header(out, "rw.error.reason"), "not_json");
	assert_string_equal(header(out, "rw.error.topic"), "rider.reports.v1");
	assert_string_equal(header(out, "rw.error.offset"), "10");
	assert_string_equal(header(out, "rw.error.position"), "7");
	assert_null(header(out, "rw.error.truncated"));
	fixture_fini(&f);
}

static void test_dead_letter_that_is_too_large_is_cut(void **state)
{
	(void)state;
	struct fixture f;
	fixture_init(&f);
	char *value = malloc(200000);
	memset(value, 'x', 200000);
	run(&f, INPUT_REPORTS, (struct slice){ 0 }, (struct slice){ value, 200000 }, false);
	const struct output_record *out = f.chunk->records;
	assert_int_equal(out->payload.size, 65536);
	assert_null(out->key.data);
	assert_string_equal(header(out, "rw.error.reason"), "too_large");
	assert_string_equal(header(out, "rw.error.truncated"), "true");
	assert_string_equal(header(out, "rw.error.original_size"), "200000");
	assert_int_equal(strlen(header(out, "rw.error.sha256")), 64);
	free(value);
	fixture_fini(&f);
}

/* Each part alone may be all that fits: together they must fit as well. */
static void test_dead_letter_fits_whatever_came(void **state)
{
	static const struct {
		size_t key, value, headers, header_size;
	} rows[] = {
		{ 0, 200000, 0, 0 },      { 200000, 0, 0, 0 },        { 200000, 200000, 0, 0 }, { 60000, 60000, 0, 0 },
		{ 1024, 65000, 8, 3000 }, { 9, 65536, 1, 32000 },     { 9, 100, 1, 66000 },     { 9, 100, 9000, 0 },
		{ 9, 65536, 2000, 0 },    { 1024, 200000, 1, 32700 }, { 9, 66000, 0, 0 },
	};
	static char bytes[200000];

	(void)state;
	memset(bytes, 'x', sizeof bytes);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct pipeline_settings small = settings;
		struct header *headers = calloc(rows[i].headers + 1, sizeof *headers);
		struct input_record record = { .offset = 10,
					       .timestamp_ms = T0,
					       .key = { bytes, rows[i].key },
					       .value = { bytes, rows[i].value },
					       .headers = headers,
					       .header_count = rows[i].headers };
		struct fixture f;
		size_t size = 0;

		for (size_t j = 0; j < rows[i].headers; j++)
			headers[j].value = (struct slice){ bytes, rows[i].header_size };
		small.max_record_bytes = 66560;
		fixture_init(&f);
		pipeline_run(&small, &f.stream, &record, false, f.chunk);
		const struct output_record *out = f.chunk->records;
		for (size_t j = 0; j < out->header_count; j++)
			size += out->headers[j].name.size + out->headers[j].value.size + 8;
		size += out->key.size + out->payload.size;
		if (size > small.max_record_bytes)
			fail_msg("row %zu: %zu bytes", i, size);
		/* Most of the value is there, except where headers are as large. */
		assert_true(out->payload.size == record.value.size || out->payload.size > 30000);
		fixture_fini(&f);
		free(headers);
	}
}

static void test_tombstone_is_counted_only(void **state)
{
	(void)state;
	struct fixture f;
	fixture_init(&f);
	run(&f, INPUT_REPORTS, SLICE("k"), (struct slice){ 0 }, false);
	assert_int_equal(f.chunk->outcomes[OUTCOME_SKIPPED], 1);
	assert_int_equal(f.chunk->reasons[REASON_TOMBSTONE], 1);
	assert_int_equal(f.chunk->record_count, 0);
	assert_int_equal(f.chunk->link.to, 11);
	fixture_fini(&f);
}

static void test_key_that_is_not_the_rider_is_told(void **state)
{
	(void)state;
	struct fixture f;
	fixture_init(&f);
	run(&f, INPUT_DELIVERIES, (struct slice){ 0 }, slice_of(delivery), false);
	assert_int_equal(f.chunk->outcomes[OUTCOME_KEY_MISMATCH], 1);
	assert_int_equal(f.chunk->outcomes[OUTCOME_COUNTED], 1);
	fixture_fini(&f);
}

/* A set made from the log alone equals the one that deciding made: same sizes, same answers, same time. */
static void test_remembering_leaves_what_deciding_leaves(void **state)
{
	static const struct {
		const char *value;
		int64_t timestamp_ms;
	} records[] = {
		{ report, T0 }, { delivery, T0 + 10 * HOUR_MS }, { "no event", T0 + 20 * HOUR_MS },
		{ report, T0 }, { delivery, T0 + 5000 },         { NULL, T0 + 30 * HOUR_MS },
		{ report, -1 },
	};
	struct fixture decided, remembered;
	struct arena arena;

	(void)state;
	fixture_init(&decided);
	fixture_init(&remembered);
	arena_init(&arena);
	for (size_t i = 0; i < sizeof records / sizeof *records; i++) {
		struct input_record record = { .offset = decided.offset + (int64_t)i,
					       .timestamp_ms = records[i].timestamp_ms };
		if (records[i].value)
			record.value = slice_of(records[i].value);
		pipeline_run(&settings, &decided.stream, &record, false, decided.chunk);
		pipeline_remember(&settings, &remembered.stream, &record, &arena);
		arena_reset(&arena);
		assert_int_equal(remembered.stream.time_ms, decided.stream.time_ms);
		assert_int_equal(seen_count(remembered.stream.seen), seen_count(decided.stream.seen));
	}
	assert_int_equal(seen_count(remembered.stream.seen), 2);
	uint64_t id = identity_event(remembered.stream.key, SLICE("/apps/rider"), SLICE("r-1"));
	uint32_t hour = stream_hour(&remembered.stream);
	bool changed;
	assert_true(seen_check(remembered.stream.seen, id, hour, 0, &changed));
	assert_false(changed);
	assert_true(seen_check(decided.stream.seen, id, hour, 0, &changed));
	assert_false(changed);
	arena_fini(&arena);
	fixture_fini(&decided);
	fixture_fini(&remembered);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_delivery_counts_and_says_nothing),
		cmocka_unit_test(test_repeat_changes_nothing),
		cmocka_unit_test(test_alert_says_what_where_and_why),
		cmocka_unit_test(test_muted_counts_the_same_and_publishes_nothing),
		cmocka_unit_test(test_same_log_gives_the_same_bytes),
		cmocka_unit_test(test_dead_letter_keeps_the_original),
		cmocka_unit_test(test_dead_letter_that_is_too_large_is_cut),
		cmocka_unit_test(test_dead_letter_fits_whatever_came),
		cmocka_unit_test(test_tombstone_is_counted_only),
		cmocka_unit_test(test_remembering_leaves_what_deciding_leaves),
		cmocka_unit_test(test_key_that_is_not_the_rider_is_told),
	};
	return cmocka_run_group_tests_name("pipeline", tests, shipped_rules_load, shipped_rules_unload);
}
