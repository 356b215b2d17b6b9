/* SPDX-License-Identifier: Apache-2.0 */
#include "metrics.h"
#include <math.h>
#include <stdlib.h>
#include <time.h>
#include "alloc.h"
#include "metrics_internal.h"
#include "must.h"

const struct metric_row metric_rows[METRIC_COUNT] = {
#define METRIC(symbol, type_, name_, first, second, help_)                                                             \
	[METRIC_##symbol] = {                                                                                          \
		.name = name_, .type = METRIC_IS_##type_, .labels = { LABEL_##first, LABEL_##second }, .help = help_   \
	},
#include "metrics.def"
#undef METRIC
};

/* From one commit to an hour of backlog. */
static const double histogram_bounds[HISTOGRAM_BOUNDS] = { 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1,
							   2.5,   5,    10,    30,   60,  300,  3600 };

/* From one decision to a call that hangs. */
static const double timer_bounds[HISTOGRAM_BOUNDS] = { 0.000005, 0.00001, 0.00002, 0.00005, 0.0001,
						       0.0005,   0.001,   0.005,   0.01,    0.02,
						       0.05,     0.1,     0.5,     5,       60 };

const double *metric_bounds(enum metric metric)
{
	return metric_rows[metric].type == METRIC_IS_TIMER ? timer_bounds : histogram_bounds;
}

/* Makes room for at least seconds values of the second label; new ones are NAN. */
static void series_grow(struct series *series, size_t seconds)
{
	struct series grown = { .firsts = series->firsts, .seconds = seconds };
	grown.values = alloc_zeroed(grown.firsts * seconds, sizeof(*grown.values));
	for (size_t first = 0; first < grown.firsts; first++)
		for (size_t second = 0; second < seconds; second++)
			grown.values[first * seconds + second] =
				second < series->seconds ? series->values[first * series->seconds + second] : NAN;
	free(series->values);
	*series = grown;
}

/* Closed label sets start at zero, so that the first event already shows as a rate. */
static void series_init(struct series *series, const struct metric_row *row)
{
	MUST(row->labels[0] != LABEL_PARTITION);
	series->firsts = metric_label_values(row->labels[0]);
	series->seconds = metric_label_values(row->labels[1]);
	if (series->seconds > 0)
		series->values = alloc_zeroed(series->firsts * series->seconds, sizeof(*series->values));
}

struct metrics *metrics_new(const char *reports_topic, const char *deliveries_topic)
{
	struct metrics *metrics = alloc_zeroed(1, sizeof(*metrics));
	struct timespec now;
	clock_gettime(CLOCK_REALTIME, &now);
	metrics->start_seconds = (double)now.tv_sec + (double)now.tv_nsec / 1e9;
	metrics->topics[0] = alloc_text(reports_topic);
	metrics->topics[1] = alloc_text(deliveries_topic);
	for (size_t i = 0; i < METRIC_COUNT; i++)
		series_init(&metrics->series[i], &metric_rows[i]);
	return metrics;
}

void metrics_free(struct metrics **metrics)
{
	if (!*metrics)
		return;
	for (size_t i = 0; i < METRIC_COUNT; i++) {
		free((*metrics)->series[i].values);
		free((*metrics)->texts[i]);
	}
	free((*metrics)->topics[0]);
	free((*metrics)->topics[1]);
	free(*metrics);
	*metrics = NULL;
}

static double *value_at(struct metrics *metrics, enum metric metric, int first, int second)
{
	MUST(metric < METRIC_COUNT && first >= 0 && second >= 0);
	struct series *series = &metrics->series[metric];
	size_t column = (size_t)second;
	if (column >= series->seconds && metric_rows[metric].labels[1] == LABEL_PARTITION)
		series_grow(series, column + 16);
	MUST((size_t)first < series->firsts && column < series->seconds);
	return &series->values[(size_t)first * series->seconds + column];
}

void metrics_add(struct metrics *metrics, enum metric metric, int first, int second, int64_t by)
{
	double *value = value_at(metrics, metric, first, second);
	*value = (isnan(*value) ? 0 : *value) + (double)by;
}

void metrics_set(struct metrics *metrics, enum metric metric, int first, int second, double value)
{
	*value_at(metrics, metric, first, second) = value;
}

void metrics_observe(struct metrics *metrics, enum metric metric, double value)
{
	MUST(metric < METRIC_COUNT &&
	     (metric_rows[metric].type == METRIC_IS_HISTOGRAM || metric_rows[metric].type == METRIC_IS_TIMER));
	const double *bounds = metric_bounds(metric);
	struct histogram *histogram = &metrics->histograms[metric];
	size_t bucket = 0;
	value = value > 0 ? value : 0; /* clocks differ */
	while (bucket < HISTOGRAM_BOUNDS && value > bounds[bucket])
		bucket++;
	histogram->counts[bucket]++;
	histogram->sum += value;
}

void metrics_set_text(struct metrics *metrics, enum metric metric, const char *text)
{
	MUST(metric < METRIC_COUNT && metric_rows[metric].type == METRIC_IS_INFO);
	size_t size;
	free(metrics->texts[metric]);
	FILE *out = open_memstream(&metrics->texts[metric], &size);
	MUST(out);
	metric_label_print(out, metric_label_name(metric_rows[metric].labels[0]), text);
	fclose(out);
}
