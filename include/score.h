/* SPDX-License-Identifier: Apache-2.0 */
/* How good verdicts are on labelled texts: the words of labels, and every number that releases are judged by. */
#pragma once
#include "verdict.h"

struct gold {
	enum category category;
	uint8_t also;
	enum severity severity;
	struct slice hazard_code; /* absent: not labelled */
};

/* fire_hazard food_safety emergency other; critical high medium low none. */
const char *label_of_category(enum category category);
const char *label_of_severity(enum severity severity);
/* False when the word is none of them. */
bool label_read_category(struct slice word, enum category *category);
bool label_read_severity(struct slice word, enum severity *severity);

enum measure {
#define MEASURE(symbol, name, floor, goal, beyond) MEASURE_##symbol,
#include "measures.def"
#undef MEASURE
	MEASURE_COUNT
};

struct measure_row {
	const char *name;
	double floor, goal, beyond; /* floor > goal: less is better */
};
extern const struct measure_row measure_rows[MEASURE_COUNT];

struct score {
	int categories[CATEGORY_COUNT][CATEGORY_COUNT]; /* gold, got */
	int severities[SEVERITY_COUNT][SEVERITY_COUNT];
	int codes[2]; /* labelled, right */
	int also_gold, also_got, also_right;
	int exact, emergencies, missed_emergencies;
	int rows, room;
	struct decided {
		int32_t margin;
		bool right;
	} * decided;
};

void score_add(struct score *score, const struct gold *gold, const struct verdict *verdict);
/* NaN when the texts say nothing of it. */
double score_value(const struct score *score, enum measure measure);
void score_fini(struct score *score);
