/* SPDX-License-Identifier: Apache-2.0 */
/* Records at the edge of what Kafka can carry, made here because no table holds them: each through the whole pipeline,
 * which says one thing about each and goes on. */
#include "pipeline.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>
#include "rider_event.h"
#include "unit/shipped_rules.h"

#define MIB ((size_t)1 << 20)
#define T0 1764060000000LL

static const struct pipeline_settings settings = {
	.input_topics = { "rider.reports.v1", "rider.deliveries.v1" },
	.dead_letter_topic = "rider.dlq.v1",
	.alert_topics = { "alerts.emergency", "alerts.fire", "alerts.food", NULL },
	.partitions = 1,
	.max_event_bytes = MIB,
	.max_record_bytes = MIB + 65536,
	.dedup_hours = 24,
	.application = "riderwatchd/test",
	.group = "g",
};

struct fixture {
	struct stream stream;
	struct chunk *chunk;
	struct input_record record;
	char *value;
};

static void fixture_init(struct fixture *f)
{
	*f = (struct fixture){ .stream = { .seen = seen_new(), .time_ms = STREAM_TIME_NONE, .key = { 1 } },
			       .record = { .input = INPUT_DELIVERIES, .timestamp_ms = T0, .key = SLICE("r1") } };
	f->chunk = chunk_new(0, 0, shipped_rules);
}

static void fixture_fini(struct fixture *f)
{
	chunk_free(&f->chunk);
	seen_free(&f->stream.seen);
	free(f->value);
}

static void run(struct fixture *f)
{
	pipeline_run(&settings, &f->stream, &f->record, false, f->chunk);
	f->record.offset++;
	assert_int_equal(f->chunk->link.to, f->record.offset);
}

/* head, then size times one byte, then tail. */
static void set_value(struct fixture *f, const char *head, size_t size, char byte, const char *tail)
{
	free(f->value);
	f->value = malloc(strlen(head) + size + strlen(tail) + 1);
	assert_non_null(f->value);
	strcpy(f->value, head);
	memset(f->value + strlen(head), byte, size);
	strcpy(f->value + strlen(head) + size, tail);
	f->record.value = (struct slice){ f->value, strlen(head) + size + strlen(tail) };
}

#define DELIVERY_OF(id)                                                                                                \
	"{\"id\":\"" id "\",\"type\":\"rider.delivery.completed.v1\",\"order_id\":\"o1\",\"rider_id\":\"r1\""

static const char delivery[] = DELIVERY_OF("d1") ",\"x\":\"";

static size_t record_size(const struct output_record *out)
{
	size_t size = out->key.size + out->payload.size;
	for (size_t i = 0; i < out->header_count; i++)
		size += out->headers[i].name.size + out->headers[i].value.size;
	return size;
}

static void test_string_of_10_mib(void **state)
{
	struct fixture f;
	struct arena arena;
	struct rider_event event;
	struct fault fault;

	(void)state;
	fixture_init(&f);
	set_value(&f, delivery, 10 * MIB, 'x', "\"}");
	run(&f);
	assert_int_equal(f.chunk->reasons[REASON_TOO_LARGE], 1);
	assert_int_equal(f.chunk->record_count, 1);
	assert_true(record_size(f.chunk->records) <= settings.max_record_bytes);
	/* Where the setting allows it, it is an event like any other. */
	arena_init(&arena);
	assert_int_equal(event_decode(&f.record, 64 * MIB, &arena, &event, &fault), REASON_NONE);
	arena_fini(&arena);
	fixture_fini(&f);
}

static void test_largest_event(void **state)
{
	const size_t around = strlen(delivery) + strlen("\"}");
	struct fixture f;

	(void)state;
	fixture_init(&f);
	set_value(&f, delivery, MIB - around, 'x', "\"}");
	run(&f);
	assert_int_equal(f.chunk->outcomes[OUTCOME_COUNTED], 1);
	set_value(&f, delivery, MIB - around + 1, 'x', "\"}");
	run(&f);
	assert_int_equal(f.chunk->reasons[REASON_TOO_LARGE], 1);
	fixture_fini(&f);
}

static void test_a_million_brackets(void **state)
{
	struct fixture f;

	(void)state;
	fixture_init(&f);
	set_value(&f, DELIVERY_OF("d1") ",\"x\":", 1000000, '[', "");
	run(&f);
	assert_int_equal(f.chunk->reasons[REASON_TOO_DEEP], 1);
	assert_int_equal(f.chunk->outcomes[OUTCOME_DEAD_LETTER], 1);
	fixture_fini(&f);
}

