/* SPDX-License-Identifier: Apache-2.0 */
/* Runs tests/cases/decode.tsv, and what a table cannot say: cost on hostile input, memory, every truncation. */
#include "rider_event.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <cmocka.h>
#include "alloc.h"
#include "buffer.h"
#include "decode/fields.h"
#include "decode_cases.h"

#define MAX_BYTES (1 << 20)

static struct decode_cases cases;
static struct arena arena;

static enum reason decode(struct slice value, struct rider_event *event, struct fault *fault)
{
	const struct input_record record = { .timestamp_ms = -1, .value = value };

	return event_decode(&record, SIZE_MAX, &arena, event, fault);
}

/* ---- the table ---- */

static void append_dropped(struct buffer *out, uint32_t dropped)
{
	for (enum dropped_field field = 0; field < DROPPED_FIELD_COUNT; field++) {
		if (!(dropped >> field & 1))
			continue;
		if (out->size > 0)
			buffer_append_char(out, ',');
		buffer_append(out, slice_of(dropped_field_name(field)));
	}
}

/* Text members of an event by the name the table uses. */
static struct slice text_member(const struct rider_event *event, const char *key)
{
	static const char *const types[] = { "created", "reviewed", "completed" };
	static const char *const decisions[] = { "upheld", "rejected", "duplicate", "fraud" };
	static const char *const systems[] = { "unknown", "WGS84", "GCJ02", "BD09" };
	static const char *const services[] = { "none", "fire", "food", "emergency", "other" };
	const struct {
		const char *key;
		struct slice value;
	} rows[] = {
		{ "id", event->id },
		{ "source", event->source },
		{ "rider_id", event->rider_id },
		{ "traceparent", event->traceparent },
		{ "type", slice_of(types[event->type]) },
		{ "description", event->report.description },
		{ "service_code", slice_of(services[event->report.service_code % 5]) },
		{ "crs", slice_of(systems[event->report.crs % 4]) },
		{ "jurisdiction_id", event->report.jurisdiction_id },
		{ "address_string", event->report.address_string },
		{ "shop_id", event->report.shop_id },
		{ "community_id", event->report.community_id },
		{ "grid_id", event->report.grid_id },
		{ "building", event->report.building },
		{ "url0", event->report.media[0].url },
		{ "url7", event->report.media[7].url },
		{ "sha0", event->report.media[0].sha256 },
		{ "label0", event->report.labels[0] },
		{ "label7", event->report.labels[7] },
		{ "report_id", event->review.report_id },
		{ "decision", slice_of(decisions[event->review.decision % 4]) },
		{ "order_id", event->delivery.order_id },
		{ "charity",
		  slice_of(event->type == EVENT_DELIVERY_COMPLETED && event->delivery.charity ? "true" : "false") },
		{ "delivery_jurisdiction", event->delivery.jurisdiction_id },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		if (strcmp(rows[i].key, key) == 0)
			return rows[i].value.data ? rows[i].value : SLICE("(absent)");
	fail_msg("the table names %s, which the runner does not know", key);
	return SLICE("");
}

/* A member as the table writes it. */
static struct slice member(const struct rider_event *event, const struct fault *fault, const char *key)
{
	struct buffer out;
	size_t size = strlen(key);

