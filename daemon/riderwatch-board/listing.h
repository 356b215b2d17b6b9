/* SPDX-License-Identifier: Apache-2.0 */
/* A page of cards, the newest first, repeats of one dedup key folded into the newest of them. */
#pragma once
#include "filter.h"
#include "ring.h"

#define LISTING_ROWS_MAX 500

struct listing_row {
	const struct card *card;
	size_t repeats; /* cards of this row, itself included */
};

struct listing {
	struct listing_row *rows;
	size_t count;
	size_t matches; /* cards that match, on all pages */
	uint64_t next;  /* "before" of the following page; 0: there is none */
};

/* Rows newer than "before" (0: from the newest) are left out, though they count as repeats of none. fold false: a row a
 * card. Cards are the ring's: use the listing before the ring changes. */
void listing_make(struct listing *listing, struct ring *ring, const struct filter *filter, bool fold, uint64_t before,
		  size_t rows_max);
void listing_fini(struct listing *listing);
