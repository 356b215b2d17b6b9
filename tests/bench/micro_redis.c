/* SPDX-License-Identifier: Apache-2.0 */
/* What the function costs Redis: CPU of its main thread an event, in chunks of 100 and 500, against three bare
 * pipelined HINCRBYs an event (the rider's counter, the shard's, the area's), which count no report, drop no repeat and
 * can count twice. A redis-server of its own, on a unix socket, without persistence. Also the longest time that one
 * chunk keeps Redis from everything else. */
#include <hiredis/hiredis.h>
#include <stdio.h>
#include <stdlib.h>
#include "bench/micro_world.h"
#include "must.h"
#include "chunk.h"
#include "unit/redis_server.h"

#define ROUNDS 9
#define LOOKS 3
#define ROUND_EVENTS 10000 /* after a first round of them, which is not counted */
#define UUID "0a1b2c3d-4e5f-4071-8293-a4b5c6d7e8f9"
#define COUNTS_AN_EVENT 3

struct bench {
	const struct micro_world *world;
	const struct micro_events *events;
	struct redis_server server;
	redisContext *redis;
	struct stream stream;
	int64_t applied;
	size_t next; /* event */
	struct arena arena;
};

static const char *error_of(const struct bench *bench, const redisReply *reply)
{
	return reply ? reply->str : bench->redis->errstr;
}

static void check(const struct bench *bench, const redisReply *reply, bool good)
{
	if (good)
		return;
	fprintf(stderr, "micro: redis-server below %s: %s\n", bench->server.folder, error_of(bench, reply));
	exit(70);
}

static redisReply *take_reply(const struct bench *bench)
{
	void *reply = NULL;

	check(bench, NULL, redisGetReply(bench->redis, &reply) == REDIS_OK);
	check(bench, reply, ((redisReply *)reply)->type != REDIS_REPLY_ERROR);
	return reply;
}

static double number_after(const char *text, const char *name)
{
	const char *at = strstr(text, name);

	MUST(at);
	return strtod(at + strlen(name), NULL);
}

/* Seconds of CPU that Redis' main thread has used. */
static double redis_cpu(const struct bench *bench)
{
	redisReply *reply = redisCommand(bench->redis, "INFO cpu");

	check(bench, reply, reply && reply->type == REDIS_REPLY_STRING);
	double seconds = number_after(reply->str, "used_cpu_sys_main_thread:") +
			 number_after(reply->str, "used_cpu_user_main_thread:");
	freeReplyObject(reply);
	return seconds;
}

/* Commands since the last RESETSTAT that the function made. */
static double commands_made(const struct bench *bench)
{
	redisReply *reply = redisCommand(bench->redis, "INFO commandstats");
	double count = 0;

	check(bench, reply, reply && reply->type == REDIS_REPLY_STRING);
	for (const char *at = reply->str; (at = strstr(at, "cmdstat_")); at++) {
		if (strncmp(at, "cmdstat_h", 9) == 0 || strncmp(at, "cmdstat_expire", 14) == 0 ||
		    strncmp(at, "cmdstat_append", 14) == 0 || strncmp(at, "cmdstat_sadd", 12) == 0)
			count += number_after(at, "calls=");
	}
	freeReplyObject(reply);
	return count;
}

/* ---- the function ---- */

static struct batch {
	struct chunk *chunks[ROUND_EVENTS];
	size_t count;
} batch;

struct row {
	size_t size; /* of a chunk */
	const char *cpu, *commands, *longest;
};

/* Decides the next events in chunks of that size and writes their commands. */
static void decide(struct bench *bench, struct batch *into, size_t size)
{
	const struct micro_world *world = bench->world;

	into->count = 0;
	for (size_t done = 0; done < ROUND_EVENTS; done += size) {
		struct chunk *chunk = chunk_new(0, bench->applied, world->ruleset);
		struct apply_target target = { .topic = SLICE("rider.reports.v1"),
					       .store_uuid = UUID,
					       .from = bench->applied,
					       .to = bench->applied + (int64_t)size,
					       .dedup_hours = 24,
					       .limits = ruleset_points_limits(world->ruleset) };
		for (size_t i = 0; i < size; i++)
			pipeline_run(world->settings, &bench->stream, &bench->events->list[bench->next++]->record, true,
				     chunk);
		bench->applied = target.to;
		target.stream_time_ms = chunk->stream_time_ms;
		chunk_compact(chunk, effects_apply_command(chunk->effects, &target, &chunk->arena));
		into->chunks[into->count++] = chunk;
	}
}