	buffer_init(&out, &arena, 32);
	if (strcmp(key, "at") == 0)
		buffer_append_int(&out, (int64_t)fault->position);
	else if (strcmp(key, "dropped") == 0)
		append_dropped(&out, event->dropped);
	else if (strcmp(key, "time") == 0 && event->time_ms == EVENT_TIME_NONE)
		buffer_append(&out, SLICE("none"));
	else if (strcmp(key, "time") == 0)
		buffer_append_time(&out, event->time_ms);
	else if (strcmp(key, "position") == 0)
		buffer_append(&out, slice_of(event->report.has_position ? "yes" : "none"));
	else if (strcmp(key, "lat") == 0)
		buffer_append_decimal(&out, event->report.lat, 6);
	else if (strcmp(key, "long") == 0)
		buffer_append_decimal(&out, event->report.lon, 6);
	else if (strcmp(key, "media") == 0)
		buffer_append_int(&out, (int64_t)event->report.media_count);
	else if (strcmp(key, "labels") == 0)
		buffer_append_int(&out, (int64_t)event->report.label_count);
	else if (size > 5 && strcmp(key + size - 5, ".size") == 0)
		buffer_append_int(&out, (int64_t)text_member(event, strndupa(key, size - 5)).size);
	else
		return text_member(event, key);
	return buffer_slice(&out);
}

static void check_members(const struct decode_case *row, const struct rider_event *event, const struct fault *fault)
{
	const char *at = row->expected.data, *end = at + row->expected.size;

	while (at && at < end) {
		const char *stop = memmem(at, (size_t)(end - at), " | ", 3);
		const char *equals = memchr(at, '=', (size_t)(end - at));
		struct slice want, got;
		char *key;

		stop = stop ? stop : end;
		if (!equals || equals > stop)
			fail_msg("%s: expectations are key=value", row->name);
		key = strndupa(at, (size_t)(equals - at));
		want = (struct slice){ equals + 1, (size_t)(stop - equals - 1) };
		got = member(event, fault, key);
		if (!slice_equal(want, got))
			fail_msg("%s: %s is '%.*s', expected '%.*s'", row->name, key, (int)got.size, got.data,
				 (int)want.size, want.data);
		at = stop == end ? end : stop + 3;
	}
}

static void check_case(const struct decode_case *row)
{
	const struct input_record record = decode_case_record(row);
	struct rider_event event;
	struct fault fault;
	memset(&event, 0xa5, sizeof(event)); /* whatever stood there, what is absent must come out absent */
	enum reason reason = event_decode(&record, MAX_BYTES, &arena, &event, &fault);
	const char *text = reason == REASON_NONE ? "ok" : reason_text(reason);
	const char *field = fault.field ? fault.field : "-";

	if (strcmp(text, row->reason) != 0)
		fail_msg("%s: %s (%s at %zu), expected %s", row->name, text, field, fault.position, row->reason);
	if (strcmp(field, row->field) != 0)
		fail_msg("%s: field %s, expected %s", row->name, field, row->field);
	assert_int_equal(fault.reason, reason);
	check_members(row, &event, &fault);
}

static void test_every_case_of_the_table(void **state)
{
	(void)state;
	assert_true(cases.count >= 120);
	for (size_t i = 0; i < cases.count; i++)
		check_case(&cases.list[i]);
}

static void test_case_names_are_unique(void **state)
{
	(void)state;
	for (size_t i = 0; i < cases.count; i++)
		for (size_t j = 0; j < i; j++)
			assert_string_not_equal(cases.list[i].name, cases.list[j].name);
}

/* ---- names ---- */

static void test_every_field_is_found_by_its_name(void **state)
{
	static const char *const names[] = {
#define FIELD(symbol, name, scope) name,
#include "decode/fields.def"
#undef FIELD
	};

	(void)state;
	for (enum field field = 0; field < FIELD_COUNT; field++) {
		assert_int_equal(field_find(slice_of(names[field]), 15), field);
		assert_int_equal(field_find(slice_of(names[field]), 0), FIELD_COUNT);
	}
	assert_int_equal(field_find(SLICE(""), 15), FIELD_COUNT);
	assert_int_equal(field_find(SLICE("ids"), 15), FIELD_COUNT);
	assert_int_equal(field_find(SLICE("a_name_longer_than_any"), 15), FIELD_COUNT);
}

/* ---- every prefix ---- */

static const char whole[] = "{\"specversion\":\"1.0\",\"id\":\"e\\u00e9\\ud83d\\ude00\",\"source\":\"/"
			    "s\",\"type\":\"rider.report.created.v1\","
			    "\"data\":{\"rider_id\":-12,\"description\":\"楼道\\n😀\",\"lat\":31.5e0,\"long\":121,\"x\":"
			    "[true,false,null,{\"y\":{}}],"
			    "\"media\":[{\"url\":\"u\",\"labels\":[\"火\"]}]}}";

static void test_every_prefix_is_truncated(void **state)
{
	struct rider_event event;
	struct fault fault;

	(void)state;
	assert_int_equal(decode(slice_of(whole), &event, &fault), REASON_NONE);
	for (size_t size = 1; size < sizeof(whole) - 1; size++) {
		/* A heap copy of just that size, so that the address sanitizer sees any byte read behind it. */
		char *copy = alloc_resize(NULL, size);

		memcpy(copy, whole, size);
		if (decode((struct slice){ copy, size }, &event, &fault) != REASON_TRUNCATED)
			fail_msg("prefix of %zu bytes: reason %d", size, fault.reason);
		assert_int_equal(fault.position <= size, 1);
		free(copy);
	}
}

static void test_result_depends_on_the_record_only(void **state)
{
	struct rider_event first, second;
	struct fault fault;

	(void)state;
	memset(&first, 0xaa, sizeof(first));
	memset(&second, 0x55, sizeof(second));
	assert_int_equal(decode(slice_of(whole), &first, &fault), REASON_NONE);
	assert_int_equal(decode(slice_of(whole), &second, &fault), REASON_NONE);
	assert_true(slice_equal(first.id, second.id));
	assert_int_equal(first.report.media_count, second.report.media_count);
	assert_ptr_equal(first.report.media[0].url.data, second.report.media[0].url.data);
	assert_null(first.report.media[1].url.data);
	assert_null(second.report.media[1].url.data);
}

/* ---- hostile input: time must stay in proportion to size ---- */

static double seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* Makes about size bytes of {"<head>": [piece, piece ... with %d counted up. */
static struct slice repeat(const char *head, const char *piece, const char *tail, size_t size)
{
	struct buffer out;

	buffer_init(&out, &arena, size + 256);
	buffer_append(&out, slice_of(head));
	for (int i = 0; out.size < size; i++) {
		char text[128];

		snprintf(text, sizeof(text), piece, i);
		buffer_append(&out, slice_of(text));
	}
	buffer_append(&out, slice_of(tail));
	return buffer_slice(&out);
}

static void check_cost(struct slice value, enum reason expected)
{
	struct rider_event event;
	struct fault fault;
	double start = seconds();

	assert_int_equal(decode(value, &event, &fault), expected);
	/* Quadratic work on a million bytes takes minutes; this bound also holds under sanitizers and valgrind. */
	assert_true(seconds() - start < 10);
	arena_reset(&arena);
}

/* Literal formats: the pieces are the test's data. */
#pragma GCC diagnostic ignored "-Wformat-nonliteral"

static struct header_list count_asked(void *origin)
{
	++*(int *)origin;
	return (struct header_list){ NULL, 0 };
}

/* They cost allocations in the Kafka library, so a value that speaks for itself needs none. */
static void test_headers_are_read_only_when_they_matter(void **state)
{
	(void)state;
#define ENVELOPE "\"specversion\":\"1.0\",\"id\":\"e1\",\"source\":\"/s\",\"type\":\"rider."
	static const struct {
		const char *value;
		bool faulty, asked;
	} rows[] = {
		{ "{" ENVELOPE "delivery.completed.v1\",\"data\":{\"rider_id\":\"r\",\"order_id\":\"o\"}}", false,
		  false },
		{ "{" ENVELOPE "delivery.completed.v1\",\"data\":{\"rider_id\":\"r\"}}", true, false },
		{ "{" ENVELOPE "report.reviewed.v1\",\"data\":{}}", true, false },
		{ "{\"specversion\":\"1.0\",\"id\":\"e1\"}", true, true },
		{ "{" ENVELOPE "report.created.v1\",\"data\":{\"rider_id\":\"r\",\"description\":\"d\"}}", false,
		  true },
		{ "{\"id\":\"e1\",\"type\":\"rider.delivery.completed.v1\",\"rider_id\":\"r\",\"order_id\":\"o\"}",
		  false, true },
		{ "{", true, true },
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		int asked = 0;
		struct input_record record = { .timestamp_ms = -1,
					       .value = slice_of(rows[i].value),
					       .read_headers = count_asked,
					       .origin = &asked };
		struct rider_event event;
		struct fault fault;
		enum reason reason = event_decode(&record, MAX_BYTES, &arena, &event, &fault);
		assert_int_equal(reason != REASON_NONE, rows[i].faulty);
		assert_int_equal(asked > 0, rows[i].asked);
	}
}

static void test_cost_of_hostile_input_is_bounded(void **state)
{
	(void)state;
	check_cost(repeat("", "[", "", 10 << 20), REASON_NOT_JSON);
	check_cost(repeat("{\"a\":", "[", "", 10 << 20), REASON_TOO_DEEP);
	check_cost(repeat("", "{\"a\":", "", 10 << 20), REASON_TOO_DEEP);
	check_cost(repeat("{", "\"prefix_%d\":1,", "\"z\":0}", 1 << 20), REASON_MISSING_FIELD);
	check_cost(repeat("{", "\"prefix_%07d\":1,", "\"prefix_0000000\":0}", 1 << 20), REASON_DUPLICATE_KEY);
	check_cost(repeat("{", "\"\\u0061%d\":1,", "\"\\u00610\":0}", 1 << 20), REASON_DUPLICATE_KEY);
	check_cost(repeat("{", "\"a\":1,", "\"z\":0}", 1 << 20), REASON_DUPLICATE_KEY);
	check_cost(repeat("{\"a\":[", "{\"a\":1,\"b\":{}},", "0]}", 1 << 20), REASON_MISSING_FIELD);
	check_cost(repeat("{\"media\":[", "{\"url\":\"\\n\",\"labels\":[\"\\t\"]},", "0]}", 1 << 20),
		   REASON_MISSING_FIELD);
	check_cost(repeat("{\"a\":\"", "\\ud83d\\ude00", "\"}", 1 << 20), REASON_MISSING_FIELD);
	check_cost(repeat("{\"lat\":0.", "1234567890", "}", 1 << 20), REASON_MISSING_FIELD);
	check_cost(repeat("{\"id\":\"e\",\"type\":\"rider.delivery.completed.v1\",\"rider_id\":", "1234567890", "}",
			  1 << 20),
		   REASON_INVALID_VALUE);
}

static int load(void **state)
{
	(void)state;
	arena_init(&arena);
	decode_cases_load(&cases, "tests/cases/decode.tsv");
	return 0;
}

static int unload(void **state)
{
	(void)state;
	arena_fini(&arena);
	decode_cases_free(&cases);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_case_of_the_table),
		cmocka_unit_test(test_case_names_are_unique),
		cmocka_unit_test(test_every_field_is_found_by_its_name),
		cmocka_unit_test(test_every_prefix_is_truncated),
		cmocka_unit_test(test_result_depends_on_the_record_only),
		cmocka_unit_test(test_headers_are_read_only_when_they_matter),
		cmocka_unit_test(test_cost_of_hostile_input_is_bounded),
	};

	return cmocka_run_group_tests(tests, load, unload);
}
