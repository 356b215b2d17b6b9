/* SPDX-License-Identifier: Apache-2.0 */
/* What a chunk's events add up to, and the command that tells Redis so: the sums against one hash of the rider's id and
 * one add in a table an event, the command against a copy of its bytes. */
#include <stdlib.h>
#include "bench/micro_world.h"
#include "must.h"
#include "chunk.h"
#include "effects.h"

#define SLOTS 1024

struct tally {
	const struct micro_event *const *events; /* of one chunk */
	struct arena arena, command_arena;
	struct effects *effects;
	struct apply_target target;
	struct slice command;
	char *copy;
	uint64_t sums[SLOTS];
};

/* The same calls as the steps of an event make. */
static void count(struct effects *effects, const struct micro_event *event, int64_t time_ms)
{
	const struct rider_event *of = &event->event;

	effects_journal(effects, (uint64_t)event->record.offset * 0x9e3779b97f4a7c15);
	effects_heard(effects, of->rider_id, time_ms);
	if (of->type == EVENT_DELIVERY_COMPLETED) {
		effects_count(effects, of->rider_id, of->delivery.jurisdiction_id, COUNTER_DELIVERIES, 1);
	} else if (of->type == EVENT_REPORT_CREATED) {
		effects_count(effects, of->rider_id, of->report.jurisdiction_id, COUNTER_REPORTS, 1);
		effects_count(effects, of->rider_id, of->report.jurisdiction_id, COUNTER_REPORTS_FIRE, 1);
		effects_report(effects, of->rider_id, of->report.jurisdiction_id, identity_report(of->rider_id, of->id),
			       CATEGORY_FIRE, (struct points){ 300, 5 });
	} else {
		effects_review(effects, of->rider_id, identity_report(of->rider_id, of->review.report_id),
			       of->review.decision);
	}
}

static uint64_t tally_pass(void *context)
{
	struct tally *tally = context;

	arena_reset(&tally->arena);
	tally->effects = effects_new(&tally->arena);
	for (size_t i = 0; i < MICRO_CHUNK; i++)
		count(tally->effects, tally->events[i], tally->target.stream_time_ms);
	return tally->arena.used;
}

static uint64_t add_pass(void *context)
{
	struct tally *tally = context;

	for (size_t i = 0; i < MICRO_CHUNK; i++) {
		struct slice id = tally->events[i]->event.rider_id;
		uint64_t hash = 0xcbf29ce484222325;
		for (size_t at = 0; at < id.size; at++)
			hash = (hash ^ (unsigned char)id.data[at]) * 0x100000001b3;
		tally->sums[(hash ^ hash >> 32) % SLOTS]++;
	}
	return tally->sums[0];
}

static uint64_t command_pass(void *context)
{
	struct tally *tally = context;

	arena_reset(&tally->command_arena);
	tally->command = effects_apply_command(tally->effects, &tally->target, &tally->command_arena);
	return tally->command.size;
}

static uint64_t copy_pass(void *context)
{
	struct tally *tally = context;

	memcpy(tally->copy, tally->command.data, tally->command.size);
	__asm__ volatile("" : : "r"(tally->copy) : "memory");
	return (uint64_t)tally->copy[tally->command.size / 2];
}

void micro_tally(const struct micro_world *world)
{
	static struct tally tally;
	struct micro_pair pair = {
		.step = "tally, sums of a chunk of 500",
		.floor = "a hash and an add an event",
		.run = tally_pass,
		.run_floor = add_pass,
		.context = &tally,
		.items = MICRO_CHUNK,
	};

	tally.events = (const struct micro_event *const *)world->events->list;
	tally.target = (struct apply_target){
		.topic = SLICE("rider.reports.v1"),
		.store_uuid = "0a1b2c3d-4e5f-4071-8293-a4b5c6d7e8f",
		.to = MICRO_CHUNK,
		.stream_time_ms = world->events->list[0]->record.timestamp_ms,
		.dedup_hours = 24,
		.limits = ruleset_points_limits(world->ruleset),
	};
	arena_init(&tally.arena);
	arena_init(&tally.command_arena);
	micro_compare(&pair);
	command_pass(&tally);
	tally.copy = malloc(tally.command.size);
	MUST(tally.copy);
	pair.step = "tally, command of a chunk of 500";
	pair.floor = "memcpy of the command";
	pair.run = command_pass;
	pair.run_floor = copy_pass;
	micro_compare(&pair);
	free(tally.copy);
	arena_fini(&tally.arena);
	arena_fini(&tally.command_arena);
}
