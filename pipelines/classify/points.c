/* SPDX-License-Identifier: Apache-2.0 */
#include "classify/load.h"

/* The contract bounds what one report may be worth, whatever a file says. */
enum { POINTS_CEILING = 1000000, SCORE_CEILING = 100000 };

static void load_severity(struct ruleset *ruleset, const struct reader *reader, const struct place *table, int severity)
{
	static const char *const member_list[] = { "points", "score" };
	struct place row = reader_member(reader, table, severity_names.list[severity], true);

	if (!row.value || !reader_object(reader, &row, NAMES(member_list)))
		return;
	ruleset->by_severity[severity].points = reader_integer(reader, &row, "points", 0, 0, POINTS_CEILING);
	ruleset->by_severity[severity].score = reader_integer(reader, &row, "score", 0, 0, SCORE_CEILING);
}

static void load_override(struct ruleset *ruleset, const struct reader *reader, const struct place *row)
{
	static const char *const member_list[] = { "hazard", "points" };

	if (!reader_object(reader, row, NAMES(member_list)))
		return;
	struct place code = reader_member(reader, row, "hazard", true);
	struct slice text = reader_text(reader, &code);
	const struct hazard *hazard = text.data ? hazard_find(ruleset, text) : NULL;
	if (!hazard) {
		if (text.data)
			reader_fail(reader, code.path, "unknown hazard code \"%s\"; hazards.json lists them",
				    json_string_value(code.value));
		return;
	}
	for (const struct points_override *other = ruleset->overrides; other; other = other->next) {
		if (other->hazard == hazard)
			reader_fail(reader, code.path, "hazard \"%s\" stands twice", json_string_value(code.value));
	}
	struct points_override *override = arena_zalloc(&ruleset->arena, sizeof(*override));
	override->hazard = hazard;
	override->points = reader_integer(reader, row, "points", 0, 0, POINTS_CEILING);
	override->next = ruleset->overrides;
	ruleset->overrides = override;
}

static void load_limits(struct ruleset *ruleset, const struct reader *reader, const struct place *root)
{
	static const char *const member_list[] = { "points_per_report", "paid_reports_per_day", "points_per_day",
						   "charity_score", "fraud_score" };
	struct points_limits *limits = &ruleset->limits;
	struct place row = reader_member(reader, root, "limits", true);

	*limits = (struct points_limits){ 1000, 20, 5000, 2, -50 };
	if (!row.value || !reader_object(reader, &row, NAMES(member_list)))
		return;
	limits->points_per_report_max = reader_integer(reader, &row, "points_per_report", 1000, 0, POINTS_CEILING);
	limits->paid_reports_per_day = reader_integer(reader, &row, "paid_reports_per_day", 20, 0, POINTS_CEILING);
	limits->points_per_day = reader_integer(reader, &row, "points_per_day", 5000, 0, POINTS_CEILING);
	limits->charity_score = reader_integer(reader, &row, "charity_score", 2, 0, SCORE_CEILING);
	limits->fraud_score = reader_integer(reader, &row, "fraud_score", -50, -SCORE_CEILING, 0);
}

void load_points(struct ruleset *ruleset, const struct reader *reader)
{
	static const char *const root_list[] = { "severities", "hazards", "limits" };
	static const char *const severity_list[] = { "Minor", "Moderate", "Severe", "Extreme" };
	struct place root = reader_root(reader, NAMES(root_list));
	struct place table = reader_member(reader, &root, "severities", true);
	struct place rows = reader_member(reader, &root, "hazards", false);

	if (table.value && reader_object(reader, &table, NAMES(severity_list))) {
		for (int i = SEVERITY_MINOR; i < SEVERITY_COUNT; i++)
			load_severity(ruleset, reader, &table, i);
	}
	for (size_t i = 0; i < reader_count(reader, &rows); i++) {
		struct place row = reader_item(&rows, i);
		load_override(ruleset, reader, &row);
	}
	load_limits(ruleset, reader, &root);
}

struct points ruleset_points(const struct ruleset *ruleset, const struct verdict *verdict)
{
	if (verdict->category == CATEGORY_OTHER)
		return (struct points){ 0 };
	struct points points = ruleset->by_severity[verdict->severity];
	for (const struct points_override *override = ruleset->overrides; override; override = override->next) {
		if (override->hazard == verdict->hazard)
			points.points = override->points;
	}
	if (points.points > ruleset->limits.points_per_report_max)
		points.points = ruleset->limits.points_per_report_max;
	return points;
}

struct points_limits ruleset_points_limits(const struct ruleset *ruleset)
{
	return ruleset->limits;
}
