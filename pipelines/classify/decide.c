/* SPDX-License-Identifier: Apache-2.0 */
/* What was added up becomes a verdict. */
#include <stdlib.h>
#include "classify/ballot.h"
#include "classify/chances.h"

enum { MARGIN_MIN = 60, GUESS_MARGIN = 25 };

static enum category likeliest(const struct chances *chances, int count, int but)
{
	int best = but == 0;

	for (int i = best + 1; i < count; i++) {
		if (i != but && chances->categories[i] > chances->categories[best])
			best = i;
	}
	return (enum category)best;
}

/* The logit of these levels and those above, hundredths. */
static int32_t logit_from(const struct chances *chances, enum severity from)
{
	float below = 0, above = 0;

	for (int i = SEVERITY_NONE; i < SEVERITY_COUNT; i++)
		*(i < (int)from ? &below : &above) += chances->levels[i];
	return chance_lead(above, below);
}

static int likeliest_cell(const struct chances *chances, enum category category)
{
	int best = cells_from(category);

	for (int i = best + 1; i < cells_to(category); i++)
		best = chances->cells[i] > chances->cells[best] ? i : best;
	return best;
}

/* watched: it may well be a matter of life, and is a hazard even where none is a little likelier. */
static void choose_category(const struct chances *chances, bool watched, struct verdict *verdict)
{
	verdict->category = likeliest(chances, watched ? CATEGORY_OTHER : CATEGORY_COUNT, CATEGORY_COUNT);
	enum category second = likeliest(chances, CATEGORY_COUNT, (int)verdict->category);
	int32_t lead = chance_lead(chances->categories[verdict->category], chances->categories[second]);
	verdict->margin = lead > 0 ? lead : 0;
	verdict->unsure = verdict->margin < MARGIN_MIN;
}

/* Hundredths, by hazard number. */
static void add_code_votes(const struct ballot *ballot, int32_t votes[HAZARDS_MAX])
{
	for (size_t i = 0; i < ballot->count; i++) {
		const struct vote *vote = &ballot->votes[i];
		if (vote->rule->hazard)
			votes[vote->rule->hazard - ballot->ruleset->hazards] +=
				vote->rule->weight * vote->percent / 100;
	}
}

static const struct hazard *choose_hazard(const struct ballot *ballot, enum category category)
{
	const struct ruleset *ruleset = ballot->ruleset;
	const int32_t *grams = ballot->grams.codes;
	int32_t votes[HAZARDS_MAX] = { 0 };
	double unit = weights_code_unit(&ruleset->weights, &ballot->grams), best = 0;
	const struct hazard *chosen = ruleset->defaults[category];

	add_code_votes(ballot, votes);
	for (uint64_t left = ruleset->hazards_of[category]; left; left &= left - 1) {
		int i = __builtin_ctzll(left);
		double sum = votes[i] + grams[i] * unit;
		if (sum > best) {
			best = sum;
			chosen = &ruleset->hazards[i];
		}
	}
	return chosen;
}

/* Only the complaint in it made it food. */
static bool is_mere_review(const struct tally *tally, const struct chances *chances)
{
	const float *categories = chances->categories;

	return tally->complaint > 0 &&
	       chance_lead(categories[CATEGORY_FOOD], categories[CATEGORY_OTHER]) <= tally->complaint - tally->review;
}

/* Facts that hold for this category, on top of what grams and votes say of further categories. */
static void choose_also(const struct ballot *ballot, struct tally *tally, struct verdict *verdict)
{
	for (uint32_t left = tally->facts[verdict->category]; left; left &= left - 1) {
		const int16_t *adds = ballot->ruleset->composed[__builtin_ctz(left)];
		for (int i = OUTPUT_ALSO; i < OUTPUT_TRAINED; i++)
			tally->outputs[i] += adds[i];
	}
	verdict->also_margin = INT32_MAX;
	for (int i = 0; i < CATEGORY_OTHER; i++) {
		int32_t sum = tally->outputs[OUTPUT_ALSO + i];
		if (i == (int)verdict->category)
			continue;
		verdict->also |= (uint8_t)((sum > 0) << i);
		verdict->also_margin = abs(sum) < verdict->also_margin ? abs(sum) : verdict->also_margin;
	}
}

/* Urgent when the chance that there is a hazard, of whatever category, and that somebody has to come now is large
 * enough; then the likelier one of the two levels above that line, or below it. */
static void choose_severity(const struct ballot *ballot, const struct chances *chances, bool mere_review, bool watched,
			    struct verdict *verdict)
{
	int32_t urgency = logit_from(chances, SEVERITY_SEVERE) - ballot->ruleset->weights.page_from;
	bool urgent = urgency >= 0;

	/* Routed all the same, but nobody is paged for a guess that no rule supports, nor for a mere review. */
	if (mere_review || (verdict->margin < GUESS_MARGIN && ballot->count == 0))
		urgent = false;
	enum severity lower = urgent ? SEVERITY_SEVERE : SEVERITY_MINOR, higher = (enum severity)(lower + 1);
	int32_t lead = chance_lead(chances->levels[higher], chances->levels[lower]);
	verdict->severity = lead > 0 || (watched && !urgent) ? higher : lower;
	verdict->severity_margin = abs(lead) < abs(urgency) ? abs(lead) : abs(urgency);
}

void ballot_decide(const struct ballot *ballot, struct verdict *verdict)
{
	struct tally tally;
	struct chances chances;

	ballot_add_up(ballot, &tally);
	chances_of(&chances, tally.outputs);
	bool watched = logit_from(&chances, SEVERITY_EXTREME) >= ballot->ruleset->weights.watch_from;
	choose_category(&chances, watched, verdict);
	tally.cell = likeliest_cell(&chances, verdict->category);
	verdict->score = tally.outputs[tally.cell];
	verdict->hazard = choose_hazard(ballot, verdict->category);
	verdict->also = 0;
	verdict->severity = SEVERITY_NONE;
	verdict->severity_margin = 0;
	verdict->also_margin = 0;
	if (verdict->category != CATEGORY_OTHER) {
		choose_severity(ballot, &chances, is_mere_review(&tally, &chances), watched, verdict);
		choose_also(ballot, &tally, verdict);
	}
	ballot_explain(ballot, &tally, verdict);
}
