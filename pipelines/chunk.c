/* SPDX-License-Identifier: Apache-2.0 */
#include "chunk.h"
#include "alloc.h"
#include "ruleset.h"

#include <stdlib.h>

struct chunk *chunk_new(int slot, int64_t from, struct ruleset *ruleset)
{
	struct chunk *chunk = alloc_zeroed(1, sizeof *chunk);
	chunk->link.slot = slot;
	chunk->link.from = chunk->link.to = from;
	chunk->stream_time_ms = -1;
	chunk->ruleset = ruleset_ref(ruleset);
	chunk->records_end = &chunk->records;
	arena_init(&chunk->arena);
	chunk->effects = effects_new(&chunk->arena);
	return chunk;
}

void chunk_free(struct chunk **chunk)
{
	if (*chunk) {
		ruleset_unref(&(*chunk)->ruleset);
		arena_fini(&(*chunk)->arena);
		free(*chunk);
		*chunk = NULL;
	}
}

void chunk_compact(struct chunk *chunk, struct slice command)
{
	struct arena small;
	arena_init(&small);
	chunk->command = arena_copy(&small, command);
	arena_fini(&chunk->arena);
	chunk->arena = small;
	chunk->effects = NULL;
	chunk->records = NULL;
	chunk->records_end = &chunk->records;
	chunk->record_count = 0;
}

struct output_record *chunk_add_record(struct chunk *chunk)
{
	struct output_record *record = arena_zalloc(&chunk->arena, sizeof *record);
	record->partition = -1;
	*chunk->records_end = record;
	chunk->records_end = &record->next;
	chunk->record_count++;
	return record;
}
