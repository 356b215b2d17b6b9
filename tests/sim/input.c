/* SPDX-License-Identifier: Apache-2.0 */
/* The input log of a partition and what must come of it, by an independent fold. */
#include "sim.h"

#include <string.h>

uint64_t offset_hash(int partition, int offset)
{
	uint64_t z = (uint64_t)(partition * 1000 + offset + 1) * 0x9e3779b97f4a7c15u;

	return z ^ (z >> 29);
}

/* Rule D4: true when the event is no duplicate. */
bool decide(struct decided *state, uint8_t id, int16_t hour)
{
	if (state->time >= 0 && hour > state->time + CLIP_HOURS)
		hour = (int16_t)(state->time + CLIP_HOURS);
	if (hour > state->time)
		state->time = hour;
	bool fresh = state->seen[id] < 0 || state->time - state->seen[id] > WINDOW_HOURS;

	state->seen[id] = state->time;
	return fresh;
}

static void draw_event(struct world *world, struct input *input, int offset, int *hour)
{
	*hour += random_percent(world, 60) ? random_below(world, 4) : random_below(world, 20);
	input->id[offset] = (uint8_t)random_below(world, IDS);
	/* Now and then an old time stamp, which must not turn stream time back. */
	input->hour[offset] = (int16_t)(random_percent(world, 10) ? random_below(world, *hour + 1) : *hour);
	input->hole[offset] = offset + 1 < input->length && random_percent(world, 8);
}

void input_make(struct world *world, struct input *input)
{
	int partition = (int)(input - world->inputs);
	int hour = 0;

	input->length = 6 + random_below(world, EVENTS_MAX - 6);
	input->visible = random_below(world, input->length + 1);
	memset(&input->states[0], 0xff, sizeof(input->states[0])); /* all -1 */
	for (int i = 0; i < input->length; i++) {
		draw_event(world, input, i, &hour);
		input->states[i + 1] = input->states[i];
		input->counters[i + 1] = input->counters[i];
		input->alert[i] = false;
		if (input->hole[i])
			continue;
		input->alert[i] = decide(&input->states[i + 1], input->id[i], input->hour[i]);
		input->counters[i + 1].accepted += input->alert[i];
		input->counters[i + 1].duplicates += !input->alert[i];
		input->counters[i + 1].sum += input->alert[i] ? offset_hash(partition, i) : 0;
	}
}
