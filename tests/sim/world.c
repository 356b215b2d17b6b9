/* SPDX-License-Identifier: Apache-2.0 */
/* One schedule: a time with faults, then a time without, at whose end everything must be counted and published. */
#include "faults.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STEP_MS 10
#define REST_ROUNDS 1500

static struct world *running; /* for must_fail() */

void trace(struct world *world, const char *format, ...)
{
	va_list arguments;

	printf("%6lld  ", (long long)world->now);
	va_start(arguments, format);
	vprintf(format, arguments);
	va_end(arguments);
	putchar('\n');
}

void violate(struct world *world, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(world->violation, sizeof(world->violation), format, arguments);
	va_end(arguments);
	TRACE(world, "VIOLATION: %s", world->violation);
	longjmp(world->failed, 1);
}

/* Takes the place of the library's: a broken assertion is a violation with a seed like any other. */
void must_fail(const char *file, int line, const char *condition)
{
	if (running == NULL) {
		fprintf(stderr, "%s:%d: this must hold and does not: %s\n", file, line, condition);
		abort();
	}
	violate(running, "%s:%d: must: %s", file, line, condition);
}

void count_path(struct world *world, enum path path, int64_t count)
{
	world->counts->paths[path] += (uint64_t)count;
}

static int draw_size(struct world *world, int fixed, int max)
{
	return fixed > 0 ? fixed : 1 + random_below(world, max);
}

static void set_up(struct world *world)
{
	world->partitions = draw_size(world, world->scenario->partitions, PARTITIONS_MAX);
	world->daemon_count = draw_size(world, world->scenario->daemons, DAEMONS_MAX);
	if (world->scenario->cold)
		world->refusals_allowed |= 1u << REFUSAL_STORE_EMPTY | 1u << REFUSAL_STORE_FOREIGN;
	for (int i = 0; i < world->partitions; i++)
		input_make(world, &world->inputs[i]);
	for (int i = 0; i < world->daemon_count; i++) {
		world->daemons[i].name = world->scenario->twins ? i / 2 : i;
		daemon_start(world, &world->daemons[i]);
	}
}

static void grow_log(struct world *world)
{
	struct input *input = &world->inputs[random_below(world, world->partitions)];

	input->visible += input->visible < input->length;
}

/* Dead ones come back, hung ones are thrown out and wake up, in any order. */
static void disturb(struct world *world, struct daemon *daemon)
{
	if (!daemon->alive && random_percent(world, 15))
		daemon_start(world, daemon);
	else if ((!daemon->alive || daemon->paused) && random_percent(world, 20))
		group_remove(world, daemon->name);
	else if (daemon->paused && random_percent(world, 15)) {
		TRACE(world, "daemon %d: wakes up", daemon->name);
		daemon->paused = false;
	}
}

/* Quiet spells, so that work gets done, and storms. */
static void draw_weather(struct world *world)
{
	static const int percents[] = { 0, 1, 3, 8 };

	world->fault_percent = percents[random_below(world, 4)];
}

static void step(struct world *world)
{
	struct daemon *daemon = &world->daemons[random_below(world, world->daemon_count)];
	int draw = random_below(world, 100);

	world->now += STEP_MS;
	world->counts->steps++;
	if (draw < world->fault_percent)
		faults_strike(world);
	else if (draw < 12)
		grow_log(world);
	else if (draw < 16)
		redis_run_late(world);
	else if (draw < 20)
		kafka_run_late(world);
	else if (draw < 28)
		group_step(world);
	else if (world->redis.down && draw < (world->scenario->alone ? 29 : 32))
		world->redis.down = false;
	else if (!daemon->alive || daemon->paused)
		disturb(world, daemon);
	else
		daemon_step(world, daemon);
}

/* ---- rest ---- */

