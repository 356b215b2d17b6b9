/* SPDX-License-Identifier: Apache-2.0 */
#include "ring.h"

#include <stdlib.h>
#include "alloc.h"
#include "must.h"

/* Positions by sequence modulo size; both indexes chain within buckets of the same number. */
struct entry {
	struct card *card;
	struct entry *next_id;
};

struct ring {
	size_t cards_max, bytes_max, bytes;
	uint64_t first, last, mark;
	struct entry *entries;
	struct entry **ids;
	struct repeats **repeats;
};

static uint64_t hash(const char *text)
{
	uint64_t value = 1469598103934665603u;
	for (; *text; text++)
		value = (value ^ (unsigned char)*text) * 1099511628211u;
	return value ^ value >> 29;
}

static struct entry *entry_at(const struct ring *ring, uint64_t sequence)
{
	return &ring->entries[sequence % ring->cards_max];
}

static struct entry **id_bucket(const struct ring *ring, const char *id)
{
	return &ring->ids[hash(id) % ring->cards_max];
}

static struct repeats **repeats_bucket(const struct ring *ring, const char *key)
{
	return &ring->repeats[hash(key) % ring->cards_max];
}

/* ---- repeats ---- */

static struct repeats *repeats_of(struct ring *ring, const char *key)
{
	struct repeats **bucket = repeats_bucket(ring, key), *found = *bucket;
	while (found && strcmp(found->key, key) != 0)
		found = found->next;
	if (found)
		return found;
	found = alloc_zeroed(1, sizeof *found);
	found->key = alloc_text(key);
	found->next = *bucket;
	*bucket = found;
	return found;
}

static void repeats_drop(struct ring *ring, struct repeats *repeats)
{
	struct repeats **link = repeats_bucket(ring, repeats->key);
	if (--repeats->count > 0)
		return;
	while (*link != repeats)
		link = &(*link)->next;
	*link = repeats->next;
	free(repeats->key);
	free(repeats);
}

/* ---- contract ---- */

struct ring *ring_new(size_t cards_max, size_t bytes_max)
{
	MUST(cards_max > 0);
	struct ring *ring = alloc_zeroed(1, sizeof *ring);
	*ring = (struct ring){ .cards_max = cards_max, .bytes_max = bytes_max, .first = 1 };
	ring->entries = alloc_zeroed(cards_max, sizeof *ring->entries);
	ring->ids = alloc_zeroed(cards_max, sizeof *ring->ids);
	ring->repeats = alloc_zeroed(cards_max, sizeof *ring->repeats);
	return ring;
}

static void drop_oldest(struct ring *ring)
{
	struct entry *entry = entry_at(ring, ring->first++);
	struct entry **link = id_bucket(ring, entry->card->id);
	while (*link != entry)
		link = &(*link)->next_id;
	*link = entry->next_id;
	repeats_drop(ring, entry->card->repeats);
	ring->bytes -= entry->card->bytes;
	card_free(&entry->card);
}

void ring_free(struct ring **pointer)
{
	struct ring *ring = *pointer;
	if (!ring)
		return;
	while (ring->first <= ring->last)
		drop_oldest(ring);
	free(ring->entries);
	free(ring->ids);
	free(ring->repeats);
	free(ring);
	*pointer = NULL;
}

bool ring_add(struct ring *ring, struct card *card)
{
	if (ring_find(ring, card->id)) {
		card_free(&card);
		return false;
	}
	while (ring->first <= ring->last &&
	       (ring->last - ring->first + 1 >= ring->cards_max || ring->bytes + card->bytes > ring->bytes_max))
		drop_oldest(ring);
	card->sequence = ++ring->last;
	card->repeats = repeats_of(ring, card->dedup_key);
	card->repeats->count++;
	struct entry *entry = entry_at(ring, card->sequence), **bucket = id_bucket(ring, card->id);
	*entry = (struct entry){ .card = card, .next_id = *bucket };
	*bucket = entry;
	ring->bytes += card->bytes;
	return true;
}

const struct card *ring_find(const struct ring *ring, const char *id)
{
	const struct entry *entry = *id_bucket(ring, id);
	while (entry && strcmp(entry->card->id, id) != 0)
		entry = entry->next_id;
	return entry ? entry->card : NULL;
}

uint64_t ring_first(const struct ring *ring)
{
	return ring->first;
}

uint64_t ring_last(const struct ring *ring)
{
	return ring->last;
}

const struct card *ring_at(const struct ring *ring, uint64_t sequence)
{
	MUST(sequence >= ring->first && sequence <= ring->last);
	return entry_at(ring, sequence)->card;
}

size_t ring_bytes(const struct ring *ring)
{
	return ring->bytes;
}

uint64_t ring_fresh_mark(struct ring *ring)
{
	return ++ring->mark;
}
