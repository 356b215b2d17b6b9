/* SPDX-License-Identifier: Apache-2.0 */
/* Prometheus text format 0.0.4. */
#include <inttypes.h>
#include <math.h>
#include "metrics_internal.h"

static void print_number(FILE *out, double value)
{
	if (value == floor(value) && fabs(value) < 1e15)
		fprintf(out, " %.0f\n", value);
	else
		fprintf(out, " %.17g\n", value);
}

static void print_label(FILE *out, char opening, enum metric_label label, const char *value)
{
	fputc(opening, out);
	metric_label_print(out, metric_label_name(label), value);
}

static void print_series(const struct metrics *metrics, enum metric metric, FILE *out)
{
	const struct metric_row *row = &metric_rows[metric];
	const struct series *series = &metrics->series[metric];
	char numbers[2][24];
	for (size_t i = 0; i < series->firsts * series->seconds; i++) {
		if (isnan(series->values[i]))
			continue;
		const char *first = metric_label_value(metrics, row->labels[0], i / series->seconds, numbers[0]);
		const char *second = metric_label_value(metrics, row->labels[1], i % series->seconds, numbers[1]);
		if (!first || !second)
			continue;
		fputs(row->name, out);
		if (row->labels[0] != LABEL_NONE)
			print_label(out, '{', row->labels[0], first);
		if (row->labels[1] != LABEL_NONE)
			print_label(out, ',', row->labels[1], second);
		if (row->labels[0] != LABEL_NONE)
			fputc('}', out);
		print_number(out, series->values[i]);
	}
}

static void print_histogram(const struct metrics *metrics, enum metric metric, FILE *out)
{
	const char *name = metric_rows[metric].name;
	const struct histogram *histogram = &metrics->histograms[metric];
	const double *bounds = metric_bounds(metric);
	uint64_t count = 0;
	for (size_t i = 0; i < HISTOGRAM_BOUNDS; i++) {
		count += histogram->counts[i];
		fprintf(out, "%s_bucket{le=\"%g\"} %" PRIu64 "\n", name, bounds[i], count);
	}
	count += histogram->counts[HISTOGRAM_BOUNDS];
	fprintf(out, "%s_bucket{le=\"+Inf\"} %" PRIu64 "\n", name, count);
	fprintf(out, "%s_sum", name);
	print_number(out, histogram->sum);
	fprintf(out, "%s_count %" PRIu64 "\n", name, count);
}

static void print_info(const struct metrics *metrics, enum metric metric, FILE *out)
{
	if (metrics->texts[metric])
		fprintf(out, "%s{%s} 1\n", metric_rows[metric].name, metrics->texts[metric]);
}

static const struct {
	const char *name;
	void (*print)(const struct metrics *metrics, enum metric metric, FILE *out);
} types[] = {
	[METRIC_IS_COUNTER] = { "counter", print_series },
	[METRIC_IS_GAUGE] = { "gauge", print_series },
	[METRIC_IS_HISTOGRAM] = { "histogram", print_histogram },
	[METRIC_IS_TIMER] = { "histogram", print_histogram },
	[METRIC_IS_INFO] = { "gauge", print_info },
};

void metrics_render(struct metrics *metrics, FILE *out)
{
	metrics_collect(metrics);
	for (size_t i = 0; i < METRIC_COUNT; i++) {
		const struct metric_row *row = &metric_rows[i];
		fprintf(out, "# HELP %s %s\n# TYPE %s %s\n", row->name, row->help, row->name, types[row->type].name);
		types[row->type].print(metrics, (enum metric)i, out);
	}
}
