/* SPDX-License-Identifier: Apache-2.0 */
#include "strengths.h"
#include <math.h>
#include <stdlib.h>
#include "alloc.h"
#include "examples.h"

#define EVEN 0.05 /* keeps what an even gram costs finite */

/* How often grams stand in texts of a class. */
struct counts {
	double (*grams)[CLASSES_MAX];
	double totals[CLASSES_MAX], total;
};

int class_category(const struct study *study, const struct text *text)
{
	(void)study;
	return (int)text->gold.category;
}

int class_level(const struct study *study, const struct text *text)
{
	(void)study;
	return (int)text->gold.severity;
}

int class_hazard_category(const struct study *study, const struct text *text)
{
	(void)study;
	return text->gold.category == CATEGORY_OTHER ? -1 : (int)text->gold.category;
}

int class_code(const struct study *study, const struct text *text)
{
	const struct hazard *hazard =
		text->gold.hazard_code.data ? hazard_find(study->ruleset, text->gold.hazard_code) : NULL;

	return hazard ? (int)(hazard - study->ruleset->hazards) : -1;
}

static void count_text(struct counts *counts, const struct names_table *grams, const struct text *text, int class)
{
	struct row_of_grams row = { .table = grams };

	read_grams(text->text, &row);
	for (size_t k = 0; k < row.count; k++)
		counts->grams[row.numbers[k]][class] += text->weight;
	counts->totals[class] += text->weight * (double)row.count;
	counts->total += text->weight * (double)row.count;
}

/* The largest ratio, as a logarithm, between how often a gram stands in a class and in all others. */
static double lean_of(const struct counts *counts, const double gram[CLASSES_MAX])
{
	double all = 0, largest = 0;

	for (int c = 0; c < CLASSES_MAX; c++)
		all += gram[c];
	for (int c = 0; c < CLASSES_MAX; c++) {
		if (gram[c] <= 0)
			continue;
		double in = (gram[c] + 1) / (counts->totals[c] + 1);
		double out = (all - gram[c] + 1) / (counts->total - counts->totals[c] + 1);
		largest = fmax(largest, fabs(log(in / out)));
	}
	return largest;
}

void strengths_lean(double *strengths, const struct study *study, const bool *used, const struct names_table *grams,
		    class_of *of)
{
	struct counts counts = { .grams = alloc_zeroed(grams->count + 1, sizeof(*counts.grams)) };
	double sum = 0;

	for (size_t i = 0; i < study->corpus->count; i++) {
		const struct text *text = &study->corpus->texts[i];
		int class = used[i] && text->source != SOURCE_REVIEWS ? of(study, text) : -1;
		if (class >= 0)
			count_text(&counts, grams, text, class);
	}
	for (size_t g = 0; g < grams->count; g++) {
		double lean = lean_of(&counts, counts.grams[g]), factor = 1 / (lean * lean + EVEN);
		strengths[g] *= factor;
		sum += log(factor);
	}
	for (size_t g = 0; g < grams->count; g++)
		strengths[g] /= exp(sum / (double)grams->count);
	free(counts.grams);
}

double *strengths_new(const struct study *study, size_t grams, double gram_strength)
{
	size_t rules = study->ruleset->rule_count;
	double *strengths = alloc_zeroed(grams + rules + COMPOSED_COUNT, sizeof(double));

	for (size_t i = 0; i < grams + rules + COMPOSED_COUNT; i++)
		strengths[i] = i < grams           ? gram_strength
			       : i < grams + rules ? study->settings.rule_strength
						   : study->settings.composed_strength;
	return strengths;
}

double *strengths_of_complaints(const struct study *study, const bool *used, const struct names_table *grams)
{
	double *strengths = alloc_zeroed(grams->count + 1, sizeof(double)), totals[2] = { 0, 0 };
	double *counts = alloc_zeroed(2 * (grams->count + 1), sizeof(double));

	for (size_t i = 0; i < study->corpus->count; i++) {
		const struct text *text = &study->corpus->texts[i];
		struct row_of_grams row = { .table = grams };
		int complains = text->gold.category != CATEGORY_OTHER;
		if (!used[i] || text->source != SOURCE_REVIEWS)
			continue;
		read_grams(text->text, &row);
		for (size_t k = 0; k < row.count; k++)
			counts[2 * row.numbers[k] + (size_t)complains]++;
		totals[complains] += (double)row.count;
	}
	for (size_t i = 0; i < grams->count; i++) {
		double ratio =
			log((counts[2 * i + 1] + 1) / (totals[1] + 1)) - log((counts[2 * i] + 1) / (totals[0] + 1));
		strengths[i] = study->settings.complaint_strength / (ratio * ratio + 0.01);
	}
	free(counts);
	return strengths;
}
