/* SPDX-License-Identifier: Apache-2.0 */
/* Bump allocator: everything made for one chunk of events is freed at once. */
#pragma once
#include <stddef.h>
#include "slice.h"

struct arena_block;

struct arena {
	struct arena_block *block; /* newest block, NULL while empty */
	size_t used;               /* bytes handed out, for bounds and metrics */
};

void arena_init(struct arena *arena);
/* Frees all memory handed out; the arena may be used again. */
void arena_fini(struct arena *arena);
/* Like arena_fini, but keeps the newest block for reuse. */
void arena_reset(struct arena *arena);
/* Returns size bytes, aligned to 16, not zeroed; never NULL (out of memory aborts the process). */
void *arena_alloc(struct arena *arena, size_t size);
void *arena_zalloc(struct arena *arena, size_t size);
/* Gives back what is behind the first kept bytes of such memory, if nothing was handed out since. */
void arena_trim(struct arena *arena, const void *memory, size_t size, size_t kept);
/* Copies the bytes into the arena; an absent slice stays absent. */
struct slice arena_copy(struct arena *arena, struct slice bytes);
