/* SPDX-License-Identifier: Apache-2.0 */
/* Storage behind metrics.h. For metrics*.c only. */
#pragma once
#include <stddef.h>
#include "metrics.h"

enum metric_type { METRIC_IS_COUNTER, METRIC_IS_GAUGE, METRIC_IS_HISTOGRAM, METRIC_IS_TIMER, METRIC_IS_INFO };

enum metric_label {
	LABEL_NONE,
	LABEL_TOPIC,
	LABEL_PARTITION,
	LABEL_OUTCOME,
	LABEL_REASON,
	LABEL_FIELD,
	LABEL_CATEGORY,
	LABEL_SEVERITY,
	LABEL_RESULT,
	LABEL_CAUSE,
	LABEL_NOTICE,
	LABEL_RELOAD,
	LABEL_ROLLUP,
	LABEL_ROUND,
	LABEL_LEVEL,
	LABEL_CLIENT,
	LABEL_ID, /* text of an INFO metric */
	LABEL_COUNT
};

struct metric_row {
	const char *name;
	enum metric_type type;
	enum metric_label labels[2];
	const char *help;
};
extern const struct metric_row metric_rows[METRIC_COUNT];

#define HISTOGRAM_BOUNDS 15
/* Of a HISTOGRAM or a TIMER: HISTOGRAM_BOUNDS of them. */
const double *metric_bounds(enum metric metric);

/* Values of one metric: firsts * seconds numbers, NAN where there is none. PARTITION is always the second label and
 * grows. */
struct series {
	double *values;
	size_t firsts, seconds;
};

struct histogram {
	uint64_t counts[HISTOGRAM_BOUNDS + 1]; /* last: above every bound */
	double sum;
};

struct metrics {
	char *topics[2];
	struct series series[METRIC_COUNT];
	struct histogram histograms[METRIC_COUNT]; /* used by HISTOGRAM and TIMER rows */
	char *texts[METRIC_COUNT];                 /* INFO: complete labels, name="value",... */
	double start_seconds;
};

const char *metric_label_name(enum metric_label label);
/* How many values the label has: 1 for NONE, 0 for PARTITION (any number). */
size_t metric_label_values(enum metric_label label);
/* Text of one value; NULL for one that never occurs, so that no series is made of it. number is used for PARTITION. */
const char *metric_label_value(const struct metrics *metrics, enum metric_label label, size_t index, char number[24]);
/* Appends name="value" with the escapes of the text format. */
void metric_label_print(FILE *out, const char *name, const char *value);

/* Brings what is not pushed (process, log lines, versions) up to date. */
void metrics_collect(struct metrics *metrics);