static void heal(struct world *world)
{
	TRACE(world, "no more faults");
	world->healing = true;
	world->redis.down = false;
	for (int i = 0; i < world->partitions; i++)
		world->inputs[i].visible = world->inputs[i].length;
	for (int i = 0; i < world->daemon_count; i++) {
		struct daemon *daemon = &world->daemons[i];

		daemon->paused = false;
		if (daemon_has_twin(world, daemon))
			daemon_crash(world, daemon);
		else if (!daemon->alive)
			daemon_start(world, daemon);
	}
}

static bool group_is_current(const struct world *world, int group, int partition)
{
	const struct committed *entry = &world->kafka.groups[group][partition];

	return entry->present && entry->ours && entry->offset == world->inputs[partition].length;
}

static bool at_rest(const struct world *world)
{
	for (int i = 0; i < world->partitions; i++) {
		if (world->redis.shards[i].applied != world->inputs[i].length)
			return false;
		if (!group_is_current(world, GROUP_REAL, i) || !group_is_current(world, GROUP_SHADOW, i))
			return false;
	}
	return world->kafka.late_count == 0 && world->redis.late_count == 0 && !kafka_left_open(world);
}

static void turn(struct world *world)
{
	world->now += STEP_MS;
	world->counts->steps++;
	if (random_percent(world, 20)) {
		kafka_run_late(world);
		redis_run_late(world);
	}
	if (random_percent(world, 2))
		kafka_expire(world, random_below(world, world->daemon_count)); /* nothing stays open for ever */
	group_step(world);
	for (int i = 0; i < world->daemon_count && !world->refused; i++) {
		struct daemon *daemon = &world->daemons[i];

		if (daemon->alive)
			daemon_turn(world, daemon);
		else if (!daemon_has_twin(world, daemon))
			daemon_start(world, daemon); /* a graceful stop that began before */
	}
}

static void come_to_rest(struct world *world)
{
	int rounds = 0;

	heal(world);
	while (!at_rest(world) && !world->refused)
		if (turn(world), ++rounds > REST_ROUNDS)
			violate(world, "stuck: W %d %d, done %d %d, of %d %d", world->redis.shards[0].applied,
				world->redis.shards[1].applied, world->kafka.done[0], world->kafka.done[1],
				world->inputs[0].length, world->inputs[1].length);
}

/* Every chunk that a daemon ever made must come back. */
static void tear_down(struct world *world)
{
	for (int i = 0; i < world->daemon_count; i++) {
		struct daemon *daemon = &world->daemons[i];
		size_t open = 0;

		if (!daemon->alive)
			continue;
		protocol_close(daemon->protocol);
		daemon_pump(world, daemon);
		for (int j = 0; j < world->partitions; j++)
			open += (daemon->places[j].open != NULL) + (daemon->places[j].second.open != NULL);
		if (daemon->alive && daemon->chunks_used != open)
			violate(world, "%zu chunks never came back", daemon->chunks_used - open);
	}
}

static void free_protocols(struct world *world)
{
	for (int i = 0; i < world->daemon_count; i++)
		protocol_free(&world->daemons[i].protocol);
}

static void run(struct world *world)
{
	set_up(world);
	int steps = 100 + random_below(world, 500);
	for (int i = 0; i < steps && !world->refused; i++) {
		if (i % 50 == 0)
			draw_weather(world);
		step(world);
	}
	if (!world->refused)
		come_to_rest(world);
	tear_down(world);
}

bool world_run(struct world *world, const struct scenario *scenario, uint64_t seed, struct counts *counts)
{
	bool was_traced = world->trace;
	enum sim_bug bug = world->bug;

	memset(world, 0, sizeof(*world));
	world->trace = was_traced;
	world->bug = bug;
	world->seed = seed;
	world->random = seed * 0x2545f4914f6cdd1du + 1;
	world->scenario = scenario;
	world->counts = counts;
	world->now = 1000;
	counts->runs++;
	running = world;
	if (setjmp(world->failed) == 0)
		run(world);
	running = NULL;
	free_protocols(world);
	counts->violations += world->violation[0] != '\0';
	return world->violation[0] == '\0';
}
