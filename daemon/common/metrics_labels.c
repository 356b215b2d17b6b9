/* SPDX-License-Identifier: Apache-2.0 */
/* The closed sets of label values: from the enums and tables of include/. */
#include <string.h>
#include "input_record.h"
#include "log.h"
#include "metrics_internal.h"
#include "must.h"
#include "outcomes.h"
#include "protocol.h"
#include "rider_event.h"
#include "verdict.h"

static const char *outcome_label(size_t index)
{
	static const char *const labels[OUTCOME_COUNT] = {
#define OUTCOME(symbol, label, help) [OUTCOME_##symbol] = label,
#include "outcomes.def"
#undef OUTCOME
	};
	return labels[index];
}

static const char *reason_label(size_t index)
{
	bool dead_letter = index != REASON_NONE && reason_action((enum reason)index) == REASON_ACTION_DEAD_LETTER;
	return dead_letter ? reason_text((enum reason)index) : NULL;
}

static const char *field_label(size_t index)
{
	return dropped_field_name((enum dropped_field)index);
}

/* CATEGORY_OTHER and SEVERITY_NONE never become alerts. */
static const char *category_label(size_t index)
{
	return index == CATEGORY_OTHER ? NULL : category_name((enum category)index);
}

static const char *severity_label(size_t index)
{
	return index == SEVERITY_NONE ? NULL : severity_name((enum severity)index);
}

static const char *result_label(size_t index)
{
	static const char *const labels[] = {
		[PUBLISH_COMMITTED] = "committed",
		[PUBLISH_ABORTED] = "aborted",
		[PUBLISH_UNKNOWN] = "unknown",
	};
	return labels[index];
}

static const char *cause_label(size_t index)
{
	return load_cause_text((enum load_cause)index);
}

static const char *notice_label(size_t index)
{
	static const char *const labels[NOTICE_COUNT] = {
		[NOTICE_OFFSET_BEHIND] = "offset_behind",
		[NOTICE_OFFSET_AHEAD] = "offset_ahead",
		[NOTICE_OFFSETS_STALE] = "offsets_stale",
		[NOTICE_SHADOW_MISSING] = "shadow_missing",
		[NOTICE_RULESET_CHANGED] = "ruleset_changed",
		[NOTICE_STORE_WENT_BACK] = "store_went_back",
		[NOTICE_STORE_CREATED] = "store_created",
		[NOTICE_STORE_HEALED] = "store_healed",
		[NOTICE_BEHIND] = "behind",
		[NOTICE_CAUGHT_UP] = "caught_up",
		[NOTICE_STARTED_ALONE] = "started_alone",
		[NOTICE_NOT_ALONE] = "not_alone",
	};
	return labels[index];
}

static const char *reload_label(size_t index)
{
	static const char *const labels[] = { "ok", "refused" };
	return labels[index];
}

static const char *rollup_label(size_t index)
{
	static const char *const labels[] = { "sums", "leaderboard" };
	return labels[index];
}

static const char *round_label(size_t index)
{
	static const char *const labels[] = { "ok", "failed" };
	return labels[index];
}

static const char *level_label(size_t index)
{
	return log_level_name((enum log_level)index);
}

static const char *client_label(size_t index)
{
	static const char *const labels[] = { "consumer", "producer" };
	return labels[index];
}

static const struct {
	const char *name;
	size_t values;
	const char *(*value)(size_t index);
} labels[LABEL_COUNT] = {
	[LABEL_NONE] = { "", 1, NULL },
	[LABEL_TOPIC] = { "topic", INPUT_COUNT, NULL },
	[LABEL_PARTITION] = { "partition", 0, NULL },
	[LABEL_OUTCOME] = { "outcome", OUTCOME_COUNT, outcome_label },
	[LABEL_REASON] = { "reason", REASON_COUNT, reason_label },
	[LABEL_FIELD] = { "field", DROPPED_FIELD_COUNT, field_label },
	[LABEL_CATEGORY] = { "category", CATEGORY_COUNT, category_label },
	[LABEL_SEVERITY] = { "severity", SEVERITY_COUNT, severity_label },
	[LABEL_RESULT] = { "result", PUBLISH_UNKNOWN + 1, result_label },
	[LABEL_CAUSE] = { "cause", LOAD_CAUSE_COUNT, cause_label },
	[LABEL_NOTICE] = { "notice", NOTICE_COUNT, notice_label },
	[LABEL_RELOAD] = { "result", 2, reload_label },
	[LABEL_ROLLUP] = { "of", 2, rollup_label },
	[LABEL_ROUND] = { "result", 2, round_label },
	[LABEL_LEVEL] = { "level", LOG_LEVEL_COUNT, level_label },
	[LABEL_CLIENT] = { "client", 2, client_label },
	[LABEL_ID] = { "id", 1, NULL },
};

const char *metric_label_name(enum metric_label label)
{
	return labels[label].name;
}

size_t metric_label_values(enum metric_label label)
{
	return labels[label].values;
}

const char *metric_label_value(const struct metrics *metrics, enum metric_label label, size_t index, char number[24])
{
	if (labels[label].value)
		return labels[label].value(index);
	if (label == LABEL_TOPIC)
		return metrics->topics[index];
	snprintf(number, 24, "%zu", index);
	return number;
}

void metric_label_print(FILE *out, const char *name, const char *value)
{
	fprintf(out, "%s=\"", name);
	for (; *value; value++) {
		if (*value == '\n')
			fputs("\\n", out);
		else if (*value == '"' || *value == '\\')
			fprintf(out, "\\%c", *value);
		else
			fputc(*value, out);
	}
	fputc('"', out);
}
