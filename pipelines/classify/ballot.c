/* SPDX-License-Identifier: Apache-2.0 */
#include "classify/ballot.h"

enum {
	STRONG_WEIGHT = 200, /* a vote that can set severity and further categories on its own */
	ALSO_WEIGHT = 300,   /* what a second category needs */
	RULE_SEVERITY_WEIGHT = 350,
	BOUND_WEIGHT = 900,
	SERVICE_WEIGHT = 30, /* what the rider picked: weak, riders pick in haste */
	NOTHING_SAID_WEIGHT = 100,
	MARGIN_MIN = 60,
	GUESS_MARGIN = 25,
	TURN_DIVISOR = 4,
	FULL_AGAINST = 800, /* the same for what speaks against a hazard, which overlaps less */
	FULL_WEIGHT = 450,  /* rules of one category add up to this in full, and by a quarter beyond: they overlap */
};

/* Everything that is added up before the verdict. */
struct tally {
	int32_t categories[CATEGORY_COUNT];
	int32_t rules[CATEGORY_COUNT];   /* sum of the votes */
	int32_t counted[CATEGORY_COUNT]; /* what of it counts */
	int32_t ngrams[CATEGORY_COUNT];
	int32_t hazards[HAZARDS_MAX];
};

void ballot_init(struct ballot *ballot, const struct ruleset *ruleset)
{
	ballot->ruleset = ruleset;
	ballot->count = 0;
	ballot->turn = 0;
	ballot->turn_open = false;
	ballot->service_code = SERVICE_NONE;
	ballot->text_bytes = 0;
	memset(ballot->cast, 0, sizeof(ballot->cast));
	memset(&ballot->ngrams, 0, sizeof(ballot->ngrams));
}

static bool speaks_against(const struct rule *rule)
{
	return rule->hazard && rule->hazard->category == CATEGORY_OTHER;
}

