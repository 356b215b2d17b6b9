/* SPDX-License-Identifier: Apache-2.0 */
#include "classify/ballot.h"
#include <stdlib.h>

enum {
	STRONG_WEIGHT = 200, /* a rule that can set severity on its own */
	CLAIM_WEIGHT = 300,  /* what the rules of a further category need together */
	SERVICE_WEIGHT = 30, /* what the rider picked: weak, riders pick in haste */
	NOTHING_SAID_WEIGHT = 100,
	MARGIN_MIN = 60,
	GUESS_MARGIN = 25,
	TURN_DIVISOR = 4,
};

void ballot_init(struct ballot *ballot, const struct ruleset *ruleset)
{
	ballot->ruleset = ruleset;
	ballot->count = 0;
	ballot->turn = 0;
	ballot->turn_open = false;
	ballot->service_code = SERVICE_NONE;
	memset(ballot->cast, 0, sizeof(ballot->cast));
	weights_begin(&ballot->grams);
}

static bool speaks_against(const struct rule *rule)
{
	return rule->hazard && rule->hazard->category == CATEGORY_OTHER;
}

static void revive(struct ballot *ballot)
{
	for (size_t i = 0; i < ballot->turn; i++) {
		if (speaks_against(ballot->votes[i].rule))
			ballot->votes[i].percent /= TURN_DIVISOR;
	}
	ballot->turn_open = false;
}

bool ballot_has(const struct ballot *ballot, const struct rule *rule)
{
	size_t number = (size_t)(rule - ballot->ruleset->rules);
	return ballot->cast[number >> 6] >> (number & 63) & 1;
}

void ballot_vote(struct ballot *ballot, const struct rule *rule, uint32_t from, uint32_t to, int percent)
{
	size_t number = (size_t)(rule - ballot->ruleset->rules);

	if (ballot_has(ballot, rule) || ballot->count == VOTES_MAX)
		return;
	ballot->cast[number >> 6] |= 1ull << (number & 63);
	if (ballot->turn_open && rule->hazard && !speaks_against(rule) && rule->weight >= STRONG_WEIGHT)
		revive(ballot);
	ballot->votes[ballot->count++] = (struct vote){ rule, from, to, percent };
}

void ballot_turn(struct ballot *ballot)
{
	ballot->turn = ballot->count;
	ballot->turn_open = true;
}

enum category category_of_service(enum service_code code)
{
	switch (code) {
	case SERVICE_FIRE:
		return CATEGORY_FIRE;
	case SERVICE_FOOD:
		return CATEGORY_FOOD;
	case SERVICE_EMERGENCY:
		return CATEGORY_EMERGENCY;
	default:
		return CATEGORY_OTHER;
	}
}

int32_t vote_weight(const struct vote *vote, int output)
{
	return vote->rule->adds[output] * vote->percent / 100;
}

/* A text that reads like a review is one: it speaks against a report, and for food when it complains. */
static void add_review(const struct ballot *ballot, struct tally *tally)
{
	const struct weights *weights = &ballot->ruleset->weights;
	int32_t review = weights_logit(weights, &ballot->grams, OUTPUT_REVIEW) - weights->review_from;

	if (review <= 0 || ballot->grams.sums[GRAM_IN_REVIEWS] == 0)
		return;
	tally->review = review * weights->review_percent / 100;
	tally->outputs[OUTPUT_CATEGORY + CATEGORY_OTHER] += tally->review;
	int32_t complaint = weights_logit(weights, &ballot->grams, OUTPUT_COMPLAINT);
	if (complaint <= 0)
		return;
	tally->complaint = tally->review + complaint;
	tally->outputs[OUTPUT_CATEGORY + CATEGORY_FOOD] += tally->complaint;
}

static void add_vote(const struct vote *vote, int32_t outputs[OUTPUT_TRAINED])
{
	if (vote->percent == 100) {
		for (int i = 0; i < OUTPUT_TRAINED; i++)
			outputs[i] += vote->rule->adds[i];
		return;
	}
	for (int i = 0; i < OUTPUT_TRAINED; i++)
		outputs[i] += vote_weight(vote, i);
}

