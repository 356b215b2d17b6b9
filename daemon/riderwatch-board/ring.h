/* SPDX-License-Identifier: Apache-2.0 */
/* The newest cards in memory, bounded by number and bytes; found by sequence, alert id and dedup key. */
#pragma once
#include <stdbool.h>
#include "card.h"

struct ring;

/* Cards with one dedup key. count: how many of them the ring holds; mark and row are the listing's. */
struct repeats {
	struct repeats *next; /* in its bucket */
	char *key;
	size_t count;
	uint64_t mark;
	size_t row;
};

struct ring *ring_new(size_t cards_max, size_t bytes_max);
void ring_free(struct ring **ring);
/* Takes the card over. False when the ring holds an alert with that id already (an alert may go to several topics): the
 * card is freed. The oldest cards go when a bound is passed; the newest always stays. */
bool ring_add(struct ring *ring, struct card *card);
/* NULL when the ring does not hold it (any more). */
const struct card *ring_find(const struct ring *ring, const char *id);
/* Sequences run from first to last without a gap; last is 0 and first 1 while nothing came yet. */
uint64_t ring_first(const struct ring *ring);
uint64_t ring_last(const struct ring *ring);
/* first <= sequence <= last. */
const struct card *ring_at(const struct ring *ring, uint64_t sequence);
size_t ring_bytes(const struct ring *ring);
/* A number that no listing has used as a mark yet. */
uint64_t ring_fresh_mark(struct ring *ring);
