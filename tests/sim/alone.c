/* SPDX-License-Identifier: Apache-2.0 */
/* What goes with a committed offset, and a daemon that makes its decision state from that and the log alone. */
#include "sim.h"

#include <string.h>

static int64_t ms(int16_t hours)
{
	return hours < 0 ? STREAM_TIME_NONE : hours * HOUR_MS;
}

/* ---- entries ---- */

void alone_found(const struct committed *entry, struct committed_offset *out)
{
	const struct anchor *old = &entry->anchors.old;

	out->readable_from = PROTOCOL_OFFSET_NONE;
	if (entry->present && entry->ours && entry->complete && old->offset <= entry->offset &&
	    anchor_serves(old, ms(entry->time), WINDOW_HOURS))
		out->readable_from = old->offset;
}

static const struct committed *find(const struct place *place, int64_t offset)
{
	for (int group = GROUPS - 1; group >= 0; group--) {
		const struct committed *entry = &place->found[group];

		if (entry->present && entry->ours && entry->offset == offset)
			return entry;
	}
	return NULL;
}

/* Planted: an offset that nobody of ours committed is taken, with what goes with another one. */
static const struct committed *find_any(const struct place *place, int64_t offset)
{
	const struct committed *entry = find(place, offset);

	return entry != NULL ? entry : &place->found[GROUP_SHADOW];
}

void alone_begin_entry(struct daemon *daemon, int slot)
{
	struct place *place = &daemon->places[slot];
	int64_t committed = protocol_live_from(daemon->protocol, slot);
	int64_t position = protocol_position(daemon->protocol, slot);
	const struct committed *found = find(place, committed);

	place->entry =
		(struct committed){ .present = true, .ours = true, .offset = (int)committed, .uuid = place->uuid };
	place->attempt = (struct committed){ .offset = PROTOCOL_OFFSET_NONE };
	if (found != NULL && found->complete && found->uuid == place->uuid) {
		place->entry = *found;
		place->anchors = found->anchors;
		return;
	}
	anchors_begin(&place->anchors, position, ms(place->state.time), place->state.time < 0);
	place->entry.complete = committed == position;
	place->entry.time = place->state.time;
	place->entry.anchors = place->anchors;
}

void alone_mark_chunk(struct place *place, struct sim_chunk *chunk)
{
	anchors_move(&place->anchors, chunk->link.from, ms(place->state.time), WINDOW_HOURS);
	chunk->anchors = place->anchors;
}

static const struct sim_chunk *last_chunk(const struct protocol_batch *batch, int slot)
{
	const struct protocol_chunk *last = NULL;

	for (const struct protocol_chunk *chunk = batch->chunks; chunk != NULL; chunk = chunk->next)
		if (chunk->slot == slot)
			last = chunk;
	return (const struct sim_chunk *)last;
}

struct committed alone_entry(const struct world *world, struct daemon *daemon, const struct protocol_batch *batch,
			     const struct protocol_commit *commit)
{
	struct place *place = &daemon->places[commit->slot];
	const struct sim_chunk *chunk = last_chunk(batch, commit->slot);
	struct protocol_view view;

	protocol_view(daemon->protocol, commit->slot, &view);
	if (place->attempt.offset == view.published)
		place->entry = place->attempt;
	if (chunk == NULL) {
		place->entry.offset = (int)commit->offset;
		return place->entry;
	}
	place->attempt = (struct committed){
		.present = true,
		.ours = true,
		.complete = true,
		.offset = (int)commit->offset,
		.uuid = place->uuid,
		.time = world->bug == BUG_ALONE_TIME_FROM_MEMORY ? place->state.time : chunk->effects.time,
		.anchors = chunk->anchors,
	};
	return place->attempt;
}

/* ---- reading ---- */

void alone_end(struct place *place)
{
	place->alone.reading = false;
}

