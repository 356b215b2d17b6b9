/* SPDX-License-Identifier: Apache-2.0 */
/* One record through everything that decides: each record has one outcome; alerts are bounded, valid JSON with masked
 * numbers and spans on character borders; dead letters keep the original or say that they do not, and fit; the same
 * record gives the same bytes; muted, it counts the same and publishes nothing. */
#include <stdio.h>
#include "fuzz/fuzz_checks.h"
#include "fuzz/fuzz_input.h"
#include "mask.h"
#include "pipeline.h"

#define HEADERS_MAX 8
#define EVENT_MAX 65536
/* Descriptions of 8 KiB, 8 media of 2 KiB, 8 spans, places and ids of 512 bytes, each byte at most 6 as an escape. */
#define ALERT_MAX (300 << 10)
#define KEY_MAX 2048

static struct pipeline_settings settings = {
	.input_topics = { "rider.reports.v1", "rider.deliveries.v1" },
	.dead_letter_topic = "rider.dlq.v1",
	.alert_topics = { "alerts.emergency", "alerts.fire", "alerts.food", NULL },
	.partitions = 7,
	.max_event_bytes = EVENT_MAX,
	.max_record_bytes = EVENT_MAX + 65536,
	.dedup_hours = 24,
	.application = "riderwatchd/fuzz",
	.group = "group",
	.pseudonym_key = { "0123456789abcdef", 16 },
};

struct run {
	struct stream stream;
	struct chunk *chunk;
};

static void run_init(struct run *run, const struct input_record *record, bool muted)
{
	run->stream = (struct stream){ .seen = seen_new(), .time_ms = STREAM_TIME_NONE, .key = { 1, 2, 3 } };
	run->chunk = chunk_new(0, record->offset, shipped_ruleset());
	pipeline_run(&settings, &run->stream, record, muted, run->chunk);
}

static void run_fini(struct run *run)
{
	chunk_free(&run->chunk);
	seen_free(&run->stream.seen);
}

/* ---- alerts ---- */

static struct slice text_at(json_t *object, const char *key)
{
	return slice_of(json_string_value(json_object_get(object, key)));
}

static void check_area(json_t *area)
{
	json_t *lat = json_object_get(area, "lat"), *lon = json_object_get(area, "long");
	MUST(!lat == !lon && !lat == !json_object_get(area, "crs"));
	if (!lat)
		return;
	MUST(json_number_value(lat) >= -90 && json_number_value(lat) <= 90);
	MUST(json_number_value(lon) >= -180 && json_number_value(lon) <= 180);
}

static bool on_border(struct slice text, size_t at)
{
	return at >= text.size || ((unsigned char)text.data[at] & 0xc0) != 0x80;
}

static void check_spans(json_t *data, const struct report *report, struct slice masked)
{
	json_t *decision = json_object_get(data, "decision"), *span;
	size_t i;
	MUST(json_array_size(json_object_get(decision, "spans")) ==
	     json_array_size(json_object_get(decision, "rules")));
	json_array_foreach(json_object_get(decision, "spans"), i, span)
	{
		json_int_t from = json_integer_value(json_object_get(span, "from"));
		json_int_t to = json_integer_value(json_object_get(span, "to"));
		struct slice text = text_at(span, "text");
		MUST(from >= 0 && from <= to && (size_t)to <= report->description.size);
		MUST(on_border(masked, (size_t)from) && on_border(masked, (size_t)to));
		if (text.data)
			MUST(slice_starts_with((struct slice){ masked.data + from, (size_t)(to - from) }, text));
		else
			MUST(from == to);
	}
}

static void check_prefix(struct slice whole, struct slice text, size_t bound)
{
	MUST(text.data && slice_starts_with(whole, text));
	MUST(text.size == whole.size || (text.size <= bound && text.size + 4 > bound));
}

