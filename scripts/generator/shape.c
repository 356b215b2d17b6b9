/* SPDX-License-Identifier: Apache-2.0 */
#include "shape.h"
#include <string.h>

/* 2026-03-01T08:00:00+08:00; events are 10 ms apart. */
#define FIRST_EVENT_MS 1772323200000
#define EVENT_STEP_MS 10

static const char *const bad_times[] = { "yesterday", "2026-13-45T25:61:00Z", "2026-03-01 08:00" };

static void append_time(struct body *body, struct text *text, uint32_t number)
{
	if (random_chance(body->random, 2000))
		text_append_string(text,
				   bad_times[random_below(body->random, sizeof(bad_times) / sizeof(bad_times[0]))]);
	else
		text_append_time(text, FIRST_EVENT_MS + (int64_t)(body->first_id + number) * EVENT_STEP_MS);
}

/* A report's id is that of the first report it repeats: they differ when another source sends it again. */
static uint32_t id_number(const struct facts *facts)
{
	return facts->kind == KIND_REPORT && facts->report != NO_EVENT ? facts->report : facts->number;
}

static void write_structured(struct body *body, struct event *event)
{
	static const char plain[] = "application/cloudevents+json";
	static const char with_charset[] = "application/cloudevents+json; charset=UTF-8";
	struct text *value = &event->value;

	TEXT_LITERAL(value, "{\"specversion\":\"1.0\",\"id\":\"");
	body_append_id(body, value, id_number(&event->facts));
	text_append_char(value, '"');
	text_append_member(value, "source", source_names[event->facts.source]);
	text_append_member(value, "type", type_names[event->facts.kind]);
	TEXT_LITERAL(value, ",\"time\":\"");
	append_time(body, value, event->facts.number);
	TEXT_LITERAL(value, "\",\"datacontenttype\":\"application/json\",\"data\":{");
	text_append(value, body->data.data, body->data.size);
	TEXT_LITERAL(value, "}}");
	if (random_chance(body->random, 100000))
		event_add_header(event, "content-type", with_charset, sizeof(with_charset) - 1);
	else
		event_add_header(event, "content-type", plain, sizeof(plain) - 1);
}

static void add_text_header(struct event *event, const char *name, const char *value)
{
	event_add_header(event, name, value, strlen(value));
}

static void write_binary(struct body *body, struct event *event)
{
	struct text *words = &body->words;

	text_append_char(&event->value, '{');
	text_append(&event->value, body->data.data, body->data.size);
	text_append_char(&event->value, '}');
	add_text_header(event, "content-type", "application/json");
	add_text_header(event, "ce_specversion", "1.0");
	add_text_header(event, "ce_type", type_names[event->facts.kind]);
	add_text_header(event, "ce_source", source_names[event->facts.source]);
	text_clear(words);
	body_append_id(body, words, id_number(&event->facts));
	event_add_header(event, "ce_id", words->data, words->size);
	text_clear(words);
	append_time(body, words, event->facts.number);
	event_add_header(event, "ce_time", words->data, words->size);
}

static void write_bare(struct body *body, struct event *event)
{
	struct text *value = &event->value;

	TEXT_LITERAL(value, "{\"id\":\"");
	body_append_id(body, value, id_number(&event->facts));
	text_append_char(value, '"');
	text_append_member(value, "type", type_names[event->facts.kind]);
	if (event->facts.source != SOURCE_BARE)
		text_append_member(value, "source", source_names[event->facts.source]);
	TEXT_LITERAL(value, ",\"time\":\"");
	append_time(body, value, event->facts.number);
	TEXT_LITERAL(value, "\",");
	text_append(value, body->data.data, body->data.size);
	text_append_char(value, '}');
}

static void add_traceparent(struct body *body, struct event *event)
{
	struct text *words = &body->words;

	text_clear(words);
	if (random_chance(body->random, 10000)) {
		TEXT_LITERAL(words, "00-not-a-trace");
	} else {
		TEXT_LITERAL(words, "00-");
		text_append_hex(words, random_next(body->random), 16);
		text_append_hex(words, random_next(body->random) | 1, 16);
		text_append_char(words, '-');
		text_append_hex(words, random_next(body->random) | 1, 16);
		TEXT_LITERAL(words, "-01");
	}
	event_add_header(event, "traceparent", words->data, words->size);
}

void shape_write(struct body *body, struct event *event, enum shape shape)
{
	static void (*const write_shape[SHAPE_COUNT])(struct body *, struct event *) = {
		[SHAPE_STRUCTURED] = write_structured,
		[SHAPE_BINARY] = write_binary,
		[SHAPE_BARE] = write_bare,
	};

	body_write_data(body, &event->facts);
	write_shape[shape](body, event);
	if (random_chance(body->random, 200000))
		add_traceparent(body, event);
}
