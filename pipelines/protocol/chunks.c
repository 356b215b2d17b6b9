/* SPDX-License-Identifier: Apache-2.0 */
#include "internal.h"

void chunk_list_init(struct chunk_list *list)
{
	list->first = NULL;
	list->end = &list->first;
	list->count = list->events = 0;
}

void chunk_list_append(struct chunk_list *list, struct protocol_chunk *chunk)
{
	chunk->next = NULL;
	*list->end = chunk;
	list->end = &chunk->next;
	list->count++;
	list->events += chunk->events;
}

/* link: the pointer that points to the chunk. */
static struct protocol_chunk *unlink_chunk(struct chunk_list *list, struct protocol_chunk **link)
{
	struct protocol_chunk *chunk = *link;

	*link = chunk->next;
	if (*link == NULL)
		list->end = link;
	list->count--;
	list->events -= chunk->events;
	chunk->next = NULL;
	return chunk;
}

struct protocol_chunk *chunk_list_take(struct chunk_list *list)
{
	return list->first == NULL ? NULL : unlink_chunk(list, &list->first);
}

bool chunk_list_remove(struct chunk_list *list, const struct protocol_chunk *chunk)
{
	for (struct protocol_chunk **link = &list->first; *link != NULL; link = &(*link)->next) {
		if (*link == chunk) {
			unlink_chunk(list, link);
			return true;
		}
	}
	return false;
}

void chunk_list_prepend(struct chunk_list *list, struct chunk_list *front)
{
	if (front->first == NULL)
		return;
	*front->end = list->first;
	if (list->first == NULL)
		list->end = front->end;
	list->first = front->first;
	list->count += front->count;
	list->events += front->events;
	chunk_list_init(front);
}