static void add_up(const struct ballot *ballot, struct tally *tally)
{
	tally->review = tally->complaint = tally->service = 0;
	for (int i = 0; i < OUTPUT_TRAINED; i++)
		tally->outputs[i] = weights_logit(&ballot->ruleset->weights, &ballot->grams, i);
	for (size_t i = 0; i < ballot->count; i++)
		add_vote(&ballot->votes[i], tally->outputs);
	add_review(ballot, tally);
	if (ballot->grams.sums[GRAM_IN_REPORTS] == 0 && ballot->count == 0)
		tally->outputs[OUTPUT_CATEGORY + CATEGORY_OTHER] += NOTHING_SAID_WEIGHT;
	if (ballot->service_code == SERVICE_NONE)
		return;
	tally->service = SERVICE_WEIGHT;
	tally->outputs[OUTPUT_CATEGORY + category_of_service(ballot->service_code)] += SERVICE_WEIGHT;
}

static void choose_category(const struct tally *tally, struct verdict *verdict)
{
	int32_t second = INT32_MIN;

	verdict->category = CATEGORY_OTHER;
	for (int i = 0; i < CATEGORY_COUNT; i++) {
		if (tally->outputs[OUTPUT_CATEGORY + i] > tally->outputs[OUTPUT_CATEGORY + verdict->category])
			verdict->category = (enum category)i;
	}
	for (int i = 0; i < CATEGORY_COUNT; i++) {
		if (i != (int)verdict->category && tally->outputs[OUTPUT_CATEGORY + i] > second)
			second = tally->outputs[OUTPUT_CATEGORY + i];
	}
	verdict->score = tally->outputs[OUTPUT_CATEGORY + verdict->category];
	verdict->margin = verdict->score - second;
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
	const int32_t *grams = ballot->grams.sums + OUTPUT_CODES;
	int32_t votes[HAZARDS_MAX] = { 0 };
	double unit = weights_code_unit(&ruleset->weights, &ballot->grams), best = 0;
	const struct hazard *chosen = ruleset->defaults[category];

	add_code_votes(ballot, votes);
	for (size_t i = 0; i < ruleset->hazard_count; i++) {
		double sum = votes[i] + grams[i] * unit;
		if (ruleset->hazards[i].category == category && sum > best) {
			best = sum;
			chosen = &ruleset->hazards[i];
		}
	}
	return chosen;
}

static bool concerns(const struct rule *rule, enum category category)
{
	return rule->hazard ? rule->hazard->category == category : (rule->on >> category & 1) != 0;
}

static void compose_severity(const struct ballot *ballot, enum category category, bool holds[COMPOSED_COUNT])
{
	enum severity highest = SEVERITY_NONE, bound = SEVERITY_NONE;

	for (size_t i = 0; i < ballot->count; i++) {
		const struct rule *rule = ballot->votes[i].rule;
		if (!concerns(rule, category))
			continue;
		if (rule->at_most && (!bound || rule->at_most < bound))
			bound = rule->at_most;
		if (rule->severity > highest && (!rule->hazard || rule->weight >= STRONG_WEIGHT))
			highest = rule->severity;
	}
	holds[COMPOSED_SAID + highest] = true;
	holds[COMPOSED_BOUND + bound] = true;
}

void ballot_compose(const struct ballot *ballot, enum category category, bool holds[COMPOSED_COUNT])
{
	int32_t rules[CATEGORY_COUNT] = { 0 };

	memset(holds, 0, COMPOSED_COUNT * sizeof(holds[0]));
	compose_severity(ballot, category, holds);
	if (category < CATEGORY_OTHER)
		holds[COMPOSED_IN + category] = true;
	for (size_t i = 0; i < ballot->count; i++) {
		const struct vote *vote = &ballot->votes[i];
		if (vote->rule->hazard)
			rules[vote->rule->hazard->category] += vote->rule->weight * vote->percent / 100;
		for (int c = 0; c < CATEGORY_OTHER && concerns(vote->rule, category); c++)
			holds[COMPOSED_ALSO + c] |= vote->rule->also >> c & 1;
	}
	for (int c = 0; c < CATEGORY_OTHER; c++)
		holds[COMPOSED_CLAIMED + c] = c != (int)category && rules[c] >= CLAIM_WEIGHT;
}

/* Facts that hold for this category, on top of what grams and votes say of severities and further categories. */
static void add_composed(const struct ballot *ballot, enum category category, int32_t outputs[OUTPUT_TRAINED])
{
	bool holds[COMPOSED_COUNT];

	ballot_compose(ballot, category, holds);
	for (int i = 0; i < COMPOSED_COUNT; i++) {
		if (!holds[i])
			continue;
		for (int o = OUTPUT_SEVERITY; o < OUTPUT_TRAINED; o++)
			outputs[o] += ballot->ruleset->composed[i][o];
	}
}