static void apply(const struct bench *bench, const struct chunk *chunk)
{
	check(bench, NULL,
	      redisAppendFormattedCommand(bench->redis, chunk->command.data, chunk->command.size) == REDIS_OK);
	redisReply *reply = take_reply(bench);
	check(bench, reply,
	      reply->type == REDIS_REPLY_ARRAY && reply->elements == 4 && strcmp(reply->element[0]->str, "ok") == 0 &&
		      reply->element[2]->integer == 0);
	freeReplyObject(reply);
}

/* Microseconds of CPU an event. */
static double time_chunks(const struct bench *bench, const struct batch *of)
{
	double before = redis_cpu(bench);

	for (size_t i = 0; i < of->count; i++)
		apply(bench, of->chunks[i]);
	return (redis_cpu(bench) - before) / ROUND_EVENTS * 1e6;
}

/* Milliseconds of CPU of the chunk that took most; asking for the CPU is measured by itself and left out. */
static double longest_chunk(const struct bench *bench, const struct batch *of)
{
	double longest = 0, asking = 1, before = redis_cpu(bench);

	for (size_t i = 0; i < of->count; i++) {
		double ready = redis_cpu(bench);
		asking = ready - before < asking ? ready - before : asking;
		apply(bench, of->chunks[i]);
		before = redis_cpu(bench);
		longest = before - ready > longest ? before - ready : longest;
	}
	return (longest - asking) * 1e3;
}

static void forget(struct batch *of)
{
	for (size_t i = 0; i < of->count; i++)
		chunk_free(&of->chunks[i]);
}

/* ---- the floor ---- */

static void count_one(const struct bench *bench, struct slice key, struct slice field)
{
	const char *arguments[] = { "HINCRBY", key.data, field.data, "1" };
	size_t sizes[] = { 7, key.size, field.size, 1 };

	check(bench, NULL, redisAppendCommandArgv(bench->redis, 4, arguments, sizes) == REDIS_OK);
}

static struct slice area_field(const struct rider_event *event, char field[64])
{
	struct slice area = event->type == EVENT_DELIVERY_COMPLETED ? event->delivery.jurisdiction_id
			    : event->type == EVENT_REPORT_CREATED   ? event->report.jurisdiction_id
								    : SLICE("");
	int size = snprintf(field, 64, "%.*s:deliveries", (int)area.size, area.data ? area.data : "");

	return (struct slice){ field, (size_t)size };
}

/* Microseconds of CPU an event, for the same riders as in the chunks before `next`; pipelined as deep as a chunk is
 * long. */
static double time_counts(struct bench *bench, size_t depth)
{
	size_t first = bench->next - ROUND_EVENTS;
	double before = redis_cpu(bench);

	for (size_t i = 0; i < ROUND_EVENTS; i++) {
		const struct rider_event *event = &bench->events->list[first + i]->event;
		struct slice rider = rider_key(event->rider_id, &bench->arena);
		char key[256], field[64];
		int size = snprintf(key, sizeof(key), "rw:{1}:rider:%.*s", (int)rider.size, rider.data);
		count_one(bench, (struct slice){ key, (size_t)size }, SLICE("deliveries"));
		count_one(bench, SLICE("rw:{1}:totals"), SLICE("deliveries"));
		count_one(bench, SLICE("rw:{1}:totals"), area_field(event, field));
		if ((i + 1) % depth == 0) {
			for (size_t k = 0; k < COUNTS_AN_EVENT * depth; k++)
				freeReplyObject(take_reply(bench));
		}
	}
	arena_reset(&bench->arena);
	return (redis_cpu(bench) - before) / ROUND_EVENTS * 1e6;
}

/* ---- rounds ---- */

static void begin(struct bench *bench)
{
	redisReply *reply = redisCommand(bench->redis, "FLUSHALL");

	freeReplyObject(reply);
	reply = redisCommand(bench->redis,
			     "FCALL rw_load_v1 2 rw:{0}:log:rider.reports.v1 rw:{0}:feeds create 0 %s "
			     "000102030405060708090a0b0c0d0e0f rider.reports.v1",
			     UUID);
	check(bench, reply, reply && reply->type == REDIS_REPLY_ARRAY);
	freeReplyObject(reply);
	bench->applied = 0;
	bench->next = 0;
	bench->stream = (struct stream){ .seen = seen_new(), .time_ms = STREAM_TIME_NONE };
}

