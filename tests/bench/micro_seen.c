/* SPDX-License-Identifier: Apache-2.0 */
/* The dedup table: an id that is new and one that was seen, against one read at a random place of as much memory; what
 * an id takes, and the longest wait for a single one while the table grows from nothing to ten million. */
#include <malloc.h>
#include <stdlib.h>
#include "alloc.h"
#include "bench/micro_world.h"
#include "must.h"

#define HOUR 500000
#define WINDOW 24
#define PASS 50000
#define GROWN 10000000
#define GROW_ROUNDS 3
#define SAMPLE 4096    /* ids between looks at the table's size */
#define WORKING 100000 /* ids from which on it counts what an id takes */

/* A bijection that scatters: different numbers, different hashes. */
static uint64_t scatter(uint64_t x)
{
	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
	x = (x ^ x >> 27) * 0x94d049bb133111eb;
	return x ^ x >> 31;
}

struct filled {
	struct seen *seen;
	uint64_t *memory; /* as many words as the table has bytes / 8 */
	size_t words;
	uint64_t ids, random;
};

/* Some id that was put in before, of all of them. */
static uint64_t old_id(struct filled *filled)
{
	filled->random = filled->random * 6364136223846793005u + 1442695040888963407u;
	return scatter(1 + (uint64_t)((unsigned __int128)filled->random * filled->ids >> 64));
}

static uint64_t seen_pass(void *context)
{
	struct filled *filled = context;
	uint64_t sum = 0;
	bool changed;

	for (size_t i = 0; i < PASS; i++)
		sum += seen_check(filled->seen, old_id(filled), HOUR, WINDOW, &changed);
	MUST(sum == PASS);
	return sum;
}

static uint64_t new_pass(void *context)
{
	struct filled *filled = context;
	uint64_t sum = 0;
	bool changed;

	for (size_t i = 0; i < PASS; i++)
		sum += seen_check(filled->seen, scatter(++filled->ids), HOUR, WINDOW, &changed);
	MUST(sum == 0);
	return sum;
}

static uint64_t memory_pass(void *context)
{
	struct filled *filled = context;
	uint64_t sum = 0;

	for (size_t i = 0; i < PASS; i++)
		sum += filled->memory[(size_t)((unsigned __int128)old_id(filled) * filled->words >> 64)];
	return sum;
}

static void compare_at(size_t ids, const char *seen_name, const char *new_name)
{
	struct filled filled = { .seen = seen_new(), .random = 1 };
	struct micro_pair pair = {
		.step = seen_name,
		.floor = "a read at random in as much memory",
		.run = seen_pass,
		.run_floor = memory_pass,
		.context = &filled,
		.items = PASS,
	};

	while (filled.ids < ids)
		new_pass(&filled);
	filled.words = seen_bytes(filled.seen) / sizeof(*filled.memory);
	filled.memory = alloc_resize(NULL, filled.words * sizeof(*filled.memory));
	memset(filled.memory, 1, filled.words * sizeof(*filled.memory));
	micro_compare(&pair);
	pair.step = new_name;
	pair.run = new_pass;
	pair.once = true;
	micro_compare(&pair);
	free(filled.memory);
	seen_free(&filled.seen);
}

/* ---- growing ---- */

struct growth {
	double longest_ms[GROW_ROUNDS], bytes[GROW_ROUNDS], average[GROW_ROUNDS], heap[GROW_ROUNDS];
};

static size_t heap_bytes(void)
{
	struct mallinfo2 info = mallinfo2();
	return info.uordblks + info.hblkhd;
}

static void grow(struct growth *growth, size_t round)
{
	size_t heap = heap_bytes(), samples = 0;
	struct seen *seen = seen_new();
	double before = micro_now(), longest = 0, sum = 0, most = 0;
	bool changed;

	for (uint64_t id = 1; id <= GROWN; id++) {
		seen_check(seen, scatter(id), HOUR, WINDOW, &changed);
		double now = micro_now();
		longest = now - before > longest ? now - before : longest;
		before = now;
		if (id < WORKING || id % SAMPLE)
			continue;
		double bytes = (double)seen_bytes(seen) / (double)seen_count(seen);
		most = bytes > most ? bytes : most;
		sum += bytes;
		samples++;
	}
	growth->longest_ms[round] = longest * 1e3;
	growth->bytes[round] = most;
	growth->average[round] = sum / (double)samples;
	growth->heap[round] = (double)(heap_bytes() - heap) / GROWN;
	seen_free(&seen);
}

static void show(const char *step, const char *unit, double values[GROW_ROUNDS], double goal)
{
	micro_show(&(struct micro_figure){ .step = step,
					   .unit = unit,
					   .values = values,
					   .count = GROW_ROUNDS,
					   .kind = goal > 0 ? GOAL_VALUE_AT_MOST : GOAL_NONE,
					   .goal = goal });
}

void micro_seen(const struct micro_world *world)
{
	struct growth growth;

	(void)world;
	compare_at(1000000, "dedup, id seen before, 1 million ids", "dedup, new id, 1 million ids, growing");
	compare_at(10000000, "dedup, id seen before, 10 million ids", "dedup, new id, 10 million ids, growing");
	for (size_t round = 0; round < GROW_ROUNDS; round++)
		grow(&growth, round);
	show("dedup, longest wait, 0 to 10 million ids", "ms", growth.longest_ms, 5);
	show("dedup, bytes an id at most, from 100,000 on", "B", growth.bytes, 16);
	show("dedup, bytes an id on average", "B", growth.average, 0);
	show("dedup, heap bytes an id at 10 million", "B", growth.heap, 16);
}
