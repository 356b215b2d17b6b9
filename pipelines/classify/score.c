/* SPDX-License-Identifier: Apache-2.0 */
#include "score.h"
#include <math.h>
#include <stdlib.h>
#include "alloc.h"
#include "ruleset.h"

enum { DECIDED_PERCENT = 80 };

static const char *const category_labels[CATEGORY_COUNT] = { "emergency", "fire_hazard", "food_safety", "other" };
static const char *const severity_labels[SEVERITY_COUNT] = { "none", "low", "medium", "high", "critical" };

const struct measure_row measure_rows[MEASURE_COUNT] = {
#define MEASURE(symbol, name, floor, goal, beyond) { name, floor, goal, beyond },
#include "measures.def"
#undef MEASURE
};

const char *label_of_category(enum category category)
{
	return category_labels[category];
}

const char *label_of_severity(enum severity severity)
{
	return severity_labels[severity];
}

static bool find(const char *const *labels, int count, struct slice word, int *index)
{
	for (*index = 0; *index < count; (*index)++) {
		if (slice_equal(slice_of(labels[*index]), word))
			return true;
	}
	return false;
}

bool label_read_category(struct slice word, enum category *category)
{
	int index;
	bool found = find(category_labels, CATEGORY_COUNT, word, &index);

	*category = found ? (enum category)index : CATEGORY_OTHER;
	return found;
}

bool label_read_severity(struct slice word, enum severity *severity)
{
	int index;
	bool found = find(severity_labels, SEVERITY_COUNT, word, &index);

	*severity = found ? (enum severity)index : SEVERITY_NONE;
	return found;
}

static bool reaches_emergency(enum category category, uint8_t also)
{
	return category == CATEGORY_EMERGENCY || (also >> CATEGORY_EMERGENCY & 1);
}

void score_add(struct score *score, const struct gold *gold, const struct verdict *verdict)
{
	bool right = gold->category == verdict->category, emergency = reaches_emergency(gold->category, gold->also);

	score->categories[gold->category][verdict->category]++;
	score->severities[gold->severity][verdict->severity]++;
	score->also_gold += __builtin_popcount(gold->also);
	score->also_got += __builtin_popcount(verdict->also);
	score->also_right += __builtin_popcount(gold->also & verdict->also);
	score->exact += right && gold->also == verdict->also && gold->severity == verdict->severity;
	score->emergencies += emergency;
	score->missed_emergencies += emergency && !reaches_emergency(verdict->category, verdict->also);
	if (gold->hazard_code.data && right && gold->category != CATEGORY_OTHER) {
		score->codes[0]++;
		score->codes[1] += slice_equal(gold->hazard_code, verdict->hazard->code);
	}
	if (score->rows == score->room) {
		score->room = score->room ? 2 * score->room : 256;
		score->decided = alloc_resize(score->decided, (size_t)score->room * sizeof(*score->decided));
	}
	score->decided[score->rows++] = (struct decided){ verdict->margin, right };
}

static double share(int part, int whole)
{
	return whole > 0 ? (double)part / whole : NAN;
}

static int gold_category(const struct score *score, int category)
{
	int sum = 0;

	for (int i = 0; i < CATEGORY_COUNT; i++)
		sum += score->categories[category][i];
	return sum;
}

static int got_category(const struct score *score, int category)
{
	int sum = 0;

	for (int i = 0; i < CATEGORY_COUNT; i++)
		sum += score->categories[i][category];
	return sum;
}

static int severities(const struct score *score, enum severity gold_from, enum severity gold_to, enum severity from,
		      enum severity to)
{
	int sum = 0;

	for (int i = (int)gold_from; i <= (int)gold_to; i++) {
		for (int j = (int)from; j <= (int)to; j++)
			sum += score->severities[i][j];
	}
	return sum;
}

