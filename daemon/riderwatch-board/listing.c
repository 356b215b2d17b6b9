/* SPDX-License-Identifier: Apache-2.0 */
#include "listing.h"

#include <stdlib.h>
#include "alloc.h"

#define NO_ROW SIZE_MAX

/* Where the card belongs: a new row while there is room, else none. */
static size_t open_row(struct listing *listing, const struct card *card, uint64_t before, size_t rows_max)
{
	if (before && card->sequence >= before)
		return NO_ROW;
	if (listing->count == rows_max) {
		/* The last row's sequence: every later row is older. */
		listing->next = listing->rows[rows_max - 1].card->sequence;
		return NO_ROW;
	}
	listing->rows[listing->count] = (struct listing_row){ .card = card };
	return listing->count++;
}

void listing_make(struct listing *listing, struct ring *ring, const struct filter *filter, bool fold, uint64_t before,
		  size_t rows_max)
{
	uint64_t mark = ring_fresh_mark(ring);
	*listing = (struct listing){ .rows = alloc_zeroed(rows_max, sizeof *listing->rows) };
	for (uint64_t sequence = ring_last(ring); sequence >= ring_first(ring); sequence--) {
		const struct card *card = ring_at(ring, sequence);
		if (!filter_matches(filter, card))
			continue;
		listing->matches++;
		struct repeats *repeats = card->repeats;
		size_t row = NO_ROW;
		if (fold && repeats->mark == mark)
			row = repeats->row;
		else
			row = open_row(listing, card, before, rows_max);
		repeats->mark = mark;
		repeats->row = row;
		if (row != NO_ROW)
			listing->rows[row].repeats++;
	}
}

void listing_fini(struct listing *listing)
{
	free(listing->rows);
	*listing = (struct listing){ 0 };
}
