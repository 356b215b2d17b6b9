/* SPDX-License-Identifier: Apache-2.0 */
/* A rule set in memory. Everything lives in its arena and never changes after loading. */
#pragma once
#include "classify/weights.h"
#include "ruleset.h"

#define CONCEPTS_MAX 255
#define RULES_MAX 2048
#define MEMBERS_MAX 4
#define WEIGHT_MAX 2000
#define NEAR_CHARACTERS 14

/* What a word in a text stands for. One word may stand for several things. */
enum use_kind { USE_CONCEPT, USE_RULE, USE_DENIAL, USE_TURN, USE_IGNORE };

struct use {
	struct use *next;
	enum use_kind kind;
	uint16_t index; /* of the concept or rule */
};

/* A word, and what it stands for. */
struct phrase {
	struct use use;       /* most have but one; the others follow */
	bool known;           /* whether there is any */
	bool denies, ignores; /* one of them says so */
};

/* Votes for its hazard's category when its word, or all its concepts near each other, stand in a text. A fact votes for
 * no category: it changes severity and further categories of those it is on. */
struct rule {
	struct slice id;
	const struct hazard *hazard;     /* NULL: a fact */
	enum severity severity;          /* SEVERITY_NONE: a fact that says nothing of it */
	enum severity at_most;           /* SEVERITY_NONE: no bound */
	int32_t weight;                  /* hundredths: what it adds to its category before training */
	int16_t trained[OUTPUT_TRAINED]; /* hundredths: what training adds to that */
	int32_t adds[OUTPUT_TRAINED];    /* hundredths: both together */
	uint8_t also;                    /* bit set of further categories */
	uint8_t on;                      /* bit set of categories a fact is about */
	uint8_t member_count;            /* 0: matched by words */
	uint8_t members[MEMBERS_MAX];
	uint16_t within; /* characters from the first member's start to the last one's end */
};

struct concept_set {
	uint64_t bits[(CONCEPTS_MAX + 63) / 64];
};

static inline bool concept_in(const struct concept_set *set, uint16_t concept)
{
	return set->bits[concept >> 6] >> (concept & 63) & 1;
}

static inline void concept_put(struct concept_set *set, uint16_t concept)
{
	set->bits[concept >> 6] |= 1ull << (concept & 63);
}

static inline bool concepts_meet(const struct concept_set *a, const struct concept_set *b)
{
	uint64_t both = 0;

	for (size_t i = 0; i < sizeof(a->bits) / sizeof(a->bits[0]); i++)
		both |= a->bits[i] & b->bits[i];
	return both != 0;
}

/* Rules to try when a concept was seen. */
struct trigger {
	struct trigger *next;
	uint16_t rule;
	uint8_t other; /* another concept of that rule: most rules are ruled out by a look at it */
};

/* What a row of routes.json is about. */
struct condition {
	uint8_t categories, severities; /* bit sets */
	struct slice hazard;            /* code or prefix, absent = any */
	struct slice jurisdiction;      /* prefix, absent = any */
};

struct route_row {
	struct route_row *next;
	struct condition condition;
	struct slice rule;
	struct route routes[ROUTES_MAX];
	size_t route_count;
};

struct response_row {
	struct response_row *next;
	struct condition condition;
	struct slice rule;
	struct slice acknowledge_within, check_within;
};

struct points_override {
	struct points_override *next;
	const struct hazard *hazard;
	int64_t points;
};

struct ruleset {
	struct arena arena;
	int references; /* atomic */
	char id[17];

	struct hazard hazards[HAZARDS_MAX];
	size_t hazard_count;
	uint64_t hazards_of[CATEGORY_COUNT];           /* bit sets of their numbers */
	const struct hazard *defaults[CATEGORY_COUNT]; /* when no rule names a hazard */

	struct alphabet alphabet;
	struct automaton *automaton;
	struct phrase *phrases; /* by word */
	struct slice concepts[CONCEPTS_MAX];
	struct trigger *triggers[CONCEPTS_MAX];
	struct concept_set partners[CONCEPTS_MAX]; /* the others of a concept's triggers */
	size_t concept_count;
	struct rule *rules;
	size_t rule_count;
	uint32_t denial_reach;          /* characters */
	const struct rule *denial_rule; /* what a denied hazard votes for */
	struct weights weights;
	int16_t composed[COMPOSED_COUNT][OUTPUT_TRAINED]; /* hundredths */

	struct route_row *routes, **routes_end;
	struct response_row *responses, **responses_end;
	struct slice topics[ROUTE_TOPICS_MAX];
	size_t topic_count;
	struct points by_severity[SEVERITY_COUNT];
	struct points_override *overrides;
	struct points_limits limits;
};

const struct hazard *hazard_find(const struct ruleset *ruleset, struct slice code);