/* CPU of chunks and of bare counts, alternating; a first round makes the riders known and is not counted. */
static void compare_cpu(struct bench *bench, const struct row *row)
{
	double times[ROUNDS], floor_times[ROUNDS];

	begin(bench);
	for (size_t round = 0; round <= ROUNDS; round++) {
		decide(bench, &batch, row->size);
		double took = time_chunks(bench, &batch), floor_took = time_counts(bench, row->size);
		forget(&batch);
		if (round > 0) {
			times[round - 1] = took;
			floor_times[round - 1] = floor_took;
		}
	}
	seen_free(&bench->stream.seen);
	micro_show(&(struct micro_figure){ .step = row->cpu,
					   .unit = "us",
					   .values = times,
					   .count = ROUNDS,
					   .floor = "3 pipelined HINCRBYs an event",
					   .floor_values = floor_times,
					   .kind = GOAL_RATIO_AT_MOST,
					   .goal = 1.3 });
}

/* The same events again, to an empty state: they are new there. */
static void show_longest(struct bench *bench, const struct row *row)
{
	double longest[LOOKS], commands[LOOKS];

	begin(bench);
	for (size_t round = 0; round <= LOOKS; round++) {
		decide(bench, &batch, row->size);
		freeReplyObject(redisCommand(bench->redis, "CONFIG RESETSTAT"));
		double took = longest_chunk(bench, &batch), made = commands_made(bench);
		forget(&batch);
		if (round > 0) {
			longest[round - 1] = took;
			commands[round - 1] = made / ROUND_EVENTS;
		}
	}
	seen_free(&bench->stream.seen);
	micro_show(&(struct micro_figure){ .step = row->commands, .unit = "", .values = commands, .count = LOOKS });
	micro_show(&(struct micro_figure){ .step = row->longest,
					   .unit = "ms",
					   .values = longest,
					   .count = LOOKS,
					   .kind = GOAL_VALUE_AT_MOST,
					   .goal = 1 });
}

/* The default mix of the generator, of which 95 % are deliveries. */
#define MOSTLY_DELIVERIES "--count 110000 --malformed 0 --partitions 1 --riders 50000"

static void measure(struct bench *bench)
{
	struct micro_events mostly;
	static const struct row rows[] = {
		{ 100, "Redis, an event, 80/20, chunks of 100", "Redis, commands an event, 80/20, 100",
		  "Redis, longest chunk, 80/20, 100" },
		{ 500, "Redis, an event, 80/20, chunks of 500", "Redis, commands an event, 80/20, 500",
		  "Redis, longest chunk, 80/20, 500" },
		{ 100, "Redis, an event, 95/5, chunks of 100", "Redis, commands an event, 95/5, 100",
		  "Redis, longest chunk, 95/5, 100" },
		{ 500, "Redis, an event, 95/5, chunks of 500", "Redis, commands an event, 95/5, 500",
		  "Redis, longest chunk, 95/5, 500" },
	};

	micro_events_generate(&mostly, bench->world->generator, MOSTLY_DELIVERIES);
	MUST(bench->world->events->count >= (ROUNDS + 1) * ROUND_EVENTS && mostly.count >= (ROUNDS + 1) * ROUND_EVENTS);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		bench->events = i < 2 ? bench->world->events : &mostly;
		compare_cpu(bench, &rows[i]);
		show_longest(bench, &rows[i]);
	}
	arena_fini(&mostly.arena);
	free(mostly.list);
}

void micro_redis(const struct micro_world *world)
{
	/* What README.md below pipelines/redis asks for; totals with hundreds of areas are then hash tables, as on a
	 * server in use. */
	static const char *const options[] = { "--appendonly", "no", "--hash-max-listpack-entries", "64", NULL };
	static struct bench bench;

	bench.world = world;
	redis_server_start(&bench.server, options);
	bench.redis = redisConnectUnix(bench.server.socket);
	check(&bench, NULL, bench.redis && !bench.redis->err);
	redisReply *reply = redisCommand(bench.redis, "FUNCTION LOAD %s", redis_library_text);
	check(&bench, reply, reply && reply->str && strcmp(reply->str, redis_library_name) == 0);
	freeReplyObject(reply);
	arena_init(&bench.arena);
	measure(&bench);
	arena_fini(&bench.arena);
	redisFree(bench.redis);
	redis_server_stop(&bench.server);
}
