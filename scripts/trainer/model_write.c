/* SPDX-License-Identifier: Apache-2.0 */
/* weights.tsv and reviews.tsv. */
#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include "alloc.h"
#include "classify/load.h"
#include "model.h"

enum {
	PAGE_COST = 120, /* -ln of the chance of being urgent that is enough for a page, hundredths; tuned from here */
	REVIEW_OUTPUTS = OUTPUT_COUNT - OUTPUT_REVIEW,
	CODE_WEIGHT_MIN = 4, /* of 127: what is less says nothing of a code */
};

static FILE *open_file(const char *folder, const char *name)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	FILE *file = fopen(path, "we");
	if (!file) {
		fprintf(stderr, "%s: %s\n", path, strerror(errno));
		exit(73);
	}
	return file;
}

/* A weight of 127 stands for the largest one. */
static double unit_of(const double *weights, size_t rows, size_t outputs)
{
	double largest = 1e-6;

	for (size_t i = 0; i < rows * outputs; i++)
		largest = fmax(largest, fabs(weights[i]));
	return largest / 127;
}

/* The weights of one row over all outputs that a report has. */
static void row_of(const struct model *model, size_t row, double weights[OUTPUT_TRAINED], bool details_only)
{
	for (int k = 0; k < OUTPUT_TRAINED; k++) {
		if (k < OUTPUT_SEVERITY)
			weights[k] = details_only ? 0 : model->categories[row * CATEGORY_COUNT + (size_t)k];
		else if (k < OUTPUT_ALSO)
			weights[k] = model->severities[row * (SEVERITY_COUNT - 1) + (size_t)(k - OUTPUT_SEVERITY)];
		else
			weights[k] = model->also[row * CATEGORY_OTHER + (size_t)(k - OUTPUT_ALSO)];
	}
}

static void write_numbers(FILE *file, const char *name, const double *numbers, int count)
{
	fprintf(file, "%s\t", name);
	for (int i = 0; i < count; i++)
		fprintf(file, "%s%ld", i ? " " : "", lrint(numbers[i]));
}

static void write_codes(FILE *file, const double *weights, size_t count, double unit)
{
	for (size_t i = 0; i < count; i++) {
		long weight = lrint(weights[i] / unit);
		if (labs(weight) >= CODE_WEIGHT_MIN)
			fprintf(file, " %zu:%ld", i, weight);
	}
}

static int by_name(const void *left, const void *right)
{
	return strcmp(*(char *const *)left, *(char *const *)right);
}

/* Names in the order of their bytes, so that a change of a text changes few lines. */
static char **sorted_names(const struct names_table *table)
{
	char **names = alloc_zeroed(table->count + 1, sizeof(*names));

	memcpy(names, table->names, table->count * sizeof(*names));
	qsort(names, table->count, sizeof(*names), by_name);
	return names;
}

static void write_grams(FILE *file, const struct model *model, const struct study *study,
			const double units[OUTPUT_TRAINED])
{
	size_t hazards = study->ruleset->hazard_count;
	double code_unit = unit_of(model->codes, model->grams.count, hazards), row[OUTPUT_TRAINED];
	char **names = sorted_names(&model->grams);

	fprintf(file, "@code_scale\t%ld\n", lrint(code_unit * 100000));
	for (size_t i = 0; i < model->grams.count; i++) {
		size_t number = names_table_find(&model->grams, names[i]);
		row_of(model, number, row, false);
		for (int k = 0; k < OUTPUT_TRAINED; k++)
			row[k] /= units[k];
		write_numbers(file, names[i], row, OUTPUT_TRAINED);
		write_codes(file, model->codes + number * hazards, hazards, code_unit);
		fputc('\n', file);
	}
	free(names);
}

static void write_trained(FILE *file, const char *name, double row[OUTPUT_TRAINED], int cap)
{
	bool any = false;

	for (int k = 0; k < OUTPUT_TRAINED; k++) {
		row[k] = fmax(-cap, fmin(cap, row[k] * 100));
		any |= lrint(row[k]) != 0;
	}
	if (!any)
		return;
	write_numbers(file, name, row, OUTPUT_TRAINED);
	fputc('\n', file);
}

