/* SPDX-License-Identifier: Apache-2.0 */
#include "body.h"
#include <string.h>

const char *const jurisdiction_codes[JURISDICTION_COUNT] = { "310115", "110105", "440305", "510104",
							     "330106", "320102", "420106", "500103" };
const char *const source_names[SOURCE_COUNT] = { "", "/apps/rider", "/apps/partner", "/apps/mirror" };
static const char *const crs_names[] = { "GCJ02", "GCJ02", "GCJ02", "WGS84", "BD09" };
static const char *const bad_jurisdictions[] = { "31011", "31011x", "3101150", "" };
static const char *const delivery_kinds[] = { "meal", "grocery", "medicine", "parcel" };
static const char *const reviewers[] = { "station-12", "desk-3", "fire-96119", "market-12315" };

#define PICK(random, table) ((table)[random_below(random, sizeof(table) / sizeof((table)[0]))])

void body_free(struct body *body)
{
	text_free(&body->data);
	text_free(&body->words);
}

static void append_piece(struct text *text, struct piece piece)
{
	text_append(text, piece.data, piece.size);
}

/* ,"name":" without the closing quote; the caller appends text that needs no escapes. */
static void open_string(struct text *text, const char *name)
{
	TEXT_LITERAL(text, ",\"");
	text_append_string(text, name);
	TEXT_LITERAL(text, "\":\"");
}

static void add_number(struct text *text, const char *name, uint64_t value)
{
	TEXT_LITERAL(text, ",\"");
	text_append_string(text, name);
	TEXT_LITERAL(text, "\":");
	text_append_number(text, value);
}

static void add_flag(struct text *text, const char *name, bool value)
{
	TEXT_LITERAL(text, ",\"");
	text_append_string(text, name);
	text_append_string(text, value ? "\":true" : "\":false");
}

void body_append_id(const struct body *body, struct text *text, uint32_t number)
{
	text_append_char(text, 'e');
	text_append_padded(text, body->first_id + number, 12);
}

static void append_frame(struct body *body, struct text *text, enum frame_kind kind)
{
	append_piece(text, body->phrases->frames[kind][random_below(body->random, body->phrases->frame_counts[kind])]);
}

static void append_place(struct body *body, struct text *text)
{
	uint32_t style = random_below(body->random, 10);

	if (style < 4) {
		append_frame(body, text, FRAME_ROAD);
		text_append_number(text, 1 + random_below(body->random, 99)); /* not 110, 119 or 120: they mean help */
		TEXT_LITERAL(text, "号");
	}
	if (style < 2) {
		text_append_number(text, 1 + random_below(body->random, 40));
		TEXT_LITERAL(text, "栋");
		text_append_number(text, 1 + random_below(body->random, 4));
		TEXT_LITERAL(text, "单元");
	} else if (style == 3 || style == 4) {
		append_frame(body, text, FRAME_SHOP);
	}
	if (style < 5)
		TEXT_LITERAL(text, "，");
}

/* Personal numbers that an alert must not show. */
static void append_contact(struct body *body, struct text *text)
{
	if (random_chance(body->random, 40000)) {
		TEXT_LITERAL(text, "，联系电话13");
		text_append_padded(text, random_below(body->random, 1000000000), 9);
	} else if (random_chance(body->random, 10000)) {
		TEXT_LITERAL(text, "，身份证号11010519");
		text_append_padded(text, 60 + random_below(body->random, 40), 2);
		TEXT_LITERAL(text, "0307");
		text_append_padded(text, random_below(body->random, 1000), 3);
		TEXT_LITERAL(text, "X");
	}
}

/* Chat and adverts stand alone: nobody saw them at a place. */
static bool is_chat(const struct phrase *phrase)
{
	return !strcmp(phrase->hazard_code, "other.none");
}

void body_append_words(struct body *body, struct text *text, const struct phrase *phrase)
{
	if (!is_chat(phrase)) {
		append_frame(body, text, FRAME_BEFORE);
		append_place(body, text);
	}
	append_piece(text, phrase->text);
	if (!is_chat(phrase))
		append_frame(body, text, FRAME_AFTER);
	append_contact(body, text);
	if (random_chance(body->random, 10000))
		text_append_char(text, '\n');
}

static void append_rider(struct body *body, struct text *data, uint32_t number)
{
	const struct rider *rider = &body->riders->riders[number];

	TEXT_LITERAL(data, "\"rider_id\":");
	if (rider->number)
		append_piece(data, rider->id);
	else
		text_append_json(data, rider->id.data, rider->id.size, random_chance(body->random, 20000));
}

/* Three in a hundred events name no jurisdiction, one in two hundred a code that is not six digits. */
static void append_jurisdiction(struct body *body, struct text *data, struct facts *facts)
{
	if (random_chance(body->random, 30000)) {
		facts->jurisdiction = JURISDICTION_NONE;
	} else if (random_chance(body->random, 5000)) {
		facts->jurisdiction = JURISDICTION_NONE;
		text_append_member(data, "jurisdiction_id", PICK(body->random, bad_jurisdictions));
	} else {
		text_append_member(data, "jurisdiction_id", jurisdiction_codes[facts->jurisdiction]);
	}
}

