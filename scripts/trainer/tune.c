/* SPDX-License-Identifier: Apache-2.0 */
#include "tune.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { DEV_EARLY = 200 }; /* phrases were written while looking at so many of reports-dev */

/* How far the score falls short of the goals, in steps from floor to goal; a little is gained beyond them. A life that
 * nobody is told of weighs three times as much. */
static double value_of(const struct score *score)
{
	double sum = 0;

	for (int i = 0; i < MEASURE_COUNT; i++) {
		const struct measure_row *row = &measure_rows[i];
		double value = score_value(score, (enum measure)i);
		if (isnan(value))
			continue;
		double steps = (value - row->goal) / (row->goal - row->floor);
		sum += (i == MEASURE_SILENT_CRITICAL ? 3 : 1) * (steps > 0 ? 0.3 * fmin(steps, 1) : steps);
	}
	return sum;
}

/* Of the texts that report nothing every other one: then they are a quarter, as of reports. They are two in five of what
 * was written, since they are what is hard to tell, and precision depends on their share. */
static bool as_among_reports(const struct corpus *corpus, size_t i)
{
	const struct text *text = &corpus->texts[i];

	return text->source == SOURCE_TEXTS && (text->gold.category != CATEGORY_OTHER || i % 2 == 0);
}

static double try_out(const struct ruleset *ruleset, const struct corpus *corpus, const bool *kept)
{
	struct score score = { .rows = 0 };

	for (size_t i = 0; i < corpus->count; i++) {
		const struct text *text = &corpus->texts[i];
		struct report report = { .description = slice_of(text->text) };
		struct verdict verdict;
		if (!kept[i] || !(text->source == SOURCE_DEV || as_among_reports(corpus, i)))
			continue;
		ruleset_classify(ruleset, &report, &verdict);
		score_add(&score, &text->gold, &verdict);
	}
	double value = value_of(&score);
	score_fini(&score);
	return value;
}

static void move_cells(struct weights *weights, enum tuned number, int32_t step)
{
	for (int i = 0; i < CELL_COUNT; i++) {
		int level = i < OUTPUT_QUIET ? SEVERITY_MINOR + i % LEVEL_COUNT : SEVERITY_NONE;
		if ((number == TUNED_OTHER && level == SEVERITY_NONE) ||
		    (number == TUNED_EXTREME && level == SEVERITY_EXTREME) ||
		    (number == TUNED_MINOR && level == SEVERITY_MINOR))
			weights->bias[i] += step;
	}
}

static void move(struct weights *weights, enum tuned number, int32_t step)
{
	if (number == TUNED_PAGE)
		weights->page_from += step;
	else if (number == TUNED_WATCH)
		weights->watch_from += step;
	else if (number >= TUNED_ALSO)
		weights->bias[OUTPUT_ALSO + number - TUNED_ALSO] += step;
	else
		move_cells(weights, number, step);
}

/* One number after the other, twice. */
void tune(struct ruleset *ruleset, const struct corpus *corpus, const bool *kept, int32_t tuned[TUNED_COUNT])
{
	double best = try_out(ruleset, corpus, kept);

	for (int round = 0; round < 2 * TUNED_COUNT; round++) {
		enum tuned number = (enum tuned)(round % TUNED_COUNT);
		int32_t chosen = 0;
		for (int32_t step = -80; step <= 80; step += 20) {
			move(&ruleset->weights, number, step);
			double value = try_out(ruleset, corpus, kept) - abs(step) * 1e-3;
			move(&ruleset->weights, number, -step);
			if (value > best + 1e-9) {
				best = value;
				chosen = step;
			}
		}
		move(&ruleset->weights, number, chosen);
		tuned[number] += chosen;
	}
}

/* A column of the report. */
struct column {
	const char *name;
	struct score score;
};

static void print_columns(struct column *columns, size_t count)
{
	printf("%-34s", "");
	for (size_t i = 0; i < count; i++)
		if (columns[i].score.rows)
			printf(" %8s", columns[i].name);
	printf(" %8s %8s\n%-34s", "floor", "goal", "texts");
	for (size_t i = 0; i < count; i++)
		if (columns[i].score.rows)
			printf(" %8d", columns[i].score.rows);
	for (int m = 0; m < MEASURE_COUNT; m++) {
		printf("\n%-34s", measure_rows[m].name);
		for (size_t i = 0; i < count; i++)
			if (columns[i].score.rows)
				printf(" %8.3f", score_value(&columns[i].score, (enum measure)m));
		printf(" %8.3f %8.3f", measure_rows[m].floor, measure_rows[m].goal);
	}
	putchar('\n');
	for (size_t i = 0; i < count; i++)
		score_fini(&columns[i].score);
}