/* Only the complaint in it made it food. */
static bool is_mere_review(const struct tally *tally)
{
	const int32_t *categories = tally->outputs + OUTPUT_CATEGORY;

	return tally->complaint > 0 &&
	       categories[CATEGORY_FOOD] - tally->complaint <= categories[CATEGORY_OTHER] - tally->review;
}

static void choose_also(const struct tally *tally, struct verdict *verdict)
{
	verdict->also_margin = INT32_MAX;
	for (int i = 0; i < CATEGORY_OTHER; i++) {
		int32_t sum = tally->outputs[OUTPUT_ALSO + i];
		if (i == (int)verdict->category)
			continue;
		verdict->also |= (uint8_t)((sum > 0) << i);
		verdict->also_margin = abs(sum) < verdict->also_margin ? abs(sum) : verdict->also_margin;
	}
}

/* ln(1 + exp(-apart)), both in hundredths: what the smaller of two logits adds to the larger one. */
static int32_t gain(int32_t apart)
{
	enum { STEP = 20 };
	static const uint8_t gains[] = { 69, 60, 51, 44, 37, 31, 26, 22, 18, 15, 13, 10, 9, 7,
					 6,  5,  4,  3,  3,  2,  2,  1,  1,  1,  1,  1,  1 };
	int32_t at = apart / STEP, part = apart % STEP;

	if (at + 1 >= (int32_t)sizeof(gains))
		return 0;
	return gains[at] + (gains[at + 1] - gains[at]) * part / STEP;
}

/* The logit of "one or the other". */
static int32_t either(int32_t a, int32_t b)
{
	return a > b ? a + gain(a - b) : b + gain(b - a);
}

/* -ln of the chance that goes with a logit. */
static int32_t cost_of(int32_t logit)
{
	return either(0, -logit);
}

/* By how much the chance that somebody has to come now exceeds what is needed; negative: it falls short. Both count:
 * that there is a hazard at all, of whatever category, and that it is urgent if there is one. */
static int32_t urgency_of(const struct ballot *ballot, const struct tally *tally)
{
	const int32_t *categories = tally->outputs + OUTPUT_CATEGORY;
	const int32_t *levels = tally->outputs + OUTPUT_SEVERITY - SEVERITY_MINOR;
	int32_t hazard =
		either(either(categories[CATEGORY_EMERGENCY], categories[CATEGORY_FIRE]), categories[CATEGORY_FOOD]);
	int32_t urgent = either(levels[SEVERITY_SEVERE], levels[SEVERITY_EXTREME]);
	int32_t calm = either(levels[SEVERITY_MINOR], levels[SEVERITY_MODERATE]);

	return ballot->ruleset->weights.page_cost - cost_of(hazard - categories[CATEGORY_OTHER]) -
	       cost_of(urgent - calm);
}

static void choose_severity(const struct ballot *ballot, const struct tally *tally, struct verdict *verdict)
{
	const int32_t *levels = tally->outputs + OUTPUT_SEVERITY - SEVERITY_MINOR;
	int32_t urgency = urgency_of(ballot, tally);
	bool urgent = urgency >= 0;

	/* Routed all the same, but nobody is paged for a guess that no rule supports, nor for a mere review. */
	if (is_mere_review(tally) || (verdict->margin < GUESS_MARGIN && ballot->count == 0))
		urgent = false;
	enum severity lower = urgent ? SEVERITY_SEVERE : SEVERITY_MINOR, higher = (enum severity)(lower + 1);
	int32_t lead = levels[higher] - levels[lower];
	verdict->severity = lead > 0 ? higher : lower;
	verdict->severity_margin = abs(lead) < abs(urgency) ? abs(lead) : abs(urgency);
}

static void choose_details(const struct ballot *ballot, struct tally *tally, struct verdict *verdict)
{
	add_composed(ballot, verdict->category, tally->outputs);
	choose_severity(ballot, tally, verdict);
	choose_also(tally, verdict);
}

void ballot_decide(const struct ballot *ballot, struct verdict *verdict)
{
	struct tally tally;

	add_up(ballot, &tally);
	choose_category(&tally, verdict);
	verdict->hazard = choose_hazard(ballot, verdict->category);
	verdict->also = 0;
	verdict->severity = SEVERITY_NONE;
	verdict->severity_margin = 0;
	verdict->also_margin = 0;
	if (verdict->category != CATEGORY_OTHER)
		choose_details(ballot, &tally, verdict);
	ballot_explain(ballot, &tally, verdict);
}
