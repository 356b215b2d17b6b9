/* SPDX-License-Identifier: Apache-2.0 */
/* A daemon's second reader: decides what Redis lacks, with a state of its own, while the live side goes on. */
#include "sim.h"

#include <string.h>

void catch_up_start(struct world *world, struct daemon *daemon, const struct protocol_action *action)
{
	struct place *place = &daemon->places[action->slot];
	struct second_reader *second = &place->second;

	second->reading = true;
	second->state = world->bug == BUG_CATCH_UP_LIVE_STATE ? place->state : second->aside;
	second->cursor = (int)action->offset - random_below(world, 3);
	if (second->cursor < 0)
		second->cursor = 0;
	if (world->bug == BUG_NONE &&
	    memcmp(&second->state, &world->inputs[action->slot].states[action->offset], sizeof(second->state)) != 0)
		violate(world, "second state of %d at %lld is not the fold", action->slot, (long long)action->offset);
}

void catch_up_end(struct world *world, struct daemon *daemon, int slot)
{
	struct second_reader *second = &daemon->places[slot].second;

	second->reading = false;
	if (second->open != NULL)
		daemon_free_chunk(world, daemon, second->open);
	second->open = NULL;
}

static void close_chunk(struct world *world, struct daemon *daemon, int slot)
{
	struct second_reader *second = &daemon->places[slot].second;
	struct sim_chunk *chunk = second->open;

	if (chunk == NULL)
		return;
	second->open = NULL;
	TRACE(world, "daemon %d: catch-up chunk %d [%d, %d)", daemon->name, slot, chunk->effects.from,
	      chunk->effects.to);
	count_path(world, PATH_CATCH_UP_EVENTS, (int64_t)chunk->effects.count);
	protocol_catch_up_add(daemon->protocol, &chunk->link);
}

static void take_record(struct world *world, struct daemon *daemon, int slot, int offset)
{
	struct second_reader *second = &daemon->places[slot].second;

	if (second->open == NULL) {
		int from = (int)protocol_catch_up_position(daemon->protocol, slot);

		second->open = daemon_open_chunk(daemon, slot, from);
		second->open->muted = true;
	}
	daemon_add_event(world, second->open, &second->state, slot, offset);
	if (second->open->effects.count == CHUNK_EVENTS_MAX || random_percent(world, 30) ||
	    offset + 1 >= protocol_catch_up_end(daemon->protocol, slot))
		close_chunk(world, daemon, slot);
}

void catch_up_read(struct world *world, struct daemon *daemon)
{
	int slot = random_below(world, world->partitions);
	struct second_reader *second = &daemon->places[slot].second;
	const struct input *input = &world->inputs[slot];

	if (!second->reading || !protocol_catch_up_wants_records(daemon->protocol) || second->cursor >= input->visible)
		return;
	int offset = second->cursor++;
	if (input->hole[offset] || (second->open != NULL && offset < second->open->effects.to))
		return;
	switch (protocol_catch_up_intake(daemon->protocol, slot, offset)) {
	case CATCH_UP_DROP:
		break;
	case CATCH_UP_DECIDE:
		take_record(world, daemon, slot, offset);
		break;
	case CATCH_UP_BEYOND:
		close_chunk(world, daemon, slot);
		protocol_catch_up_missed(daemon->protocol, slot);
		break;
	}
	daemon_pump(world, daemon);
}
