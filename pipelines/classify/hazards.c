/* SPDX-License-Identifier: Apache-2.0 */
#include "classify/load.h"

static const char *const cap_list[] = { "Fire",  "Health",   "Safety", "Rescue", "Transport",
					"Infra", "Security", "Env",    "Other" };
static const char *const urgency_list[] = { "Immediate", "Expected", "Future", "Past", "Unknown" };
static const char *const member_list[] = { "code", "category", "severity", "cap_category", "event", "urgency" };

const struct hazard *hazard_find(const struct ruleset *ruleset, struct slice code)
{
	for (size_t i = 0; i < ruleset->hazard_count; i++) {
		if (slice_equal(ruleset->hazards[i].code, code))
			return &ruleset->hazards[i];
	}
	return NULL;
}

static struct slice name_of(const struct reader *reader, const struct place *row, const char *key, struct names names)
{
	struct place place = reader_member(reader, row, key, true);
	int index = reader_name(reader, &place, names, key);

	return index < 0 ? (struct slice){ 0 } : slice_of(names.list[index]);
}

static void load_hazard(struct ruleset *ruleset, const struct reader *reader, const struct place *row)
{
	if (!reader_object(reader, row, NAMES(member_list)))
		return;
	struct place code = reader_member(reader, row, "code", true);
	struct place category = reader_member(reader, row, "category", true);
	struct place severity = reader_member(reader, row, "severity", true);
	struct place event = reader_member(reader, row, "event", true);
	struct hazard hazard = {
		.code = reader_text(reader, &code),
		.event = reader_text(reader, &event),
		.cap_category = name_of(reader, row, "cap_category", NAMES(cap_list)),
		.urgency = name_of(reader, row, "urgency", NAMES(urgency_list)),
	};
	int category_index = reader_name(reader, &category, category_names, "category");
	int severity_index = reader_name(reader, &severity, severity_names, "severity");

	if (!hazard.code.data || category_index < 0 || severity_index < 0)
		return;
	hazard.category = (enum category)category_index;
	hazard.severity = (enum severity)severity_index;
	if ((hazard.category == CATEGORY_OTHER) != (hazard.severity == SEVERITY_NONE))
		reader_fail(reader, severity.path, "severity None belongs to category other, and to no other");
	if (hazard_find(ruleset, hazard.code))
		reader_fail(reader, code.path, "hazard code \"%s\" stands twice", json_string_value(code.value));
	else if (ruleset->hazard_count == HAZARDS_MAX)
		reader_fail(reader, row->path, "more than %d hazards", HAZARDS_MAX);
	else {
		ruleset->hazards_of[hazard.category] |= 1ull << ruleset->hazard_count;
		ruleset->hazards[ruleset->hazard_count++] = hazard;
	}
}

void load_hazards(struct ruleset *ruleset, const struct reader *reader)
{
	static const char *const root_list[] = { "hazards", "defaults" };
	struct place root = reader_root(reader, NAMES(root_list));
	struct place rows = reader_member(reader, &root, "hazards", true);

	for (size_t i = 0; i < reader_count(reader, &rows); i++) {
		struct place row = reader_item(&rows, i);
		load_hazard(ruleset, reader, &row);
	}
	struct place defaults = reader_member(reader, &root, "defaults", true);
	if (!defaults.value || !reader_object(reader, &defaults, category_names))
		return;
	for (int i = 0; i < CATEGORY_COUNT; i++) {
		struct place place = reader_member(reader, &defaults, category_names.list[i], true);
		struct slice code = reader_text(reader, &place);
		ruleset->defaults[i] = code.data ? hazard_find(ruleset, code) : NULL;
		if (code.data && (!ruleset->defaults[i] || ruleset->defaults[i]->category != (enum category)i))
			reader_fail(reader, place.path, "no hazard of category %s has this code",
				    category_names.list[i]);
	}
}