static void finish(struct world *world, struct daemon *daemon, int slot)
{
	struct log_reader *alone = &daemon->places[slot].alone;
	bool same = alone->state.time == alone->time;

	alone->reading = false;
	if (world->bug == BUG_ALONE_TIME_FROM_MEMORY || protocol_bug_moves_c()) {
		alone->state.time = alone->time;
		same = true;
	}
	TRACE(world, "daemon %d: log of %d is read, time %d of %d", daemon->name, slot, alone->state.time, alone->time);
	protocol_log_loaded(daemon->protocol, slot, alone->token, same ? LOG_LOAD_GOOD : LOG_LOAD_DIFFERS, world->now);
}

void alone_load(struct world *world, struct daemon *daemon, const struct protocol_action *action)
{
	struct place *place = &daemon->places[action->slot];
	const struct committed *found = find_any(place, action->offset);
	struct log_reader *alone = &place->alone;

	*alone = (struct log_reader){
		.reading = true,
		.token = action->token,
		.cursor = (int)action->from,
		.end = (int)action->offset,
		.time = found->time,
	};
	memset(&alone->state, 0xff, sizeof(alone->state));
	if (found->anchors.old.time_ms != STREAM_TIME_NONE && world->bug != BUG_ALONE_ANCHOR_WITHOUT_TIME)
		alone->state.time = (int16_t)(found->anchors.old.time_ms / HOUR_MS);
	if (alone->cursor >= alone->end)
		finish(world, daemon, action->slot);
}

static bool is_left_out(const struct world *world, const struct log_reader *alone, const struct input *input)
{
	return world->bug == BUG_ALONE_WINDOW_SHORT && alone->time - input->hour[alone->cursor] > WINDOW_HOURS - 4;
}

static void take_record(struct world *world, struct log_reader *alone, const struct input *input)
{
	uint8_t id = input->id[alone->cursor];

	if (world->bug == BUG_ALONE_OTHER_KEY)
		id = (uint8_t)((id + 1) % IDS);
	if (!input->hole[alone->cursor] && !is_left_out(world, alone, input))
		decide(&alone->state, id, input->hour[alone->cursor]);
}

static void read_some(struct world *world, struct daemon *daemon, int slot)
{
	struct log_reader *alone = &daemon->places[slot].alone;

	for (int i = random_below(world, 12); i >= 0 && alone->reading; i--) {
		take_record(world, alone, &world->inputs[slot]);
		if (++alone->cursor >= alone->end)
			finish(world, daemon, slot);
	}
}

void alone_read(struct world *world, struct daemon *daemon)
{
	for (int i = 0; i < world->partitions; i++)
		if (daemon->places[i].alone.reading)
			read_some(world, daemon, i);
	daemon_pump(world, daemon);
}

/* What has expired may be missing: no decision can see it. */
static void check_fold(struct world *world, const struct place *place, int slot, int offset)
{
	const struct decided *fold = &world->inputs[slot].states[offset];
	bool same = place->state.time == fold->time;

	for (int id = 0; id < IDS; id++) {
		bool matters = fold->seen[id] >= 0 && fold->time - fold->seen[id] <= WINDOW_HOURS;
		bool is_there = place->state.seen[id] >= 0 && fold->time - place->state.seen[id] <= WINDOW_HOURS;

		same = same && matters == is_there && (!matters || place->state.seen[id] == fold->seen[id]);
	}
	if (!same)
		violate(world, "decision state of %d at %d, made from the log, is not the fold", slot, offset);
}

void alone_start(struct world *world, struct daemon *daemon, const struct protocol_action *action)
{
	struct place *place = &daemon->places[action->slot];

	MUST(!place->alone.reading && place->alone.end == action->offset);
	place->state = place->alone.state;
	place->uuid = find_any(place, action->offset)->uuid;
	count_path(world, PATH_ALONE, 1);
	if (world->bug == BUG_NONE && !protocol_bug_moves_c())
		check_fold(world, place, action->slot, (int)action->offset);
}