static void append_position(struct body *body, struct text *data)
{
	struct random *random = body->random;
	int64_t lat = 22000000 + random_below(random, 18000000), lon = 104000000 + random_below(random, 17000000);
	uint32_t oddity = random_below(random, 1000);

	if (oddity < 30) {
		if (!body->complete)
			return;
	} else if (oddity < 35) {
		lat = lon = 0;
	} else if (oddity < 38) {
		lat = 91000000 + lat;
	} else if (oddity < 40) {
		lon = -190000000 - lon;
	}
	TEXT_LITERAL(data, ",\"lat\":");
	text_append_millionths(data, lat);
	TEXT_LITERAL(data, ",\"long\":");
	text_append_millionths(data, lon);
	if (!random_chance(random, 150000))
		text_append_member(data, "crs", random_chance(random, 5000) ? "EPSG:9999" : PICK(random, crs_names));
	add_number(data, "accuracy_m", 3 + random_below(random, 60));
}

static void append_address(struct body *body, struct text *data)
{
	struct random *random = body->random;

	open_string(data, "address_string");
	append_frame(body, data, FRAME_ROAD);
	text_append_number(data, 1 + random_below(random, 300));
	TEXT_LITERAL(data, "号\",\"site\":{\"shop_id\":\"s");
	text_append_number(data, random_below(random, 20000));
	TEXT_LITERAL(data, "\",\"community_id\":\"c");
	text_append_number(data, random_below(random, 3000));
	TEXT_LITERAL(data, "\",\"grid_id\":\"g");
	text_append_number(data, random_below(random, 900));
	TEXT_LITERAL(data, "\"}");
}

static void append_media(struct body *body, struct text *data)
{
	uint32_t count = 1 + random_below(body->random, 3);

	TEXT_LITERAL(data, ",\"media\":[");
	for (uint32_t i = 0; i < count; i++) {
		text_append_string(data, i ? ",{" : "{");
		TEXT_LITERAL(data, "\"url\":\"https://img.example/");
		text_append_hex(data, random_next(body->random), 16);
		TEXT_LITERAL(data, ".jpg\",\"sha256\":\"");
		for (int word = 0; word < 4; word++)
			text_append_hex(data, random_next(body->random), 16);
		TEXT_LITERAL(data, "\",\"phash64\":\"");
		text_append_hex(data, random_next(body->random), 16);
		TEXT_LITERAL(data, "\",\"in_app\":true}");
	}
	text_append_char(data, ']');
}

static void append_order(struct body *body, struct text *data)
{
	open_string(data, "order_id");
	text_append_number(data, 8800000000000000 + (random_next(body->random) >> 16));
	text_append_char(data, '"');
}

/* What the rider picked: mostly right, often nothing, sometimes "other". */
static void append_service_code(struct body *body, struct text *data, const struct phrase *phrase)
{
	uint32_t style = random_below(body->random, 10);

	if (style < 6)
		text_append_member(data, "service_code", category_names[phrase->category]);
	else if (style == 6)
		text_append_member(data, "service_code", "other");
}

static void append_report(struct body *body, struct text *data, struct facts *facts)
{
	const struct phrase *phrase = &body->phrases->phrases[facts->phrase];
	bool on_delivery = random_chance(body->random, 600000);

	text_clear(&body->words);
	body_append_words(body, &body->words, phrase);
	TEXT_LITERAL(data, ",\"description\":");
	text_append_json(data, body->words.data, body->words.size, random_chance(body->random, 50000));
	append_service_code(body, data, phrase);
	append_position(body, data);
	append_jurisdiction(body, data, facts);
	append_address(body, data);
	if (random_chance(body->random, 400000))
		append_media(body, data);
	add_flag(data, "on_delivery", on_delivery);
	if (on_delivery)
		append_order(body, data);
}

static void append_review(struct body *body, struct text *data, const struct facts *facts)
{
	open_string(data, "report_id");
	if (facts->report == NO_EVENT) {
		TEXT_LITERAL(data, "unknown-");
		text_append_hex(data, random_next(body->random), 12);
	} else {
		body_append_id(body, data, facts->report);
	}
	text_append_char(data, '"');
	text_append_member(data, "decision", decision_names[facts->decision]);
	text_append_member(data, "reviewer", PICK(body->random, reviewers));
	if (random_chance(body->random, 300000))
		text_append_member(data, "note", "现场已核实");
}

static void append_delivery(struct body *body, struct text *data, struct facts *facts)
{
	append_order(body, data);
	if (facts->charity || random_chance(body->random, 700000) || body->complete)
		add_flag(data, "charity", facts->charity);
	text_append_member(data, "kind", PICK(body->random, delivery_kinds));
	add_number(data, "distance_m", 200 + random_below(body->random, 6000));
	add_number(data, "duration_s", 300 + random_below(body->random, 2700));
	add_flag(data, "late", random_chance(body->random, 70000));
	append_jurisdiction(body, data, facts);
}

void body_write_data(struct body *body, struct facts *facts)
{
	text_clear(&body->data);
	append_rider(body, &body->data, facts->rider);
	switch (facts->kind) {
	case KIND_REPORT:
		append_report(body, &body->data, facts);
		break;
	case KIND_REVIEW:
		append_review(body, &body->data, facts);
		break;
	case KIND_DELIVERY:
		append_delivery(body, &body->data, facts);
		break;
	}
}
