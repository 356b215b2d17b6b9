/* SPDX-License-Identifier: Apache-2.0 */
/* Binary mode: any headers, few or thousands, in any order, repeated, null, of any bytes. Decoding agrees with an
 * independent reading, keeps its promises, does not care about headers that mean nothing, and of a name that comes
 * twice takes the last. */
#include <stdio.h>
#include "fuzz/fuzz_input.h"
#include "unit/decode_compare.h"

#define HEADERS_MAX 64
#define FILLERS_MAX 4096
#define VALUE_MAX (1 << 16)

static const char *const names[] = {
	"ce_specversion", "ce_type",         "ce_id",        "ce_source",    "ce_time",
	"ce_traceparent", "traceparent",     "ce_subject",   "content-type", "ce_datacontenttype",
	"Ce_Id",          "CE_TYPE",         "Content-Type", "CONTENT-TYPE", "ce_",
	"ce_specversio",  "ce_specversions", "tracestate",   "ce_rider_id",  "ce-id",
};

static const char *const values[] = {
	"1.0",
	"rider.report.created.v1",
	"rider.report.reviewed.v1",
	"rider.delivery.completed.v1",
	"e1",
	"/apps/rider",
	"2026-11-25T08:50:31.123Z",
	"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
	"application/json",
	"application/cloudevents+json; charset=utf-8",
	"application/avro",
	"1.1",
	"2.0",
	"rider.report.created.v2",
	"",
	"\xff\xfe",
	"a%20b",
	"报告",
};

static const char structured[] =
	"{\"specversion\":\"1.0\",\"id\":\"e1\",\"source\":\"/s\",\"type\":\"rider.report.created.v1\","
	"\"data\":{\"rider_id\":1,\"description\":\"\"}}";

static const char *const bodies[] = {
	"{\"rider_id\":\"r1\",\"description\":\"楼道起火\"}",
	"{\"rider_id\":\"r1\",\"report_id\":\"e0\",\"decision\":\"upheld\"}",
	"{\"rider_id\":7,\"order_id\":\"o1\",\"charity\":true}",
	structured,
};

#define COUNT(list) (sizeof(list) / sizeof(*(list)))

/* Selector bytes beyond the lists stand for a text of the input's own. */
static struct slice pick(struct fuzz_input *input, const char *const *list, size_t count)
{
	size_t choice = fuzz_below(input, count + 8);
	return choice < count ? slice_of(list[choice]) : fuzz_text(input);
}

static size_t read_headers(struct fuzz_input *input, struct header *headers)
{
	size_t count = fuzz_below(input, HEADERS_MAX + 1);
	for (size_t i = 0; i < count; i++) {
		headers[i].name = pick(input, names, COUNT(names));
		bool null = fuzz_byte(input) % 16 == 0;
		headers[i].value = null ? (struct slice){ 0 } : pick(input, values, COUNT(values));
	}
	return count;
}

static void check(const struct input_record *record)
{
	const char *problem = decode_disagreement(record, VALUE_MAX);
	if (!problem)
		problem = decode_broken_promise(record, VALUE_MAX);
	if (problem)
		fprintf(stderr, "%s\n", problem);
	MUST(!problem);
}

struct outcome {
	struct rider_event event;
	struct fault fault;
	enum reason reason;
};

static void decode(const struct input_record *record, struct arena *arena, struct outcome *outcome)
{
	*outcome = (struct outcome){ 0 };
	outcome->reason = event_decode(record, VALUE_MAX, arena, &outcome->event, &outcome->fault);
}

static void must_be_same(const struct outcome *a, const struct outcome *b)
{
	MUST(a->reason == b->reason && a->fault.field == b->fault.field && a->fault.position == b->fault.position);
	if (a->reason != REASON_NONE)
		return;
	MUST(a->event.type == b->event.type && a->event.time_ms == b->event.time_ms &&
	     a->event.dropped == b->event.dropped);
	MUST(slice_equal(a->event.id, b->event.id) && slice_equal(a->event.source, b->event.source));
	MUST(slice_equal(a->event.rider_id, b->event.rider_id) &&
	     slice_equal(a->event.traceparent, b->event.traceparent));
}

/* The list between fillers and again behind them: the last of each name is what it was, the rest means nothing. */
static void check_flood(const struct input_record *record, size_t fillers)
{
	size_t count = record->header_count, all = 2 * count + fillers;
	struct header *headers = calloc(all + 1, sizeof *headers);
	struct input_record flooded = *record;
	struct outcome plain, flood;
	struct arena arena;

	MUST(headers);
	for (size_t i = 0; i < all; i++)
		headers[i] = (struct header){ SLICE("x-filler"), SLICE("ce_id") };
	if (count) {
		memcpy(headers, record->headers, count * sizeof *headers);
		memcpy(headers + all - count, record->headers, count * sizeof *headers);
	}
	flooded.headers = headers;
	flooded.header_count = all;
	arena_init(&arena);
	decode(record, &arena, &plain);
	decode(&flooded, &arena, &flood);
	must_be_same(&plain, &flood);
	arena_fini(&arena);
	free(headers);
}

int FUZZ_FUNCTION(headers)(const uint8_t *data, size_t size)
{
	struct fuzz_input input = fuzz_input_of(data, size);
	struct header headers[HEADERS_MAX];
	size_t fillers = fuzz_byte(&input) == 0xff ? FILLERS_MAX : 3;
	struct input_record record = { .timestamp_ms = -1, .headers = headers };
	record.header_count = read_headers(&input, headers);
	size_t body = fuzz_below(&input, COUNT(bodies) + 2);
	struct slice value = body < COUNT(bodies) ? slice_of(bodies[body]) : fuzz_rest(&input);
	char *copy = fuzz_copy(value);
	record.value = (struct slice){ copy, value.size };
	check(&record);
	check_flood(&record, fillers);
	free(copy);
	return 0;
}
