/* SPDX-License-Identifier: Apache-2.0 */
#define _XOPEN_SOURCE 700
#include "card.h"

#include <ctype.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include "alloc.h"
#include "must.h"

/* A list shows the beginning; the whole text is asked for with the alert. */
#define SUMMARY_TEXT_MAX 600

static const char *text_of(const json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(object, name));
	return text ? text : "";
}

int64_t card_time(const char *text)
{
	struct tm time = { 0 };
	const char *end = text ? strptime(text, "%Y-%m-%dT%H:%M:%S", &time) : NULL;
	int64_t ms = 0;
	if (!end)
		return -1;
	if (*end == '.') {
		int64_t scale = 100;
		for (end++; isdigit((unsigned char)*end); end++, scale /= 10)
			ms += scale * (*end - '0');
	}
	return strcmp(end, "Z") == 0 ? (int64_t)timegm(&time) * 1000 + ms : -1;
}

void card_fold(char *text)
{
	for (; *text; text++)
		*text = (char)(*text >= 'A' && *text <= 'Z' ? *text + 32 : *text);
}

/* ---- what is read ---- */

static bool read_category(struct card *card, const char *word)
{
	enum category found = category_find(word);
	if (found >= CATEGORY_OTHER)
		return false;
	card->category = found;
	return true;
}

static bool read_severity(struct card *card, const char *word)
{
	enum severity found = severity_find(word);
	if (found == SEVERITY_NONE || found == SEVERITY_COUNT)
		return false;
	card->severity = found;
	return true;
}

static void read_agencies(struct card *card, const json_t *data)
{
	size_t i, count = 0;
	json_t *route;
	json_array_foreach(json_object_get(data, "routes"), i, route)
	{
		if (count < ROUTES_MAX)
			card->agencies[count++] = alloc_text(text_of(route, "agency"));
	}
}

static void read_searchable(struct card *card, const json_t *data)
{
	const json_t *area = json_object_get(data, "area");
	const char *parts[] = { text_of(data, "headline"),
				text_of(data, "description"),
				text_of(data, "event"),
				text_of(data, "hazard_code"),
				text_of(area, "areaDesc"),
				text_of(area, "shop_id"),
				text_of(area, "community_id"),
				text_of(area, "grid_id"),
				text_of(area, "building"),
				card->reporter,
				card->id,
				card->dedup_key };
	size_t size;
	FILE *out = open_memstream(&card->searchable, &size);
	MUST(out);
	for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
		fprintf(out, "%s\n", parts[i]);
	fclose(out);
	card_fold(card->searchable);
}

/* ---- the summary ---- */

/* At most so many bytes, never half a character. */
static json_t *beginning_of(const json_t *description)
{
	const char *text = json_is_string(description) ? json_string_value(description) : "";
	size_t size = json_string_length(description);
	if (size > SUMMARY_TEXT_MAX) {
		for (size = SUMMARY_TEXT_MAX; size > 0 && ((unsigned char)text[size] & 0xc0) == 0x80;)
			size--;
	}
	return json_stringn(text, size);
}

static void copy_members(json_t *to, const json_t *from, const char *const *names)
{
	for (; *names; names++) {
		json_t *value = json_object_get(from, *names);
		if (value)
			json_object_set(to, *names, value);
	}
}

static json_t *agencies_of(const struct card *card)
{
	json_t *list = json_array();
	for (int i = 0; i < ROUTES_MAX && card->agencies[i]; i++)
		json_array_append_new(list, json_string(card->agencies[i]));
	return list;
}

static void write_summary(struct card *card, const json_t *data)
{
	static const char *const words[] = { "event",        "hazard_code", "severity", "urgency",   "certainty",
					     "headline",     "area",        "sent",     "effective", "dedup_key",
					     "reporter_ref", "response",    NULL };
	const json_t *description = json_object_get(data, "description");
	json_t *summary = json_object();
	json_object_set_new(summary, "id", json_string(card->id));
	json_object_set_new(summary, "category", json_string(category_name(card->category)));
	copy_members(summary, data, words);
	json_object_set_new(summary, "description", beginning_of(description));
	json_object_set_new(summary, "cut", json_boolean(json_string_length(description) > SUMMARY_TEXT_MAX));
	json_object_set_new(summary, "agencies", agencies_of(card));
	json_object_set_new(summary, "written_ms", json_integer(card->place.written_ms));
	card->summary = json_dumps(summary, JSON_COMPACT);
	MUST(card->summary);
	card->summary_size = strlen(card->summary);
	json_decref(summary);
}

/* ---- contract ---- */

static size_t count_bytes(const struct card *card)
{
	const char *texts[] = { card->id, card->dedup_key, card->area, card->reporter, card->searchable };
	size_t bytes = sizeof *card + card->summary_size + card->payload_size + 256; /* malloc's own, index */
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		bytes += strlen(texts[i]);
	return bytes;
}

static void fill(struct card *card, const json_t *event, const json_t *data)
{
	card->id = alloc_text(text_of(event, "id"));
	card->dedup_key = alloc_text(text_of(data, "dedup_key"));
	card->area = alloc_text(text_of(json_object_get(data, "area"), "jurisdiction_id"));
	card->reporter = alloc_text(text_of(data, "reporter_ref"));
	card->sent_ms = card_time(text_of(data, "sent"));
	if (card->sent_ms < 0)
		card->sent_ms = card->place.written_ms;
	read_agencies(card, data);
	read_searchable(card, data);
	write_summary(card, data);
	card->bytes = count_bytes(card);
}

static struct card *card_from(const json_t *event, struct slice payload, const struct card_place *place, char *error,
			      size_t error_size)
{
	const json_t *data = json_object_get(event, "data");
	struct card *card = alloc_zeroed(1, sizeof *card);
	card->place = *place;
	card->payload_size = payload.size;
	card->payload = alloc_zeroed(1, payload.size + 1);
	memcpy(card->payload, payload.data, payload.size);
	if (strcmp(text_of(event, "type"), "rider.alert.v1") != 0 || !*text_of(event, "id"))
		snprintf(error, error_size, "it has not the type rider.alert.v1 or no id");
	else if (!read_category(card, text_of(event, "rwcategory")) || !read_severity(card, text_of(data, "severity")))
		snprintf(error, error_size, "rwcategory or data.severity is no known word");
	else
		fill(card, event, data);
	if (!card->summary)
		card_free(&card);
	return card;
}

struct card *card_new(struct slice payload, const struct card_place *place, char *error, size_t error_size)
{
	json_error_t reason;
	json_t *event = payload.data ? json_loadb(payload.data, payload.size, JSON_ALLOW_NUL, &reason) : NULL;
	if (!event) {
		snprintf(error, error_size, "it is not JSON: %s", payload.data ? reason.text : "no value");
		return NULL;
	}
	struct card *card = card_from(event, payload, place, error, error_size);
	json_decref(event);
	return card;
}

void card_free(struct card **pointer)
{
	struct card *card = *pointer;
	if (!card)
		return;
	char *texts[] = { card->id,         card->dedup_key, card->area,   card->reporter,
			  card->searchable, card->summary,   card->payload };
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		free(texts[i]);
	for (int i = 0; i < ROUTES_MAX; i++)
		free(card->agencies[i]);
	free(card);
	*pointer = NULL;
}
