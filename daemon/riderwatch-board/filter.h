/* SPDX-License-Identifier: Apache-2.0 */
/* Which cards somebody wants to see: the query of /api/alerts and its stream. */
#pragma once
#include <stdbool.h>
#include "card.h"

#define FILTER_WORDS_MAX 8
#define FILTER_TEXT_MAX 256

/* All zero: everything. What is given must all hold. */
struct filter {
	unsigned severities, categories; /* bit sets; 0: any */
	char area[FILTER_TEXT_MAX];      /* beginning of the adcode */
	char agency[FILTER_TEXT_MAX];    /* one of the routes */
	char reporter[FILTER_TEXT_MAX];  /* the pseudonym */
	int64_t since_ms;                /* sent at or after */
	char text[FILTER_TEXT_MAX];      /* folded; words[] point into it */
	size_t words[FILTER_WORDS_MAX];  /* where each word begins, every one must be found */
	size_t word_count;
};

/* Takes one parameter of the query. 1 when it belongs to a filter and was taken, 0 when the name is not a filter's, -1
 * when the value will not do: error then says why. An empty value asks for nothing. */
int filter_set(struct filter *filter, const char *name, const char *value, char *error, size_t error_size);
bool filter_matches(const struct filter *filter, const struct card *card);
