/* SPDX-License-Identifier: Apache-2.0 */
/* All steps of an event, from its bytes to the command for Redis, against nothing but a jansson tree of the same bytes.
 */
#include <jansson.h>
#include "bench/micro_world.h"
#include "chunk.h"

#define CHUNKS 2
#define KNOWN_IDS 1000000 /* room for them: growing is measured elsewhere */

struct run {
	const struct micro_world *world;
	struct stream stream;
	uint64_t salt;
};

static void write_command(const struct run *run, struct chunk *chunk)
{
	struct apply_target target = {
		.topic = SLICE("rider.reports.v1"),
		.store_uuid = "0a1b2c3d-4e5f-4071-8293-a4b5c6d7e8f",
		.to = MICRO_CHUNK,
		.stream_time_ms = chunk->stream_time_ms,
		.dedup_hours = 24,
		.limits = ruleset_points_limits(run->world->ruleset),
	};
	chunk_compact(chunk, effects_apply_command(chunk->effects, &target, &chunk->arena));
}

/* Each pass has another key, so that the same events are new again. */
static uint64_t pipeline_pass(void *context)
{
	struct run *run = context;
	uint64_t sum = 0;

	run->salt++;
	memcpy(run->stream.key, &run->salt, sizeof(run->salt));
	for (size_t c = 0; c < CHUNKS; c++) {
		struct chunk *chunk = chunk_new(0, 0, run->world->ruleset);
		for (size_t i = 0; i < MICRO_CHUNK; i++)
			pipeline_run(run->world->settings, &run->stream,
				     &run->world->events->list[c * MICRO_CHUNK + i]->record, false, chunk);
		sum += chunk->outcomes[OUTCOME_COUNTED] + chunk->record_count;
		write_command(run, chunk);
		sum += chunk->command.size;
		chunk_free(&chunk);
	}
	return sum;
}

static uint64_t jansson_pass(void *context)
{
	const struct run *run = context;
	uint64_t sum = 0;

	for (size_t i = 0; i < CHUNKS * MICRO_CHUNK; i++) {
		struct slice text = run->world->events->list[i]->record.value;
		json_t *root = json_loadb(text.data, text.size, JSON_REJECT_DUPLICATES, NULL);
		sum += json_object_size(root);
		json_decref(root);
	}
	return sum;
}

void micro_pipeline(const struct micro_world *world)
{
	struct run run = { .world = world, .stream = { .seen = seen_new(), .time_ms = STREAM_TIME_NONE } };

	seen_reserve(run.stream.seen, KNOWN_IDS);
	micro_compare(&(struct micro_pair){
		.step = "all steps, chunks of 500, 80 % deliveries",
		.floor = "json_loadb alone",
		.run = pipeline_pass,
		.run_floor = jansson_pass,
		.context = &run,
		.items = CHUNKS * MICRO_CHUNK,
		.kind = GOAL_RATIO_AT_MOST,
		.goal = 0.5,
	});
	seen_free(&run.stream.seen);
}
