/* SPDX-License-Identifier: Apache-2.0 */
#include "rules.h"

#include <math.h>
#include <stdio.h>
#include <sysexits.h>
#include "columns.h"
#include "labelled.h"

/* Takeaway reviews: is a complaint food safety, and is the rest left alone? */
struct reviews {
	int complaints, others;
	int found, false_food; /* called food: complaints, others */
	int hazards, paged;    /* of the others */
};

static void add_review(struct reviews *reviews, const struct gold *gold, const struct verdict *verdict)
{
	bool food = verdict->category == CATEGORY_FOOD;

	if (gold->category == CATEGORY_FOOD) {
		reviews->complaints++;
		reviews->found += food;
		return;
	}
	reviews->others++;
	reviews->false_food += food;
	reviews->hazards += verdict->category != CATEGORY_OTHER;
	reviews->paged += verdict->severity >= SEVERITY_SEVERE;
}

static const char *judge(enum measure measure, double value)
{
	const struct measure_row *row = &measure_rows[measure];
	double sign = row->floor > row->goal ? -1 : 1;

	if (isnan(value))
		return "";
	return sign * value >= sign * row->beyond  ? "beyond"
	       : sign * value >= sign * row->goal  ? "goal"
	       : sign * value >= sign * row->floor ? "floor"
						   : "below";
}

static void print_score(const struct score *score)
{
	static const char *const headers[] = { "measure", "value", "floor", "goal", "beyond", "reaches", NULL };
	struct columns *columns = columns_new(headers);

	for (int i = 0; i < MEASURE_COUNT; i++) {
		double value = score_value(score, (enum measure)i);
		if (isnan(value))
			continue;
		columns_text(columns, measure_rows[i].name);
		columns_format(columns, "%.3f", value);
		columns_format(columns, "%.3f", measure_rows[i].floor);
		columns_format(columns, "%.3f", measure_rows[i].goal);
		columns_format(columns, "%.3f", measure_rows[i].beyond);
		columns_text(columns, judge((enum measure)i, value));
	}
	printf("%d texts\n", score->rows);
	columns_print(columns, stdout);
	columns_free(&columns);
}

static double share(int part, int whole)
{
	return whole ? (double)part / whole : NAN;
}

static void print_reviews(const struct reviews *reviews)
{
	printf("%d reviews, %d complain of food safety: F1 of these as food_safety %.3f\n",
	       reviews->complaints + reviews->others, reviews->complaints,
	       share(2 * reviews->found, reviews->found + reviews->false_food + reviews->complaints));
	printf("of the other reviews called any hazard %.4f, paged %.4f\n", share(reviews->hazards, reviews->others),
	       share(reviews->paged, reviews->others));
}

static void print_json(const struct score *score)
{
	printf("{\"texts\":%d", score->rows);
	for (int i = 0; i < MEASURE_COUNT; i++) {
		double value = score_value(score, (enum measure)i);
		if (!isnan(value))
			printf(",\"%s\":%.4f", measure_rows[i].name, value);
	}
	puts("}");
}

static int score_all(const struct command_line *line, const struct ruleset *ruleset, struct score *score,
		     struct reviews *reviews)
{
	struct labelled labelled;
	int status = EX_OK;

	for (size_t i = 1; i < line->operand_count; i++) {
		if (!labelled_open(&labelled, line, line->operands[i]))
			return EX_NOINPUT;
		while (labelled_next(&labelled)) {
			struct verdict verdict;
			if (!labelled.has_gold || labelled.any_severity)
				continue;
			ruleset_classify(ruleset, &labelled.report, &verdict);
			if (labelled.is_review)
				add_review(reviews, &labelled.gold, &verdict);
			else
				score_add(score, &labelled.gold, &verdict);
		}
		status = labelled.bad ? EX_DATAERR : status;
	}
	return status;
}

int rules_score(const struct command_line *line, const struct config *config)
{
	struct ruleset *ruleset = command_rules(line, config);
	struct score score = { .rows = 0 };
	struct reviews reviews = { 0 };

	if (!ruleset)
		return EX_CONFIG;
	int status = score_all(line, ruleset, &score, &reviews);
	if (status != EX_NOINPUT && score.rows)
		command_value(line, "json") ? print_json(&score) : print_score(&score);
	if (status != EX_NOINPUT && reviews.complaints + reviews.others)
		print_reviews(&reviews);
	score_fini(&score);
	ruleset_unref(&ruleset);
	return status;
}
