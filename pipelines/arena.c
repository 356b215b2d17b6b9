/* SPDX-License-Identifier: Apache-2.0 */
#include "arena.h"
#include <stdlib.h>
#include "alloc.h"
#include "must.h"

#define ALIGNMENT 16

/* Blocks double from FIRST to LAST bytes. A fuzz build sets both to 1, so that each allocation is a heap block of its
 * own and the address sanitizer sees every overrun. */
#ifndef ARENA_BLOCK_FIRST
#define ARENA_BLOCK_FIRST 4096
#define ARENA_BLOCK_LAST 262144
#endif

struct arena_block {
	struct arena_block *older;
	size_t capacity, used;
	_Alignas(ALIGNMENT) char bytes[];
};

void arena_init(struct arena *arena)
{
	*arena = (struct arena){ NULL, 0 };
}

static void free_blocks(struct arena_block *block)
{
	while (block) {
		struct arena_block *older = block->older;

		free(block);
		block = older;
	}
}

void arena_fini(struct arena *arena)
{
	free_blocks(arena->block);
	arena_init(arena);
}

void arena_reset(struct arena *arena)
{
	arena->used = 0;
	if (!arena->block)
		return;
	free_blocks(arena->block->older);
	arena->block->older = NULL;
	arena->block->used = 0;
}

static void add_block(struct arena *arena, size_t at_least)
{
	size_t capacity = arena->block ? 2 * arena->block->capacity : ARENA_BLOCK_FIRST;
	struct arena_block *block;

	if (capacity > ARENA_BLOCK_LAST)
		capacity = ARENA_BLOCK_LAST;
	if (capacity < at_least)
		capacity = at_least;
	block = alloc_resize(NULL, sizeof(*block) + capacity);
	block->older = arena->block;
	block->capacity = capacity;
	block->used = 0;
	arena->block = block;
}

static size_t round_up(size_t size)
{
	return (size + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
}

void *arena_alloc(struct arena *arena, size_t size)
{
	size_t rounded = round_up(size);
	void *memory;

	MUST(rounded >= size);
	if (!arena->block || arena->block->capacity - arena->block->used < rounded)
		add_block(arena, rounded);
	memory = arena->block->bytes + arena->block->used;
	arena->block->used += rounded;
	arena->used += rounded;
	return memory;
}

void *arena_zalloc(struct arena *arena, size_t size)
{
	return memset(arena_alloc(arena, size), 0, size);
}

void arena_trim(struct arena *arena, const void *memory, size_t size, size_t kept)
{
	size_t unused = round_up(size) - round_up(kept);

	MUST(kept <= size);
	if ((const char *)memory + round_up(size) != arena->block->bytes + arena->block->used)
		return;
	arena->block->used -= unused;
	arena->used -= unused;
}

struct slice arena_copy(struct arena *arena, struct slice bytes)
{
	char *copy;

	if (!bytes.data)
		return bytes;
	copy = arena_alloc(arena, bytes.size);
	memcpy(copy, bytes.data, bytes.size);
	return (struct slice){ copy, bytes.size };
}
