/* SPDX-License-Identifier: Apache-2.0 */
/* Counters and gauges for Prometheus; metrics.def says which there are. Used on the loop thread only. */
#pragma once
#include <stdint.h>
#include <stdio.h>

enum metric {
#define METRIC(symbol, type, name, first, second, help) METRIC_##symbol,
#include "metrics.def"
#undef METRIC
	METRIC_COUNT
};

struct metrics;

/* The topic names are copied; they stand behind index 0 (reports) and 1 (deliveries) of label "topic". */
struct metrics *metrics_new(const char *reports_topic, const char *deliveries_topic);
void metrics_free(struct metrics **metrics);
/* first and second: index of each label's value (of its enum, or the partition number); 0 for a label that the metric
 * does not have. */
void metrics_add(struct metrics *metrics, enum metric metric, int first, int second, int64_t by);
/* Also sets counters that are counted elsewhere. NAN: the series is left out until it is set again. */
void metrics_set(struct metrics *metrics, enum metric metric, int first, int second, double value);
/* One sample of a HISTOGRAM or TIMER, in seconds. */
void metrics_observe(struct metrics *metrics, enum metric metric, double value);
/* The text of an INFO metric's label; copied. */
void metrics_set_text(struct metrics *metrics, enum metric metric, const char *text);
/* Prometheus text format 0.0.4. */
void metrics_render(struct metrics *metrics, FILE *out);

#define METRICS_CONTENT_TYPE "text/plain; version=0.0.4; charset=utf-8"