static void check_alert(const struct output_record *out, const struct report *report, struct arena *arena)
{
	json_t *alert = check_json(out->payload), *data = json_object_get(alert, "data");
	struct slice masked = mask_numbers(report->description, arena);
	struct slice place = mask_numbers(report->address_string, arena);
	MUST(out->payload.size <= ALERT_MAX && out->key.size > 0 && out->key.size <= KEY_MAX && is_utf8(out->key));
	MUST(text_at(alert, "id").size == 32 && slice_equal(text_at(data, "identifier"), text_at(alert, "id")));
	MUST(slice_equal(text_at(data, "dedup_key"), out->key));
	MUST(json_is_object(json_object_get(data, "source")) && json_is_array(json_object_get(data, "media")));
	MUST(json_array_size(json_object_get(data, "routes")) > 0);
	MUST(text_at(data, "reporter_ref").size == 32);
	check_prefix(masked, text_at(data, "description"), 8192);
	check_prefix(place.data ? place : SLICE(""), text_at(json_object_get(data, "area"), "areaDesc"), 512);
	check_area(json_object_get(data, "area"));
	check_spans(data, report, masked);
	json_decref(alert);
}

/* ---- dead letters ---- */

static struct slice header(const struct output_record *out, struct slice name)
{
	for (size_t i = out->header_count; i > 0; i--)
		if (slice_equal(out->headers[i - 1].name, name))
			return out->headers[i - 1].value;
	return (struct slice){ 0 };
}

static bool is_whole(const struct output_record *out, const struct input_record *record)
{
	if (!slice_equal(out->payload, record->value) || !slice_equal(out->key, record->key) ||
	    out->header_count < record->header_count)
		return false;
	for (size_t i = 0; i < record->header_count; i++)
		if (!slice_equal(out->headers[i].name, record->headers[i].name) ||
		    !slice_equal(out->headers[i].value, record->headers[i].value) ||
		    !out->headers[i].value.data != !record->headers[i].value.data)
			return false;
	return true;
}

static void check_dead_letter(const struct output_record *out, const struct input_record *record)
{
	size_t size = out->key.size + out->payload.size;
	for (size_t i = 0; i < out->header_count; i++)
		size += out->headers[i].name.size + out->headers[i].value.size + 8;
	MUST(size <= settings.max_record_bytes);
	MUST(header(out, SLICE("rw.error.reason")).size > 0 && header(out, SLICE("rw.error.offset")).size > 0);
	MUST(slice_starts_with(record->value, out->payload) && slice_starts_with(record->key, out->key));
	MUST(!record->key.data == !out->key.data);
	MUST(is_whole(out, record) || slice_equal(header(out, SLICE("rw.error.truncated")), SLICE("true")));
}

/* ---- all of it ---- */

static void check_outcomes(const struct chunk *chunk, const struct input_record *record)
{
	uint32_t ends = chunk->outcomes[OUTCOME_COUNTED] + chunk->outcomes[OUTCOME_DUPLICATE] +
			chunk->outcomes[OUTCOME_DEAD_LETTER] + chunk->outcomes[OUTCOME_SKIPPED];
	MUST(ends == 1 && chunk->events == 1 && chunk->link.to == record->offset + 1);
	MUST(chunk->outcomes[OUTCOME_DUPLICATE] == 0);
}

static void check_records(const struct chunk *chunk, const struct input_record *record)
{
	struct rider_event event;
	struct fault fault;
	struct arena arena;
	arena_init(&arena);
	enum reason reason = event_decode(record, settings.max_event_bytes, &arena, &event, &fault);
	size_t count = 0;
	for (const struct output_record *out = chunk->records; out; out = out->next, count++) {
		MUST(out->topic.size > 0 && out->header_count <= record->header_count + OUTPUT_HEADERS_MAX);
		if (reason == REASON_NONE)
			check_alert(out, &event.report, &arena);
		else
			check_dead_letter(out, record);
	}
	MUST(count == chunk->record_count);
	MUST(reason == REASON_NONE || count == (reason_action(reason) == REASON_ACTION_DEAD_LETTER));
	MUST(reason != REASON_NONE || event.type == EVENT_REPORT_CREATED || count == 0);
	arena_fini(&arena);
}

