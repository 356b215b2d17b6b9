/* SPDX-License-Identifier: Apache-2.0 */
/* The trained part of the rules. A gram is a Chinese character, two of them in a row, or a whole Latin word; it adds to
 * every output. Rules and composed facts have trained weights too, which stand in the rule set. */
#pragma once
#include "classify/outputs.h"
#include "classify/automaton.h"
#include "slice.h"

#define GRAM_LATIN 0x80000000u /* marks the key of a Latin word: the rest is its hash */

#define GRAM_LANES 32 /* what is added up of a row at once: two to a cache line */

struct weights_row {
	int8_t adds[OUTPUT_ALL]; /* by output, then GRAM_IN_REPORTS, GRAM_IN_REVIEWS */
	uint16_t codes;          /* number of what it adds to hazard codes; 0: nothing */
} __attribute__((aligned(GRAM_LANES)));

_Static_assert(sizeof(struct weights_row) == GRAM_LANES, "a row of grams has grown out of its lanes");

#define CODE_LANES ((HAZARDS_MAX + 15) / 16 * 16) /* whole registers, so that a compiler adds them at once */

/* By hazard. Half of the grams say nothing of it. */
struct codes_row {
	int8_t adds[CODE_LANES];
};

#define BUCKET 4 /* keys that are compared at once */

/* Rows lie in the order of their buckets, so that a bucket is where its rows start, and no more. All of it should stay
 * in a core's cache. */
struct weights {
	uint16_t *starts; /* by bucket, and one more */
	uint32_t *keys;   /* by row, and BUCKET zeros */
	struct weights_row *rows;
	struct codes_row *codes;
	uint32_t shift; /* 32 - log2 of the buckets */
	uint32_t row_count, codes_count;
	int32_t scale[OUTPUT_COUNT]; /* a weight of 1 is scale / 1000 hundredths */
	double unit[OUTPUT_COUNT];   /* scale / 1000 */
	int32_t bias[OUTPUT_COUNT];  /* hundredths */
	int32_t code_scale;
	int32_t page_from;                   /* from which logit of being urgent on somebody is paged, hundredths */
	int32_t watch_from;                  /* from which logit of being Extreme on nothing is silent */
	int32_t prior_percent;               /* how much a rule's own weight counts beside what training adds */
	int32_t review_from, review_percent; /* from which logit on a text is a review, and how much of it counts */
};

/* Where a key belongs in a table of 2^(32 - shift) places. */
static inline uint32_t gram_place(uint32_t key, uint32_t shift)
{
	return (key * 0x9E3779B1u) >> shift;
}

static inline uint32_t weights_bucket(const struct weights *weights, uint32_t key)
{
	return gram_place(key, weights->shift);
}

/* The key's row, which is another one's when it is not *known. Which of a bucket it is, and whether it is any, costs no
 * jump, and few buckets hold more than are compared at once: what a text holds next cannot be guessed. Keys of the next
 * bucket may be compared too, and do not match. */
static inline uint32_t weights_find(const struct weights *weights, uint32_t key, bool *known)
{
	const uint16_t *bucket = weights->starts + weights_bucket(weights, key);

	for (uint32_t at = bucket[0];; at += BUCKET) {
		const uint32_t *keys = weights->keys + at;
		uint32_t which = (uint32_t)(keys[1] == key) | (uint32_t)(keys[2] == key) << 1 |
				 (uint32_t)(keys[3] == key) * 3;
		*known = keys[which] == key;
		if (*known | (at + BUCKET >= bucket[1]))
			return at + which;
	}
}

/* As lrint(), in line and without a jump that depends on the number. */
static inline int32_t rounded(double number)
{
	return (int32_t)(number + (number < 0 ? -0.5 : 0.5));
}

/* A gram of a text that is in the table. */
struct hit {
	uint32_t row;
	uint32_t from, to; /* bytes */
};

#define GRAMS_QUEUED 64

struct queued_gram {
	uint32_t key;
	uint32_t from, to; /* bytes */
};

struct gram_sums {
	struct queued_gram queue[GRAMS_QUEUED]; /* not yet looked up: many at once wait less for memory */
	uint32_t queued;
	int32_t sums[GRAM_LANES];
	int32_t codes[CODE_LANES];
	double report_unit, review_unit; /* 1 / sqrt(grams known), 0 for none; by weights_finish() */
	uint32_t hit_count;              /* of hits that are kept for explaining; the sums hold all */
	struct hit hits[HITS_MAX];
};

void weights_begin(struct gram_sums *sums);
/* Looks the queue up and empties it. */
void weights_flush(const struct weights *weights, struct gram_sums *sums);
/* To be called once after the last weights_add(), before anything below. */
void weights_finish(const struct weights *weights, struct gram_sums *sums);
/* Hundredths of a logit for one output, bias included. */
int32_t weights_logit(const struct weights *weights, const struct gram_sums *sums, int output);
/* The same for all that labelled reports taught. */
void weights_trained(const struct weights *weights, const struct gram_sums *sums, int32_t logits[OUTPUT_TRAINED]);
/* What a weight of 1 in the table adds to an output in this text, hundredths. */
double weights_unit(const struct weights *weights, const struct gram_sums *sums, int output);
/* The same for hazard codes. */
double weights_code_unit(const struct weights *weights, const struct gram_sums *sums);

/* from, to: where the gram stands in the description; kept when to > from. */
static inline void weights_add(const struct weights *weights, uint32_t key, uint32_t from, uint32_t to,
			       struct gram_sums *sums)
{
	__builtin_prefetch(weights->starts + weights_bucket(weights, key));
	sums->queue[sums->queued++] = (struct queued_gram){ key, from, to };
	if (sums->queued == GRAMS_QUEUED)
		weights_flush(weights, sums);
}

static inline uint32_t gram_key(uint16_t first, uint16_t second)
{
	return (uint32_t)first << 16 | second;
}

/* A Latin word's key is made letter by letter, from 0. */
static inline uint32_t gram_key_latin(uint32_t key, uint32_t folded)
{
	return GRAM_LATIN | (((key & ~GRAM_LATIN) ^ folded) * 16777619u + 0x9E37u);
}
