/* SPDX-License-Identifier: Apache-2.0 */
#include "labelled.h"

#include <errno.h>
#include <string.h>
#include <stdlib.h>
#include <sysexits.h>

enum { COLUMNS_MAX = 6 };

bool labelled_open(struct labelled *labelled, const struct command_line *line, const char *path)
{
	bool standard = strcmp(path, "-") == 0;

	*labelled =
		(struct labelled){ .file = standard ? stdin : fopen(path, "re"), .path = standard ? "(input)" : path };
	if (!labelled->file)
		command_fail(line, EX_NOINPUT, "%s: %s", path, strerror(errno));
	return labelled->file != NULL;
}

static void close_file(struct labelled *labelled)
{
	json_decref(labelled->json);
	labelled->json = NULL;
	free(labelled->buffer);
	labelled->buffer = NULL;
	if (labelled->file && labelled->file != stdin)
		fclose(labelled->file);
	labelled->file = NULL;
}

static bool complain(struct labelled *labelled, const char *what)
{
	fprintf(stderr, "%s:%d: %s\n", labelled->path, labelled->line, what);
	labelled->bad++;
	return false;
}

static struct slice member(const json_t *object, const char *key)
{
	const json_t *value = json_object_get(object, key);
	return (struct slice){ json_string_value(value), json_string_length(value) };
}

static void read_id(struct labelled *labelled)
{
	const json_t *id = json_object_get(labelled->json, "id");
	size_t size =
		id ? json_dumpb(id, labelled->id_text, sizeof labelled->id_text, JSON_ENCODE_ANY | JSON_COMPACT) : 0;

	labelled->id = size > 0 && size <= sizeof labelled->id_text ? (struct slice){ labelled->id_text, size }
								    : (struct slice){ 0 };
}

static enum service_code service_of(struct slice word)
{
	static const char *const words[] = { [SERVICE_FIRE] = "fire",
					     [SERVICE_FOOD] = "food",
					     [SERVICE_EMERGENCY] = "emergency",
					     [SERVICE_OTHER] = "other" };

	for (int i = SERVICE_FIRE; i <= SERVICE_OTHER; i++)
		if (slice_equal(word, slice_of(words[i])))
			return (enum service_code)i;
	return SERVICE_NONE;
}

static bool read_gold(struct labelled *labelled, struct slice category, struct slice severity)
{
	return label_read_category(category, &labelled->gold.category) &&
	       label_read_severity(severity, &labelled->gold.severity);
}

static bool read_json_gold(struct labelled *labelled)
{
	json_t *also = json_object_get(labelled->json, "also"), *item;
	size_t i;

	if (!json_object_get(labelled->json, "category"))
		return true;
	if (!read_gold(labelled, member(labelled->json, "category"), member(labelled->json, "severity")))
		return complain(labelled, "unknown category or severity");
	json_array_foreach(also, i, item)
	{
		enum category category;
		if (!label_read_category(slice_of(json_string_value(item)), &category))
			return complain(labelled, "unknown further category");
		labelled->gold.also |= (uint8_t)(1u << category);
	}
	labelled->gold.hazard_code = member(labelled->json, "hazard_code");
	labelled->has_gold = labelled->has_also = true;
	return true;
}

/* {"id", "text"}; a whole event ("data": {"description"}) is taken as well. */
static bool read_json(struct labelled *labelled, size_t size)
{
	json_decref(labelled->json);
	labelled->json = json_loadb(labelled->buffer, size, 0, NULL);
	if (!json_is_object(labelled->json))
		return complain(labelled, "no JSON object");
	const json_t *data = json_object_get(labelled->json, "data") ?: labelled->json;
	struct slice text = member(data, "text");
	labelled->report.description = text.data ? text : member(data, "description");
	labelled->report.service_code = service_of(member(data, "service_code"));
	labelled->report.jurisdiction_id = member(data, "jurisdiction_id");
	read_id(labelled);
	if (!labelled->report.description.data)
		return complain(labelled, "no \"text\"");
	return read_json_gold(labelled);
}

/* ---- tables ---- */

/* The words of tables that are written with the daemon's names: fire, Extreme, emergency,fire. */
static bool read_names(struct labelled *labelled, const char *category, const char *severity, const char *also)
{
	enum category c = category_find(category);
	enum severity s = severity_find(severity);

	labelled->any_severity = severity[0] == '*' || severity[0] == '\0';
	if (c == CATEGORY_COUNT || (s == SEVERITY_COUNT && !labelled->any_severity))
		return complain(labelled, "unknown category or severity");
	labelled->gold.category = c;
	labelled->gold.severity = s == SEVERITY_COUNT ? SEVERITY_NONE : s;
	labelled->has_also = also && also[0];
	for (int i = 0; also && i < CATEGORY_OTHER; i++)
		labelled->gold.also |= (uint8_t)(strstr(also, category_name((enum category)i)) ? 1u << i : 0);
	return true;
}

static bool read_labels(struct labelled *labelled, char *const columns[])
{
	for (int i = 0; i < CATEGORY_OTHER; i++)
		labelled->gold.also |= (uint8_t)(strstr(columns[1], label_of_category((enum category)i)) ? 1u << i : 0);
	labelled->has_also = true;
	labelled->gold.hazard_code = slice_of(columns[3]);
	labelled->kind = slice_of(columns[4]);
	return read_gold(labelled, slice_of(columns[0]), slice_of(columns[2])) ||
	       complain(labelled, "unknown category or severity");
}

static bool read_table(struct labelled *labelled)
{
	char *columns[COLUMNS_MAX], *rest = labelled->buffer;
	int count = 0;

	while (rest && count < COLUMNS_MAX)
		columns[count++] = strsep(&rest, "\t");
	labelled->report.description = slice_of(columns[count - 1]);
	labelled->has_gold = true;
	switch (count) {
	case 2: /* label of a complaint, text */
		labelled->is_review = true;
		labelled->gold.category = columns[0][0] == '1' ? CATEGORY_FOOD : CATEGORY_OTHER;
		return true;
	case 3: /* category, severity, text */
		return read_names(labelled, columns[0], columns[1], NULL);
	case 5: /* category, also, severity, hazard code, text */
		labelled->gold.hazard_code = columns[3][0] ? slice_of(columns[3]) : (struct slice){ 0 };
		return read_names(labelled, columns[0], columns[2], columns[1]);
	case 6: /* category, also, severity, hazard code, kind, text; all in the words of labels */
		return read_labels(labelled, columns);
	default:
		return complain(labelled, "must be JSON, or 2, 3, 5 or 6 columns with tabs between");
	}
}

bool labelled_next(struct labelled *labelled)
{
	ssize_t size;

	while ((size = getline(&labelled->buffer, &labelled->room, labelled->file)) > 0) {
		labelled->line++;
		while (size > 0 && (labelled->buffer[size - 1] == '\n' || labelled->buffer[size - 1] == '\r'))
			labelled->buffer[--size] = '\0';
		if (size == 0 || labelled->buffer[0] == '#')
			continue;
		labelled->report = (struct report){ .description = { 0 } };
		labelled->gold = (struct gold){ .category = CATEGORY_OTHER };
		labelled->has_gold = labelled->has_also = labelled->any_severity = labelled->is_review = false;
		labelled->id = labelled->kind = (struct slice){ 0 };
		if (labelled->buffer[0] == '{' ? read_json(labelled, (size_t)size) : read_table(labelled))
			return true;
	}
	close_file(labelled);
	return false;
}