static void print_reviews(const struct corpus *corpus, const struct verdict *verdicts, const bool *decided)
{
	int counts[2][2] = { { 0 } }, hazards = 0, paged = 0, all = 0;

	for (size_t i = 0; i < corpus->count; i++) {
		const struct text *text = &corpus->texts[i];
		if (!decided[i] || text->source != SOURCE_REVIEWS)
			continue;
		bool complains = text->gold.category == CATEGORY_FOOD;
		counts[complains][verdicts[i].category == CATEGORY_FOOD]++;
		all += !complains;
		hazards += !complains && verdicts[i].category != CATEGORY_OTHER;
		paged += !complains && verdicts[i].severity >= SEVERITY_SEVERE;
	}
	if (all)
		printf("reviews (%d)\n  F1 of complaints as food %.3f; of the others called a hazard %.4f, paged "
		       "%.4f\n",
		       all + counts[1][0] + counts[1][1],
		       2.0 * counts[1][1] / (2 * counts[1][1] + counts[0][1] + counts[1][0]), (double)hazards / all,
		       (double)paged / all);
}

static void print_kinds(const struct corpus *corpus, const struct verdict *verdicts, const bool *decided)
{
	static const char *const kinds[] = { "plain",      "but",     "low",         "two",      "dialect",
					     "dictation",  "english", "traditional", "indirect", "resolved",
					     "denied",     "past",    "drill",       "question", "advert",
					     "figurative", "city",    "chat",        "news",     "review" };

	for (size_t k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++) {
		int all = 0, right = 0;
		for (size_t i = 0; i < corpus->count; i++) {
			const struct text *text = &corpus->texts[i];
			if (!decided[i] || !text->kind || strcmp(text->kind, kinds[k]) != 0)
				continue;
			all++;
			right += verdicts[i].category == text->gold.category;
		}
		if (all)
			printf("  %-12s %4d   right category %.2f\n", kinds[k], all, (double)right / all);
	}
}

static void print_label(enum category category, uint8_t also, enum severity severity, struct slice code)
{
	printf("%s", label_of_category(category));
	for (int i = 0; i < CATEGORY_OTHER; i++) {
		if (also >> i & 1)
			printf("+%s", label_of_category((enum category)i));
	}
	printf(" %s %.*s", label_of_severity(severity), (int)code.size, code.data ? code.data : "");
}

void report_wrong(const struct corpus *corpus, const struct verdict *verdicts, const bool *decided)
{
	for (size_t i = 0; i < corpus->count; i++) {
		const struct text *text = &corpus->texts[i];
		const struct gold *gold = &text->gold;
		const struct verdict *got = &verdicts[i];
		bool right =
			gold->category == got->category && gold->also == got->also && gold->severity == got->severity;
		if (!decided[i] || text->source > SOURCE_TWINS ||
		    (right && (!gold->hazard_code.data || slice_equal(gold->hazard_code, got->hazard->code))))
			continue;
		printf("%s\t", text->kind ? text->kind : "-");
		print_label(gold->category, gold->also, gold->severity, gold->hazard_code);
		printf("\t");
		print_label(got->category, got->also, got->severity, got->hazard->code);
		printf("\t%d\t%s\n", got->margin, text->text);
	}
}

void report_scores(const struct corpus *corpus, const struct verdict *verdicts, const bool *decided)
{
	struct column columns[] = {
		{ .name = "texts" }, { .name = "dev" },      { .name = "more" },
		{ .name = "twins" }, { .name = "dev-late" }, { .name = "quarter" }, /* of texts, report nothing */
	};
	size_t dev = 0;

	for (size_t i = 0; i < corpus->count; i++) {
		const struct text *text = &corpus->texts[i];
		dev += text->source == SOURCE_DEV;
		if (!decided[i] || text->source > SOURCE_TWINS)
			continue;
		score_add(&columns[text->source].score, &text->gold, &verdicts[i]);
		if (text->source == SOURCE_DEV && dev > DEV_EARLY)
			score_add(&columns[4].score, &text->gold, &verdicts[i]);
		if (as_among_reports(corpus, i))
			score_add(&columns[5].score, &text->gold, &verdicts[i]);
	}
	print_columns(columns, sizeof(columns) / sizeof(columns[0]));
	print_kinds(corpus, verdicts, decided);
	print_reviews(corpus, verdicts, decided);
}