static void write_rules(FILE *file, const struct model *model, const struct study *study)
{
	size_t rules = study->ruleset->rule_count;
	double row[OUTPUT_TRAINED];
	char name[128];

	for (size_t i = 0; i < rules; i++) {
		struct slice id = study->ruleset->rules[i].id;
		row_of(model, model->grams.count + i, row, false);
		snprintf(name, sizeof(name), "%.*s", (int)id.size, id.data);
		write_trained(file, name, row, study->settings.cap);
	}
	for (int i = 0; i < COMPOSED_COUNT; i++) {
		snprintf(name, sizeof(name), "=%s", composed_name(i));
		row_of(model, model->grams.count + rules + (size_t)i, row, true);
		write_trained(file, name, row, 1000);
	}
}

static void write_weights(const struct model *model, const struct study *study, FILE *file)
{
	size_t rules = study->ruleset->rule_count, grams = model->grams.count;
	double units[OUTPUT_TRAINED], scales[OUTPUT_TRAINED], biases[OUTPUT_TRAINED];

	for (int k = 0; k < OUTPUT_TRAINED; k++) {
		units[k] = k < OUTPUT_SEVERITY ? unit_of(model->categories, grams, CATEGORY_COUNT)
			   : k < OUTPUT_ALSO   ? unit_of(model->severities, grams, SEVERITY_COUNT - 1)
					       : unit_of(model->also, grams, CATEGORY_OTHER);
		scales[k] = units[k] * 100000;
		biases[k] = k < OUTPUT_SEVERITY ? model->categories[(grams + rules) * CATEGORY_COUNT + (size_t)k]
			    : k < OUTPUT_ALSO
				    ? model->severities[(grams + rules + COMPOSED_COUNT) * (SEVERITY_COUNT - 1) +
							(size_t)(k - OUTPUT_SEVERITY)]
				    : model->also[(grams + rules + COMPOSED_COUNT) * CATEGORY_OTHER +
						  (size_t)(k - OUTPUT_ALSO)];
		biases[k] = biases[k] * 100 + model->tuned[k];
	}
	fputs("# Written by `make train`; do not edit. name<TAB>what it adds to: categories emergency fire food other, "
	      "severities Minor\n"
	      "# Moderate Severe Extreme, further categories emergency fire food; then hazard:weight, hazards counted "
	      "from 0 as in\n"
	      "# hazards.json. A name is one or two characters or a Latin word, a rule's id, or = and a fact. Rules "
	      "and facts in\n"
	      "# hundredths; grams times scale / 1000 / sqrt(grams found).\n",
	      file);
	write_numbers(file, "@scale", scales, OUTPUT_TRAINED);
	fputc('\n', file);
	write_numbers(file, "@bias", biases, OUTPUT_TRAINED);
	fprintf(file, "\n@page_cost\t%d", PAGE_COST + model->tuned[TUNED_PAGE]);
	fprintf(file, "\n@prior_percent\t%d\n", study->settings.prior_percent);
	write_rules(file, model, study);
	write_grams(file, model, study, units);
}

static void write_reviews(const struct model *model, FILE *file)
{
	size_t count = model->review_grams.count;
	char **names = sorted_names(&model->review_grams);
	double unit = unit_of(model->reviews, count, REVIEW_OUTPUTS), row[REVIEW_OUTPUTS];

	fputs("# Written by `make train REVIEWS=file`; do not edit. What a gram says for: this is a takeaway review; "
	      "and complains.\n",
	      file);
	for (int k = 0; k < REVIEW_OUTPUTS; k++)
		row[k] = unit * 100000;
	write_numbers(file, "@review_scale", row, REVIEW_OUTPUTS);
	for (int k = 0; k < REVIEW_OUTPUTS; k++)
		row[k] = model->reviews[count * REVIEW_OUTPUTS + (size_t)k] * 100;
	fputc('\n', file);
	write_numbers(file, "@review_bias", row, REVIEW_OUTPUTS);
	fputs("\n@review_from\t-50\n@review_percent\t100\n", file);
	for (size_t i = 0; i < count; i++) {
		size_t number = names_table_find(&model->review_grams, names[i]);
		bool any = false;
		for (int k = 0; k < REVIEW_OUTPUTS; k++) {
			row[k] = model->reviews[number * REVIEW_OUTPUTS + (size_t)k] / unit;
			any |= lrint(row[k]) != 0;
		}
		if (any) {
			write_numbers(file, names[i], row, REVIEW_OUTPUTS);
			fputc('\n', file);
		}
	}
	free(names);
}

void model_write(const struct model *model, const struct study *study, const char *folder)
{
	if (model->categories) {
		FILE *file = open_file(folder, "weights.tsv");
		write_weights(model, study, file);
		fclose(file);
	}
	if (model->reviews) {
		FILE *file = open_file(folder, "reviews.tsv");
		write_reviews(model, file);
		fclose(file);
	}
}
