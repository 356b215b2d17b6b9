/* SPDX-License-Identifier: Apache-2.0 */
/* Whom to tell, against a copy of the answer; the whole alert, against snprintf of the same bytes. */
#include <stdio.h>
#include "alert.h"
#include "bench/micro_world.h"
#include "chunk.h"
#include "job.h"

#define ALERTS 400
#define PIECES 24

struct drafts {
	struct job jobs[ALERTS];
	size_t count;
	struct stream stream;
	struct chunk *chunk;
	struct routing routing, copy;
	struct slice payloads[ALERTS];
	char text[1 << 16];
};

static uint64_t route_pass(void *context)
{
	struct drafts *drafts = context;
	uint64_t sum = 0;

	for (size_t i = 0; i < drafts->count; i++) {
		const struct job *job = &drafts->jobs[i];
		ruleset_route(job->ruleset, job->verdict.category, job->verdict.severity, job->verdict.hazard,
			      job->event.report.jurisdiction_id, &drafts->routing);
		sum += drafts->routing.count;
	}
	return sum;
}

static uint64_t copy_pass(void *context)
{
	struct drafts *drafts = context;

	for (size_t i = 0; i < drafts->count; i++) {
		drafts->copy = drafts->routing;
		__asm__ volatile("" : : "r"(&drafts->copy) : "memory");
	}
	return drafts->copy.count;
}

/* The chunk's memory is used again, as if each pass were a chunk of its own. */
static void forget(struct drafts *drafts)
{
	struct chunk *chunk = drafts->chunk;

	arena_reset(&chunk->arena);
	chunk->records = NULL;
	chunk->records_end = &chunk->records;
	chunk->record_count = 0;
}

static uint64_t alert_pass(void *context)
{
	struct drafts *drafts = context;

	forget(drafts);
	for (size_t i = 0; i < drafts->count; i++)
		alert_add(&drafts->jobs[i], drafts->jobs[i].verdict.category);
	return drafts->chunk->record_count;
}

#define PIECE(i) (int)size, data + (i)*size
#define PIECES_8(i)                                                                                                    \
	PIECE(i), PIECE(i + 1), PIECE(i + 2), PIECE(i + 3), PIECE(i + 4), PIECE(i + 5), PIECE(i + 6), PIECE(i + 7)

static uint64_t snprintf_pass(void *context)
{
	struct drafts *drafts = context;
	uint64_t sum = 0;

	for (size_t i = 0; i < drafts->count; i++) {
		const char *data = drafts->payloads[i].data;
		size_t size = drafts->payloads[i].size / PIECES;
		sum += (uint64_t)snprintf(drafts->text, sizeof(drafts->text),
					  "%.*s%.*s%.*s%.*s%.*s%.*s%.*s%.*s%.*s%.*s%.*s%.*s"
					  "%.*s%.*s%.*s%.*s%.*s%.*s%.*s%.*s%.*s%.*s%.*s%.*s",
					  PIECES_8(0), PIECES_8(8), PIECES_8(16));
	}
	return sum;
}

static void take(struct drafts *drafts, const struct micro_world *world, const struct micro_event *event)
{
	struct job *job = &drafts->jobs[drafts->count];

	*job = (struct job){ .settings = world->settings,
			     .ruleset = world->ruleset,
			     .stream = &drafts->stream,
			     .record = &event->record,
			     .chunk = drafts->chunk,
			     .event = event->event };
	ruleset_classify(world->ruleset, &job->event.report, &job->verdict);
	drafts->count += job->verdict.category != CATEGORY_OTHER;
}

/* An alert of each draft, as the bytes that snprintf is to write. */
static void keep_payloads(struct drafts *drafts, struct arena *arena)
{
	for (size_t i = 0; i < drafts->count; i++) {
		forget(drafts);
		alert_add(&drafts->jobs[i], drafts->jobs[i].verdict.category);
		drafts->payloads[i] = arena_copy(arena, drafts->chunk->records->payload);
	}
}

static void show_bytes(const struct drafts *drafts)
{
	static double bytes[ALERTS], memory[1];

	for (size_t i = 0; i < drafts->count; i++)
		bytes[i] = (double)drafts->payloads[i].size;
	memory[0] = (double)drafts->chunk->arena.used / (double)drafts->count;
	micro_show(
		&(struct micro_figure){ .step = "alert, bytes", .unit = "B", .values = bytes, .count = drafts->count });
	micro_show(&(struct micro_figure){
		.step = "alert, bytes of memory on average", .unit = "B", .values = memory, .count = 1 });
}

void micro_alert(const struct micro_world *world)
{
	static struct drafts drafts;
	struct micro_pair pair = {
		.step = "route",
		.floor = "a copy of the answer",
		.run = route_pass,
		.run_floor = copy_pass,
		.context = &drafts,
	};

	drafts.count = 0;
	drafts.stream.time_ms = world->events->list[0]->record.timestamp_ms;
	drafts.chunk = chunk_new(0, 0, world->ruleset);
	for (size_t i = 0; i < world->events->count && drafts.count < ALERTS; i++) {
		if (world->events->list[i]->event.type == EVENT_REPORT_CREATED)
			take(&drafts, world, world->events->list[i]);
	}
	keep_payloads(&drafts, &world->events->arena);
	pair.items = drafts.count;
	micro_compare(&pair);
	pair.step = "alert, all of it";
	pair.floor = "snprintf of its bytes in 24 pieces";
	pair.run = alert_pass;
	pair.run_floor = snprintf_pass;
	pair.kind = GOAL_RATIO_AT_MOST;
	pair.goal = 10;
	micro_compare(&pair);
	show_bytes(&drafts);
	chunk_free(&drafts.chunk);
}
