/* SPDX-License-Identifier: Apache-2.0 */
#include "classify/ballot.h"
#include "classify/chances.h"

enum {
	STRONG_WEIGHT = 200, /* a rule that can set severity on its own */
	CLAIM_WEIGHT = 300,  /* what the rules of a further category need together */
	SERVICE_WEIGHT = 30, /* what the rider picked: weak, riders pick in haste */
	NOTHING_SAID_WEIGHT = 100,
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

static void add_to_category(struct tally *tally, enum category category, int32_t amount)
{
	for (int i = cells_from(category); i < cells_to(category); i++)
		tally->outputs[i] += amount;
}

/* What food needs to be as likely as no hazard, as far as what reports taught is in doubt: by as much as the text reads
 * like a review. */
static int32_t needed_for_food(const struct tally *tally)
{
	struct chances chances;

	chances_of(&chances, tally->outputs);
	int32_t lead = chance_lead(chances.categories[CATEGORY_OTHER], chances.categories[CATEGORY_FOOD]);
	int32_t least = tally->review, most = 2 * tally->review; /* one for what it just added to no hazard */
	return lead < least ? least : lead > most ? most : lead;
}

/* A text that reads like a review is one: it speaks against a report, the more so when it is content, and for food when
 * it complains. */
static void add_review(const struct ballot *ballot, struct tally *tally)
{
	const struct weights *weights = &ballot->ruleset->weights;
	int32_t review = weights_logit(weights, &ballot->grams, OUTPUT_REVIEW) - weights->review_from;

	if (review <= 0 || ballot->grams.sums[GRAM_IN_REVIEWS] == 0)
		return;
	int32_t complaint = weights_logit(weights, &ballot->grams, OUTPUT_COMPLAINT);
	tally->review = review * weights->review_percent / 100 + (complaint < 0 ? -complaint : 0);
	add_to_category(tally, CATEGORY_OTHER, tally->review);
	if (complaint <= 0)
		return;
	tally->complaint = needed_for_food(tally) + complaint;
	add_to_category(tally, CATEGORY_FOOD, tally->complaint);
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

/* What rules say of one category. */
struct claim {
	int32_t weight;
	enum severity highest, bound;
	uint8_t also;
};

static void note(struct claim *claim, const struct rule *rule)
{
	if (rule->at_most && (!claim->bound || rule->at_most < claim->bound))
		claim->bound = rule->at_most;
	if (rule->severity > claim->highest && (!rule->hazard || rule->weight >= STRONG_WEIGHT))
		claim->highest = rule->severity;
	claim->also |= rule->also;
}

static void read_claims(const struct ballot *ballot, struct claim claims[CATEGORY_COUNT])
{
	memset(claims, 0, CATEGORY_COUNT * sizeof(claims[0]));
	for (size_t i = 0; i < ballot->count; i++) {
		const struct vote *vote = &ballot->votes[i];
		const struct rule *rule = vote->rule;
		if (rule->hazard) {
			claims[rule->hazard->category].weight += rule->weight * vote->percent / 100;
			note(&claims[rule->hazard->category], rule);
			continue;
		}
		for (int c = 0; c < CATEGORY_OTHER; c++) {
			if (rule->on >> c & 1)
				note(&claims[c], rule);
		}
	}
}

void ballot_compose(const struct ballot *ballot, uint32_t facts[CATEGORY_OTHER])
{
	struct claim claims[CATEGORY_COUNT];

	read_claims(ballot, claims);
	for (int c = 0; c < CATEGORY_OTHER; c++) {
		const struct claim *claim = &claims[c];
		facts[c] = 1u << (COMPOSED_SAID + (int)claim->highest) | 1u << (COMPOSED_BOUND + (int)claim->bound) |
			   1u << (COMPOSED_IN + c) | (uint32_t)claim->also << COMPOSED_ALSO;
		for (int other = 0; other < CATEGORY_OTHER; other++)
			facts[c] |= (uint32_t)(other != c && claims[other].weight >= CLAIM_WEIGHT)
				    << (COMPOSED_CLAIMED + other);
	}
}

/* Facts add to the levels of the category that they hold for. */
static void add_facts(const struct ballot *ballot, struct tally *tally)
{
	ballot_compose(ballot, tally->facts);
	for (int c = 0; c < CATEGORY_OTHER; c++) {
		for (uint32_t left = tally->facts[c]; left; left &= left - 1) {
			const int16_t *adds = ballot->ruleset->composed[__builtin_ctz(left)];
			for (int i = cells_from((enum category)c); i < cells_to((enum category)c); i++)
				tally->outputs[i] += adds[i];
		}
	}
}

void ballot_add_up(const struct ballot *ballot, struct tally *tally)
{
	tally->review = tally->complaint = tally->service = 0;
	weights_trained(&ballot->ruleset->weights, &ballot->grams, tally->outputs);
	for (size_t i = 0; i < ballot->count; i++)
		add_vote(&ballot->votes[i], tally->outputs);
	add_facts(ballot, tally);
	add_review(ballot, tally);
	if (ballot->grams.sums[GRAM_IN_REPORTS] == 0 && ballot->count == 0)
		add_to_category(tally, CATEGORY_OTHER, NOTHING_SAID_WEIGHT);
	if (ballot->service_code == SERVICE_NONE)
		return;
	tally->service = SERVICE_WEIGHT;
	add_to_category(tally, category_of_service(ballot->service_code), SERVICE_WEIGHT);
}