static void revive(struct ballot *ballot)
{
	for (size_t i = 0; i < ballot->turn; i++) {
		if (speaks_against(ballot->votes[i].rule))
			ballot->votes[i].weight /= TURN_DIVISOR;
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
	ballot->votes[ballot->count++] = (struct vote){ rule, from, to, rule->weight * percent / 100 };
}

void ballot_turn(struct ballot *ballot)
{
	ballot->turn = ballot->count;
	ballot->turn_open = true;
}

static enum category category_of_service(enum service_code code)
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

static void add_up(const struct ballot *ballot, struct tally *tally)
{
	memset(tally, 0, sizeof(*tally));
	for (size_t i = 0; i < ballot->count; i++) {
		const struct vote *vote = &ballot->votes[i];
		if (!vote->rule->hazard)
			continue;
		tally->rules[vote->rule->hazard->category] += vote->weight;
		tally->hazards[vote->rule->hazard - ballot->ruleset->hazards] += vote->weight;
	}
	for (int i = 0; i < CATEGORY_COUNT; i++) {
		int32_t full = i == CATEGORY_OTHER ? FULL_AGAINST : FULL_WEIGHT, beyond = tally->rules[i] - full;
		tally->counted[i] = beyond > 0 ? full + beyond / 4 : tally->rules[i];
		if (ballot->ngrams.count > 0)
			tally->ngrams[i] = ngrams_logit(&ballot->ruleset->ngrams, &ballot->ngrams, OUTPUT_CATEGORY + i);
		tally->categories[i] = tally->counted[i] + tally->ngrams[i];
	}
	if (ballot->ngrams.count == 0)
		tally->categories[CATEGORY_OTHER] += NOTHING_SAID_WEIGHT;
	if (ballot->service_code != SERVICE_NONE)
		tally->categories[category_of_service(ballot->service_code)] += SERVICE_WEIGHT;
}

/* Returns how far the winner leads. */
static int32_t choose_category(const struct tally *tally, struct verdict *verdict)
{
	int32_t second = INT32_MIN;

	verdict->category = CATEGORY_OTHER;
	for (int i = 0; i < CATEGORY_COUNT; i++) {
		if (tally->categories[i] > tally->categories[verdict->category])
			verdict->category = (enum category)i;
	}
	for (int i = 0; i < CATEGORY_COUNT; i++) {
		if (i != (int)verdict->category && tally->categories[i] > second)
			second = tally->categories[i];
	}
	verdict->score = tally->categories[verdict->category];
	verdict->unsure = verdict->score - second < MARGIN_MIN;
	return verdict->score - second;
}

static const struct hazard *choose_hazard(const struct ballot *ballot, const struct tally *tally,
					  enum category category)
{
	const struct ruleset *ruleset = ballot->ruleset;
	int32_t best = 0;
	const struct hazard *chosen = ruleset->defaults[category];

	for (size_t i = 0; i < ruleset->hazard_count; i++) {
		if (ruleset->hazards[i].category == category && tally->hazards[i] > best) {
			best = tally->hazards[i];
			chosen = &ruleset->hazards[i];
		}
	}
	return chosen;
}

/* Does this vote concern the verdict's category or what the verdict routes to as well? */
static bool concerns(const struct vote *vote, uint8_t categories)
{
	const struct rule *rule = vote->rule;
	return rule->hazard ? (1u << rule->hazard->category & categories) != 0 : (rule->on & categories) != 0;
}

static uint8_t choose_also(const struct ballot *ballot, const struct tally *tally, enum category category)
{
	uint8_t also = 0;

	if (category == CATEGORY_OTHER)
		return 0;
	for (size_t i = 0; i < ballot->count; i++) {
		if (concerns(&ballot->votes[i], (uint8_t)(1u << category)))
			also |= ballot->votes[i].rule->also;
	}
	for (int i = 0; i < CATEGORY_OTHER; i++) {
		bool learnt = ballot->ngrams.count > 0 &&
			      ngrams_logit(&ballot->ruleset->ngrams, &ballot->ngrams, OUTPUT_ALSO + i) > 0;
		if (tally->rules[i] >= ALSO_WEIGHT || learnt)
			also |= (uint8_t)(1u << i);
	}
	return also & (uint8_t) ~(1u << category);
}

/* What rules and n-grams say about each level is added up; the highest sum wins. */
static enum severity choose_severity(const struct ballot *ballot, uint8_t categories)
{
	int32_t levels[SEVERITY_COUNT] = { 0 };
	enum severity highest = SEVERITY_NONE, bound = SEVERITY_NONE, chosen = SEVERITY_MINOR;

	for (size_t i = 0; i < ballot->count; i++) {
		const struct rule *rule = ballot->votes[i].rule;
		if (!concerns(&ballot->votes[i], categories))
			continue;
		if (rule->at_most && (!bound || rule->at_most < bound))
			bound = rule->at_most;
		if (rule->severity > highest && (!rule->hazard || rule->weight >= STRONG_WEIGHT))
			highest = rule->severity;
	}
	for (int i = SEVERITY_MINOR; i < SEVERITY_COUNT; i++)
		levels[i] = ngrams_logit(&ballot->ruleset->ngrams, &ballot->ngrams, OUTPUT_SEVERITY + i - 1);
	levels[highest] += RULE_SEVERITY_WEIGHT;
	if (bound && highest > bound)
		levels[bound] += BOUND_WEIGHT;
	for (int i = SEVERITY_MODERATE; i < SEVERITY_COUNT; i++) {
		if (levels[i] > levels[chosen])
			chosen = (enum severity)i;
	}
	return chosen;
}

/* Keeps the largest EVIDENCE_MAX, largest first. */
static void add_evidence(struct verdict *verdict, struct evidence evidence)
{
	size_t at = verdict->evidence_count;

	while (at > 0 && verdict->evidence[at - 1].weight < evidence.weight)
		at--;
	if (at == EVIDENCE_MAX)
		return;
	size_t moved = verdict->evidence_count - at - (verdict->evidence_count == EVIDENCE_MAX);
	memmove(&verdict->evidence[at + 1], &verdict->evidence[at], moved * sizeof(evidence));
	verdict->evidence[at] = evidence;
	verdict->evidence_count += verdict->evidence_count < EVIDENCE_MAX;
}

static void explain(const struct ballot *ballot, const struct tally *tally, struct verdict *verdict)
{
	uint8_t mine = (uint8_t)(1u << verdict->category);

	verdict->evidence_count = 0;
	for (size_t i = 0; i < ballot->count; i++) {
		const struct vote *vote = &ballot->votes[i];
		if (!concerns(vote, mine))
			continue;
		int32_t sum = tally->rules[verdict->category];
		int32_t weight =
			sum > 0 ? (int32_t)((int64_t)vote->weight * tally->counted[verdict->category] / sum) : 0;
		add_evidence(verdict, (struct evidence){ vote->rule->id, vote->from, vote->to, weight });
	}
	if (ballot->ngrams.count > 0 && tally->ngrams[verdict->category] != 0)
		add_evidence(verdict, (struct evidence){ SLICE("ngrams"), 0, ballot->text_bytes,
							 tally->ngrams[verdict->category] });
	if (category_of_service(ballot->service_code) == verdict->category && ballot->service_code != SERVICE_NONE)
		add_evidence(verdict, (struct evidence){ SLICE("service_code"), 0, 0, SERVICE_WEIGHT });
}

void ballot_decide(const struct ballot *ballot, struct verdict *verdict)
{
	struct tally tally;

	add_up(ballot, &tally);
	int32_t lead = choose_category(&tally, verdict);
	verdict->hazard = choose_hazard(ballot, &tally, verdict->category);
	verdict->also = choose_also(ballot, &tally, verdict->category);
	verdict->severity = SEVERITY_NONE;
	if (verdict->category != CATEGORY_OTHER) {
		verdict->severity = choose_severity(ballot, (uint8_t)(verdict->also | 1u << verdict->category));
		/* Routed all the same, but nobody is paged for a guess that no rule supports. */
		if (lead < GUESS_MARGIN && tally.rules[verdict->category] == 0 && verdict->severity > SEVERITY_MODERATE)
			verdict->severity = SEVERITY_MODERATE;
	}
	explain(ballot, &tally, verdict);
}