/* Agreement beyond chance, distant levels weighing by the square of their distance. */
static double kappa(const struct score *score)
{
	double seen = 0, chance = 0;

	for (int i = 0; i < SEVERITY_COUNT; i++) {
		for (int j = 0; j < SEVERITY_COUNT; j++) {
			int gold = severities(score, i, i, SEVERITY_NONE, SEVERITY_EXTREME);
			int got = severities(score, SEVERITY_NONE, SEVERITY_EXTREME, j, j);
			seen += (i - j) * (i - j) * (double)score->severities[i][j];
			chance += (i - j) * (i - j) * (double)gold * got / score->rows;
		}
	}
	return chance > 0 ? 1 - seen / chance : NAN;
}

static double macro_f1(const struct score *score)
{
	double sum = 0;

	for (int i = 0; i < CATEGORY_COUNT; i++) {
		int both = gold_category(score, i) + got_category(score, i);
		sum += both > 0 ? 2.0 * score->categories[i][i] / both : 0;
	}
	return sum / CATEGORY_COUNT;
}

static int by_margin(const void *left, const void *right)
{
	const struct decided *a = left, *b = right;

	return (b->margin > a->margin) - (b->margin < a->margin);
}

static double accuracy_decided(const struct score *score)
{
	int count = score->rows * DECIDED_PERCENT / 100, right = 0;

	qsort(score->decided, (size_t)score->rows, sizeof(*score->decided), by_margin);
	for (int i = 0; i < count; i++)
		right += score->decided[i].right;
	return share(right, count);
}

static int hazards_found(const struct score *score)
{
	return score->rows - gold_category(score, CATEGORY_OTHER) - got_category(score, CATEGORY_OTHER) +
	       score->categories[CATEGORY_OTHER][CATEGORY_OTHER];
}

/* Of gold severities gold_from..gold_to, the share that got from..to. */
static double part(const struct score *score, enum severity gold_from, enum severity gold_to, enum severity from,
		   enum severity to)
{
	return share(severities(score, gold_from, gold_to, from, to),
		     severities(score, gold_from, gold_to, SEVERITY_NONE, SEVERITY_EXTREME));
}

double score_value(const struct score *score, enum measure measure)
{
	int right = 0, others = gold_category(score, CATEGORY_OTHER);

	for (int i = 0; i < SEVERITY_COUNT; i++)
		right += score->severities[i][i];
	switch (measure) {
	case MEASURE_MACRO_F1:
		return score->rows ? macro_f1(score) : NAN;
	case MEASURE_HAZARD_PRECISION:
		return share(hazards_found(score), score->rows - got_category(score, CATEGORY_OTHER));
	case MEASURE_HAZARD_RECALL:
		return share(hazards_found(score), score->rows - others);
	case MEASURE_SEVERITY_ACCURACY:
		return share(right, score->rows);
	case MEASURE_SEVERITY_KAPPA:
		return kappa(score);
	case MEASURE_CRITICAL_RECALL:
		return part(score, SEVERITY_EXTREME, SEVERITY_EXTREME, SEVERITY_EXTREME, SEVERITY_EXTREME);
	case MEASURE_URGENT_RECALL:
		return part(score, SEVERITY_SEVERE, SEVERITY_EXTREME, SEVERITY_SEVERE, SEVERITY_EXTREME);
	case MEASURE_SILENT_CRITICAL:
		return part(score, SEVERITY_EXTREME, SEVERITY_EXTREME, SEVERITY_NONE, SEVERITY_MINOR);
	case MEASURE_FALSE_PAGE:
		return part(score, SEVERITY_NONE, SEVERITY_NONE, SEVERITY_SEVERE, SEVERITY_EXTREME);
	case MEASURE_MISSED_EMERGENCY:
		return share(score->missed_emergencies, score->emergencies);
	case MEASURE_ALSO_F1:
		return share(2 * score->also_right, score->also_gold + score->also_got);
	case MEASURE_EXACT:
		return share(score->exact, score->rows);
	case MEASURE_DECIDED_80:
		return accuracy_decided(score);
	case MEASURE_CODE:
		return share(score->codes[1], score->codes[0]);
	case MEASURE_ANY_HAZARD:
		return share(others - score->categories[CATEGORY_OTHER][CATEGORY_OTHER], others);
	case MEASURE_COUNT:
		break;
	}
	return NAN;
}

void score_fini(struct score *score)
{
	free(score->decided);
	*score = (struct score){ 0 };
}
