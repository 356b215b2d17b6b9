/* SPDX-License-Identifier: Apache-2.0 */
#include "malformed.h"
#include <string.h>

#define MIB 1048576

#define KIND_ANY KIND_MALFORMED
#define SHAPE_ANY SHAPE_COUNT

struct malformation {
	const char *reason;
	int kind;         /* enum kind or KIND_ANY */
	int shape;        /* enum shape or SHAPE_ANY */
	const char *from; /* replaced in the value, or in the header values when it is not there */
	const char *to;
	void (*edit)(struct body *, struct event *); /* instead of from and to */
};

static void edit_tombstone(struct body *body, struct event *event)
{
	(void)body;
	event->has_value = false;
	event->facts.dead_letter = false;
}

static void edit_empty(struct body *body, struct event *event)
{
	(void)body;
	text_clear(&event->value);
}

/* A valid event, but for 1 to 1.5 MiB of words. */
static void edit_large(struct body *body, struct event *event)
{
	size_t size = MIB + random_below(body->random, MIB / 2);
	char *words;

	text_append_char(&event->value, ' ');
	words = text_reserve(&event->value, size);
	memset(words, ' ', size);
	event->value.size += size;
}

static void edit_mark(struct body *body, struct event *event)
{
	text_clear(&body->words);
	text_append(&body->words, event->value.data, event->value.size);
	text_clear(&event->value);
	TEXT_LITERAL(&event->value, "\xef\xbb\xbf");
	text_append(&event->value, body->words.data, body->words.size);
}

static void edit_raw_nul(struct body *body, struct event *event)
{
	size_t at = event->value.size / 2;

	(void)body;
	while ((unsigned char)event->value.data[at] >= 0x80)
		at++;
	event->value.data[at] = '\0';
}

/* Would text that ends here be wrong in another way, too: half a character, half a pair of escapes? */
static bool is_ragged(const struct text *value, size_t cut)
{
	size_t tail = cut < 12 ? cut : 12;

	return (unsigned char)value->data[cut - 1] >= 0x80 || memchr(value->data + cut - tail, '\\', tail);
}

static void edit_cut(struct body *body, struct event *event)
{
	size_t cut = 1 + random_below(body->random, (uint32_t)event->value.size - 1);

	while (cut > 1 && is_ragged(&event->value, cut))
		cut--;
	event->value.size = cut;
}

static void replace_value(struct event *event, const char *value)
{
	text_clear(&event->value);
	text_append_string(&event->value, value);
}

static void edit_not_json(struct body *body, struct event *event)
{
	static const char *const values[] = { "hello",
					      "[1,2,3]",
					      "119",
					      "{'id':'x'}",
					      "{\"id\":}",
					      "{\"id\":\"x\"} {}",
					      "rider_id=7&charity=true",
					      "{\"id\":\"x\",}",
					      "\"着火了\"" };

	replace_value(event, values[random_below(body->random, sizeof(values) / sizeof(values[0]))]);
}

static void edit_deep(struct body *body, struct event *event)
{
	(void)body;
	event->value.size--; /* the closing brace */
	TEXT_LITERAL(&event->value, ",\"extra\":");
	for (int i = 0; i < 100; i++)
		text_append_char(&event->value, '[');
	for (int i = 0; i < 100; i++)
		text_append_char(&event->value, ']');
	text_append_char(&event->value, '}');
}

static void edit_batch(struct body *body, struct event *event)
{
	static const char type[] = "application/cloudevents-batch+json";

	text_clear(&body->words);
	text_append(&body->words, event->value.data, event->value.size);
	text_clear(&event->value);
	text_append_char(&event->value, '[');
	text_append(&event->value, body->words.data, body->words.size);
	text_append_char(&event->value, ']');
	event->header_count = 0;
	event_add_header(event, "content-type", type, sizeof(type) - 1);
}

static void edit_avro(struct body *body, struct event *event)
{
	static const char type[] = "application/cloudevents+avro";

	(void)body;
	event->header_count = 0;
	event_add_header(event, "content-type", type, sizeof(type) - 1);
	replace_value(event, "\002\036rider");
}

#define REPORT KIND_REPORT
#define REVIEW KIND_REVIEW
#define DELIVERY KIND_DELIVERY
#define ANY KIND_ANY