static void must_be_same(const struct chunk *a, const struct chunk *b)
{
	const struct output_record *x = a->records, *y = b->records;
	for (; x && y; x = x->next, y = y->next)
		MUST(slice_equal(x->topic, y->topic) && slice_equal(x->key, y->key) &&
		     slice_equal(x->payload, y->payload) && x->header_count == y->header_count);
	MUST(!x && !y);
}

static struct slice command(struct run *run)
{
	struct apply_target target = { .topic = SLICE("rider.reports.v1"),
				       .to = run->chunk->link.to,
				       .stream_time_ms = run->chunk->stream_time_ms,
				       .dedup_hours = 24 };
	memset(target.store_uuid, 'a', sizeof target.store_uuid);
	return effects_apply_command(run->chunk->effects, &target, &run->chunk->arena);
}

static void check(const struct input_record *record)
{
	struct run first, second, muted;
	run_init(&first, record, false);
	run_init(&second, record, false);
	run_init(&muted, record, true);
	check_outcomes(first.chunk, record);
	check_records(first.chunk, record);
	must_be_same(first.chunk, second.chunk);
	MUST(muted.chunk->record_count == 0);
	MUST(slice_equal(command(&first), command(&muted)));
	free(check_resp(command(&first)).arguments);
	/* Once more through the same stream: counted once only. */
	uint32_t counted = first.chunk->outcomes[OUTCOME_COUNTED];
	size_t records = first.chunk->record_count;
	pipeline_run(&settings, &first.stream, record, false, first.chunk);
	MUST(first.chunk->outcomes[OUTCOME_COUNTED] == counted);
	MUST(!counted || first.chunk->record_count == records);
	run_fini(&first);
	run_fini(&second);
	run_fini(&muted);
}

/* bytes, times over: large values without large inputs. */
static struct slice repeat(struct slice bytes, size_t times)
{
	char *copy = malloc(bytes.size * times + 1);
	MUST(copy);
	for (size_t i = 0; i < times && bytes.size; i++)
		memcpy(copy + i * bytes.size, bytes.data, bytes.size);
	return (struct slice){ copy, bytes.size * times };
}

/* Input: flags, repetitions, key, headers as "name:value" lines up to an empty line, value. */
int FUZZ_FUNCTION(pipeline)(const uint8_t *data, size_t size)
{
	struct fuzz_input input = fuzz_input_of(data, size);
	struct header headers[HEADERS_MAX];
	uint8_t flags = fuzz_byte(&input), times = fuzz_byte(&input);
	struct input_record record = { .offset = 10,
				       .timestamp_ms = flags & 1 ? 1764060000000 : -1,
				       .headers = headers };
	record.input = flags & 2 ? INPUT_DELIVERIES : INPUT_REPORTS;
	settings.max_record_bytes = flags & 4 ? 66560 : EVENT_MAX + 65536;
	record.key = flags & 8 ? repeat(fuzz_text(&input), flags & 16 ? 400 : 1) : (struct slice){ 0 };
	while (fuzz_more(&input) && record.header_count < HEADERS_MAX) {
		struct slice line = fuzz_until(&input, SLICE("\n"));
		const char *colon = memchr(line.data, ':', line.size);
		if (line.size == 0)
			break;
		size_t name = colon ? (size_t)(colon - line.data) : line.size;
		headers[record.header_count].name = (struct slice){ line.data, name };
		headers[record.header_count++].value =
			colon ? (struct slice){ colon + 1, line.size - name - 1 } : (struct slice){ 0 };
	}
	record.value = repeat(fuzz_rest(&input), flags & 32 ? times : 1);
	if (flags & 64)
		headers[0] = (struct header){ SLICE("flood"), record.value };
	record.header_count += (flags & 64) && record.header_count == 0;
	check(&record);
	free((char *)record.key.data);
	free((char *)record.value.data);
	return 0;
}
