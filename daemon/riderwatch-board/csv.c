/* SPDX-License-Identifier: Apache-2.0 */
#include "csv.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include "must.h"

static void put_cell(FILE *out, const char *text)
{
	fputc('"', out);
	if (*text && strchr("=+-@\t\r", *text))
		fputc('\'', out);
	for (; *text; text++) {
		if (*text == '"')
			fputc('"', out);
		fputc(*text, out);
	}
	fputc('"', out);
}

/* "area.lat": a member of a member. */
static const json_t *member_of(const json_t *data, const char *path)
{
	const char *dot = strchr(path, '.');
	if (!dot)
		return json_object_get(data, path);
	char outer[32];
	MUST((size_t)(dot - path) < sizeof outer);
	memcpy(outer, path, (size_t)(dot - path));
	outer[dot - path] = '\0';
	return json_object_get(json_object_get(data, outer), dot + 1);
}

/* Columns that are members of the alert's data. */
static const char *const members[] = { "sent",
				       "severity",
				       "hazard_code",
				       "event",
				       "headline",
				       "description",
				       "area.areaDesc",
				       "area.jurisdiction_id",
				       "area.lat",
				       "area.long",
				       "decision.score",
				       "decision.margin",
				       "certainty",
				       "reporter_ref",
				       "dedup_key",
				       "source.topic",
				       "source.partition",
				       "source.offset" };

void csv_head(FILE *out)
{
	fputs("\xef\xbb\xbfid,category,agencies", out);
	for (size_t i = 0; i < sizeof members / sizeof *members; i++)
		fprintf(out, ",%s", members[i]);
	fputs("\r\n", out);
}

static void put_member(FILE *out, const json_t *value)
{
	fputc(',', out);
	if (json_is_string(value))
		put_cell(out, json_string_value(value));
	else if (json_is_integer(value))
		fprintf(out, "%" PRId64, (int64_t)json_integer_value(value));
	else if (json_is_real(value))
		fprintf(out, "%.6f", json_real_value(value));
}

static void put_agencies(FILE *out, const struct card *card)
{
	char *text;
	size_t size;
	FILE *list = open_memstream(&text, &size);
	MUST(list);
	for (int i = 0; i < ROUTES_MAX && card->agencies[i]; i++)
		fprintf(list, "%s%s", i ? " " : "", card->agencies[i]);
	fclose(list);
	put_cell(out, text);
	free(text);
}

void csv_row(FILE *out, const struct card *card)
{
	json_t *event = json_loadb(card->payload, card->payload_size, JSON_ALLOW_NUL, NULL);
	const json_t *data = json_object_get(event, "data");
	put_cell(out, card->id);
	fputc(',', out);
	put_cell(out, category_name(card->category));
	fputc(',', out);
	put_agencies(out, card);
	for (size_t i = 0; i < sizeof members / sizeof *members; i++)
		put_member(out, member_of(data, members[i]));
	fputs("\r\n", out);
	json_decref(event);
}