static void test_thousands_of_headers(void **state)
{
	enum { COUNT = 20000 };
	struct header *headers = calloc(COUNT, sizeof *headers);
	struct fixture f;

	(void)state;
	assert_non_null(headers);
	for (size_t i = 0; i < COUNT; i++)
		headers[i] = (struct header){ SLICE("filler"), i % 2 ? SLICE("v") : (struct slice){ 0 } };
	fixture_init(&f);
	f.record.headers = headers;
	f.record.header_count = COUNT;
	set_value(&f, delivery, 0, 'x', "\"}");
	run(&f);
	assert_int_equal(f.chunk->outcomes[OUTCOME_COUNTED], 1);
	set_value(&f, "nonsense", 0, 'x', "");
	run(&f);
	assert_int_equal(f.chunk->outcomes[OUTCOME_DEAD_LETTER], 1);
	assert_true(f.chunk->records->header_count > COUNT);
	assert_true(record_size(f.chunk->records) <= settings.max_record_bytes);
	fixture_fini(&f);
	free(headers);
}

static void test_times_that_are_none(void **state)
{
	static const int64_t times[] = { -1, 0, INT64_MIN, INT64_MAX, 253402300800000, 4102444800000 };
	struct fixture f;

	(void)state;
	fixture_init(&f);
	set_value(&f, DELIVERY_OF("d1"), 0, 'x', "}");
	run(&f);
	for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
		f.record.timestamp_ms = times[i];
		run(&f);
		assert_int_equal(f.stream.time_ms, T0);
	}
	/* Repeats they are all the same. */
	assert_int_equal(f.chunk->outcomes[OUTCOME_COUNTED], 1);
	assert_int_equal(f.chunk->outcomes[OUTCOME_DUPLICATE], sizeof times / sizeof *times);
	assert_int_equal(f.chunk->outcomes[OUTCOME_TIMESTAMP_CLIPPED], sizeof times / sizeof *times);
	fixture_fini(&f);
}

/* An id is its bytes: what looks the same is not, and what would end a Redis key does not get there. */
static void test_ids_are_bytes(void **state)
{
	static const char *const values[] = {
		DELIVERY_OF("\xc3\xa9") "}",  /* composed */
		DELIVERY_OF("e\xcc\x81") "}", /* decomposed */
		DELIVERY_OF("{7}") "}",       DELIVERY_OF("{") "}",
		DELIVERY_OF("}:*") "}",       DELIVERY_OF("\\r\\n*1\\r\\n") "}",
		DELIVERY_OF("E") "}",         DELIVERY_OF("e") "}",
	};
	enum { COUNT = sizeof values / sizeof *values };
	struct fixture f;

	(void)state;
	fixture_init(&f);
	for (size_t again = 0; again < 2; again++) {
		for (size_t i = 0; i < COUNT; i++) {
			set_value(&f, values[i], 0, 'x', "");
			run(&f);
		}
	}
	assert_int_equal(f.chunk->outcomes[OUTCOME_COUNTED], COUNT);
	assert_int_equal(f.chunk->outcomes[OUTCOME_DUPLICATE], COUNT);
	fixture_fini(&f);
}

static void test_rider_ids_stay_inside_their_key(void **state)
{
	static const char tag[] = "{\"id\":\"d1\",\"type\":\"rider.delivery.completed.v1\",\"order_id\":\"o1\","
				  "\"rider_id\":\"{9}:rider:*\\r\\n";
	struct apply_target target = { .topic = SLICE("t"), .to = 1, .stream_time_ms = T0, .dedup_hours = 24 };
	struct fixture f;

	(void)state;
	fixture_init(&f);
	memset(target.store_uuid, 'a', sizeof target.store_uuid);
	f.record.key = (struct slice){ 0 };
	set_value(&f, tag, 4000, 'x', "\"}");
	run(&f);
	assert_int_equal(f.chunk->outcomes[OUTCOME_COUNTED], 1);
	assert_int_equal(f.chunk->outcomes[OUTCOME_KEY_MISMATCH], 1);
	struct slice command = effects_apply_command(f.chunk->effects, &target, &f.chunk->arena);
	assert_null(memmem(command.data, command.size, "{9}", 3));
	assert_null(memmem(command.data, command.size, "xxxx", 4));
	assert_non_null(memmem(command.data, command.size, "rw:{0}:rider:~", 14));
	fixture_fini(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_string_of_10_mib),
		cmocka_unit_test(test_largest_event),
		cmocka_unit_test(test_a_million_brackets),
		cmocka_unit_test(test_thousands_of_headers),
		cmocka_unit_test(test_times_that_are_none),
		cmocka_unit_test(test_ids_are_bytes),
		cmocka_unit_test(test_rider_ids_stay_inside_their_key),
	};
	return cmocka_run_group_tests_name("limits", tests, shipped_rules_load, shipped_rules_unload);
}