static const struct malformation malformations[] = {
	{ "tombstone", ANY, SHAPE_ANY, NULL, NULL, edit_tombstone },
	{ "empty_value", ANY, SHAPE_ANY, NULL, NULL, edit_empty },
	{ "too_large", ANY, SHAPE_STRUCTURED, NULL, NULL, edit_large },
	{ "byte_order_mark", ANY, SHAPE_ANY, NULL, NULL, edit_mark },
	{ "nul_byte", ANY, SHAPE_ANY, NULL, NULL, edit_raw_nul },
	{ "nul_byte", REPORT, SHAPE_ANY, "\"description\":\"", "\"description\":\"\\u0000", NULL },
	{ "invalid_utf8", REPORT, SHAPE_ANY, "\"description\":\"", "\"description\":\"\xc3(", NULL },
	{ "invalid_utf8", DELIVERY, SHAPE_ANY, "\"kind\":\"", "\"kind\":\"\xed\xa0\x80", NULL },
	{ "invalid_utf8", REPORT, SHAPE_ANY, "\"description\":\"", "\"description\":\"\\ud83d!", NULL },
	{ "truncated", ANY, SHAPE_ANY, NULL, NULL, edit_cut },
	{ "truncated", ANY, SHAPE_STRUCTURED, NULL, NULL, edit_cut },
	{ "not_json", ANY, SHAPE_ANY, NULL, NULL, edit_not_json },
	{ "too_deep", ANY, SHAPE_ANY, NULL, NULL, edit_deep },
	{ "duplicate_key", ANY, SHAPE_ANY, "\"rider_id\":", "\"rider_id\":\"r0\",\"rider_id\":", NULL },
	{ "duplicate_key", DELIVERY, SHAPE_ANY, "\"kind\":", "\"extra\":{\"a\":1,\"a\":2},\"kind\":", NULL },
	{ "missing_field", ANY, SHAPE_ANY, "\"rider_id\":", "\"rider\":", NULL },
	{ "missing_field", REPORT, SHAPE_ANY, "\"description\":", "\"text\":", NULL },
	{ "missing_field", REVIEW, SHAPE_ANY, "\"report_id\":", "\"report\":", NULL },
	{ "missing_field", REVIEW, SHAPE_ANY, "\"decision\":\"", "\"decision\":null,\"was\":\"", NULL },
	{ "missing_field", DELIVERY, SHAPE_ANY, "\"order_id\":", "\"order\":", NULL },
	{ "missing_field", ANY, SHAPE_STRUCTURED, "\"id\":", "\"identity\":", NULL },
	{ "missing_field", ANY, SHAPE_BARE, "\"id\":", "\"identity\":", NULL },
	{ "missing_field", ANY, SHAPE_STRUCTURED, "\"data\":", "\"payload\":", NULL },
	{ "wrong_type", ANY, SHAPE_ANY, "\"rider_id\":\"", "\"rider_id\":[],\"was\":\"", NULL },
	{ "wrong_type", REPORT, SHAPE_ANY, "\"description\":\"", "\"description\":119,\"was\":\"", NULL },
	{ "wrong_type", REVIEW, SHAPE_ANY, "\"decision\":\"", "\"decision\":true,\"was\":\"", NULL },
	{ "wrong_type", DELIVERY, SHAPE_ANY, "\"order_id\":\"", "\"order_id\":{},\"was\":\"", NULL },
	{ "invalid_value", REVIEW, SHAPE_ANY, "\"decision\":\"", "\"decision\":\"maybe\",\"was\":\"", NULL },
	{ "unsupported_type", REPORT, SHAPE_ANY, "rider.report.created.v1", "rider.help.requested.v1", NULL },
	{ "unsupported_version", REPORT, SHAPE_ANY, "rider.report.created.v1", "rider.report.created.v9", NULL },
	{ "unsupported_version", ANY, SHAPE_STRUCTURED, "\"specversion\":\"1.0\"", "\"specversion\":\"2.0\"", NULL },
	{ "unsupported_format", ANY, SHAPE_STRUCTURED, NULL, NULL, edit_batch },
	{ "unsupported_format", ANY, SHAPE_STRUCTURED, NULL, NULL, edit_avro },
};
#define MALFORMATION_COUNT (sizeof(malformations) / sizeof(malformations[0]))

size_t malformed_count(void)
{
	return MALFORMATION_COUNT;
}

/* Replaces bytes in the header values, all of one length, so that no value moves. */
static void replace_in_headers(struct event *event, const struct malformation *row)
{
	text_replace(&event->header_values, row->from, row->to);
}

void malformed_write_row(struct body *body, struct event *event, size_t number)
{
	const struct malformation *row = &malformations[number];

	if (row->kind != KIND_ANY)
		event->facts.kind = (uint8_t)row->kind;
	event->facts.topic = event->facts.kind == KIND_DELIVERY ? TOPIC_DELIVERIES : TOPIC_REPORTS;
	event->facts.report = NO_EVENT;
	shape_write(body, event,
		    row->shape == SHAPE_ANY ? random_below(body->random, SHAPE_COUNT) : (enum shape)row->shape);
	event->facts.reason = row->reason;
	event->facts.dead_letter = true;
	event->facts.kind = KIND_MALFORMED;
	if (row->edit)
		row->edit(body, event);
	else if (!text_replace(&event->value, row->from, row->to))
		replace_in_headers(event, row);
}

void malformed_write(struct body *body, struct event *event)
{
	size_t row = random_below(body->random, MALFORMATION_COUNT);

	if (malformations[row].edit == edit_large && !random_chance(body->random, 250000))
		row = 0; /* large ones are rare */
	malformed_write_row(body, event, row);
}
