/* SPDX-License-Identifier: Apache-2.0 */
#include "internal.h"

#include "alloc.h"

#include <stdlib.h>

static void grow(struct action_queue *queue)
{
	size_t room = queue->room == 0 ? 64 : queue->room * 2;
	struct protocol_action *actions = alloc_zeroed(room, sizeof(*actions));

	for (size_t i = 0; i < queue->count; i++)
		actions[i] = queue->actions[(queue->first + i) % queue->room];
	free(queue->actions);
	*queue = (struct action_queue){ .actions = actions, .count = queue->count, .room = room };
}

struct protocol_action *actions_add(struct protocol *protocol, enum action_kind kind, int slot)
{
	struct action_queue *queue = &protocol->actions;

	if (queue->count == queue->room)
		grow(queue);
	struct protocol_action *action = &queue->actions[(queue->first + queue->count++) % queue->room];
	*action = (struct protocol_action){ .kind = kind, .slot = slot };
	return action;
}

bool actions_take(struct protocol *protocol, struct protocol_action *action)
{
	struct action_queue *queue = &protocol->actions;

	if (queue->count == 0)
		return false;
	*action = queue->actions[queue->first];
	queue->first = (queue->first + 1) % queue->room;
	queue->count--;
	return true;
}

void actions_free_chunk(struct protocol *protocol, struct protocol_chunk *chunk)
{
	actions_add(protocol, ACTION_FREE, chunk->slot)->chunk = chunk;
}

void actions_notice(struct protocol *protocol, int slot, enum notice notice, int64_t count)
{
	struct protocol_action *action = actions_add(protocol, ACTION_NOTICE, slot);

	action->notice = notice;
	action->count = count;
}

void actions_refuse(struct protocol *protocol, int slot, enum refusal refusal)
{
	if (protocol->refused)
		return;
	protocol->refused = true;
	actions_add(protocol, ACTION_REFUSE, slot)->refusal = refusal;
}
