/* SPDX-License-Identifier: Apache-2.0 */
/* Labelled texts of all sources, in a fixed order. */
#pragma once
#include "score.h"

enum source {
	SOURCE_TEXTS,     /* every .tsv in pipelines/rules/texts */
	SOURCE_DEV,       /* tests/cases/reports-dev.jsonl: phrases were written while looking at the first half */
	SOURCE_MORE,      /* tests/cases/reports-more.jsonl, the same */
	SOURCE_TWINS,     /* tests/cases/twins.txt, the same */
	SOURCE_GENERATOR, /* scripts/generator: each phrase in a few of its frames */
	SOURCE_CASES,     /* tests/cases/classify.tsv, scope.tsv */
	SOURCE_REVIEWS,   /* a file that is not in this repository */
	SOURCE_COUNT
};

struct text {
	char *text;
	enum source source;
	struct gold gold; /* of a review: food or other */
	char *kind;       /* of SOURCE_TEXTS, else NULL */
	double weight;
	unsigned fold; /* 0 to 9, by hash of the text; kin share one, see kin.h */
	bool locked;   /* never trained on */
	bool framed;   /* the generator's sentence before it, in a frame */
};

struct corpus {
	struct text *texts;
	size_t count, room;
};

/* Reads everything below the current folder, which must be the repository's root; reviews may be NULL. Exits with a
 * message when a file cannot be read or a line is wrong. */
void corpus_read(struct corpus *corpus, const char *reviews);
void corpus_free(struct corpus *corpus);
