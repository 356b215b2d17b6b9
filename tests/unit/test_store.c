/* SPDX-License-Identifier: Apache-2.0 */
/* The Redis adapter against a real Redis that is refused, killed, stopped, emptied of its functions and given other
 * passwords. */
#include "store.h"
#include "redis_server.h"

#include <setjmp.h>
#include <stdarg.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>
#include <hiredis/hiredis.h>

#define WAIT_MS 15000
#define TOPIC SLICE("reports")
#define PARTITION 7
#define START_MS 1795572000000LL
#define IDS 1000000

/* ---- what the store's owner saw ---- */

struct owner {
	struct redis_server server;
	struct event_base *base;
	struct config config;
	struct store *store;
	char password_file[96];
	int ready, lost, loaded, applied, watched, fatal;
	enum apply_result results[16];
	struct protocol_chunk *chunks[16];
	uint32_t conflicts;
	struct load_reply reply, state;
	struct stream *stream;
	char fatal_text[1024];
};

static void on_ready(void *context)
{
	((struct owner *)context)->ready++;
}

static void on_lost(void *context)
{
	((struct owner *)context)->lost++;
}

static void free_stream(struct owner *owner)
{
	if (owner->stream) {
		seen_free(&owner->stream->seen);
		free(owner->stream);
		owner->stream = NULL;
	}
}

static void on_loaded(void *context, int slot, uint64_t token, const struct load_reply *reply, struct stream *stream)
{
	struct owner *owner = context;
	assert_int_equal(slot, 3);
	assert_int_equal(token, 44);
	free_stream(owner);
	owner->stream = stream;
	owner->reply = *reply;
	owner->loaded++;
}

static void on_applied(void *context, struct protocol_chunk *chunk, enum apply_result result, uint32_t conflicts,
		       uint32_t unmatched)
{
	struct owner *owner = context;
	assert_int_equal(unmatched, 0);
	owner->conflicts += conflicts;
	owner->chunks[owner->applied] = chunk;
	owner->results[owner->applied++] = result;
}

static void on_watched(void *context, int slot, uint64_t token, int64_t at_least, const struct load_reply *reply)
{
	struct owner *owner = context;
	assert_int_equal(slot, 3);
	assert_int_equal(token, 44);
	assert_int_equal(at_least, 55);
	owner->state = *reply;
	owner->watched++;
}

static void on_fatal(void *context, const char *text)
{
	struct owner *owner = context;
	owner->fatal++;
	snprintf(owner->fatal_text, sizeof owner->fatal_text, "%s", text);
}

static const struct store_callbacks callbacks = { on_ready, on_lost, on_loaded, on_applied, on_watched, on_fatal };

/* ---- helpers ---- */

static int64_t now_ms(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

static int64_t cpu_us(void)
{
	struct timespec now;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return now.tv_sec * 1000000LL + now.tv_nsec / 1000;
}

static void turn(struct owner *owner, int64_t ms)
{
	struct timeval after = { ms / 1000, ms % 1000 * 1000 };
	event_base_loopexit(owner->base, &after);
	event_base_dispatch(owner->base);
}

/* Runs the loop until the count is there. */
static void wait_for(struct owner *owner, const int *count, int wanted)
{
	int64_t until = now_ms() + WAIT_MS;
	while (*count < wanted && now_ms() < until)
		turn(owner, 5);
	if (*count != wanted)
		fail_msg("count is %d, not %d; fatal: %s", *count, wanted, owner->fatal_text);
}

static void start_store(struct owner *owner)
{
	owner->store = store_new(owner->base, &owner->config, &callbacks, owner);
	assert_int_equal(owner->ready, 0); /* never from inside a call */
}

static void start_ready(struct owner *owner)
{
	start_store(owner);
	wait_for(owner, &owner->ready, 1);
	assert_true(store_is_ready(owner->store));
}

static void start_redis(struct owner *owner, const char *const *options)
{
	redis_server_start(&owner->server, options);
	owner->config.redis_socket = owner->server.socket;
	snprintf(owner->password_file, sizeof owner->password_file, "%s/password", owner->server.folder);
}

static void set_password_file(struct owner *owner, const char *text)
{
	FILE *file = fopen(owner->password_file, "w");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
	owner->config.redis_password_file = owner->password_file;
}

/* One command over a connection of its own. */
static void command(struct owner *owner, const char *text)
{
	redisContext *redis = redisConnectUnix(owner->server.socket);
	redisReply *reply = redisCommand(redis, text);
	if (!reply || reply->type == REDIS_REPLY_ERROR)
		fail_msg("%s: %s", text, reply ? reply->str : redis->errstr);
	freeReplyObject(reply);
	redisFree(redis);
}

static long long counter(struct owner *owner, const char *text)
{
	redisContext *redis = redisConnectUnix(owner->server.socket);
	redisReply *reply = redisCommand(redis, text);
	long long number = reply && reply->str ? atoll(reply->str) : reply ? reply->integer : -1;
	freeReplyObject(reply);
	redisFree(redis);
	return number;
}

static void load(struct owner *owner, bool may_create, bool rebuild)
{
	struct store_load load = { 3, 44, TOPIC, PARTITION, may_create, rebuild, 100, 24 };
	int wanted = owner->loaded + 1;
	store_load(owner->store, &load);
	wait_for(owner, &owner->loaded, wanted);
}

/* A chunk with one delivery of rider r, and ids that begin at id. */
static void apply(struct owner *owner, struct protocol_chunk *chunk, int64_t hour, uint64_t id, size_t ids)
{
	struct arena arena;
	arena_init(&arena);
	struct effects *effects = effects_new(&arena);
	struct apply_target target = { .topic = TOPIC,
				       .partition = PARTITION,
				       .from = chunk->from,
				       .to = chunk->to,
				       .stream_time_ms = START_MS + hour * HOUR_MS,
				       .dedup_hours = 24,
				       .limits = { 1000, 20, 5000, 2, -50 } };
	memcpy(target.store_uuid, owner->reply.uuid, STORE_UUID_SIZE);
	effects_count(effects, SLICE("r"), (struct slice){ NULL, 0 }, COUNTER_DELIVERIES, 1);
	for (size_t i = 0; i < ids; i++)
		effects_journal(effects, (id + i) * 0x9e3779b97f4a7c15u);
	store_apply(owner->store, chunk, effects_apply_command(effects, &target, &arena));
	arena_fini(&arena);
}

static int set_up(void **state)
{
	struct owner *owner = calloc(1, sizeof *owner);
	owner->base = event_base_new();
	owner->config.redis_host = (char *)"127.0.0.1";
	owner->config.redis_socket = (char *)"";
	owner->config.redis_user = (char *)"";
	owner->config.redis_password_file = (char *)"";
	owner->config.redis_timeout = 3000;
	*state = owner;
	return 0;
}

static int tear_down(void **state)
{
	struct owner *owner = *state;
	store_free(&owner->store);
	assert_null(owner->store);
	free_stream(owner);
	event_base_free(owner->base);
	redis_server_stop(&owner->server);
	free(owner);
	return 0;
}

/* ---- tests ---- */

static void test_load_apply_watch(void **state)
{
	struct owner *owner = *state;
	struct protocol_chunk chunks[4] = { { .from = 100, .to = 110 },
					    { .from = 110, .to = 120 },
					    { .from = 120, .to = 130 },
					    { .from = 500, .to = 510 } };
	start_redis(owner, NULL);
	start_ready(owner);
	load(owner, false, false);
	assert_true(owner->reply.ok && owner->reply.missing);
	assert_null(owner->stream);
	load(owner, true, false);
	assert_true(owner->reply.ok && owner->reply.created && !owner->reply.missing);
	assert_int_equal(owner->reply.applied, 100);
	assert_int_equal(owner->reply.start, 100);
	assert_int_equal(owner->stream->time_ms, STREAM_TIME_NONE);
	assert_int_equal(seen_count(owner->stream->seen), 0);
	for (int i = 0; i < 4; i++)
		apply(owner, &chunks[i], 0, (uint64_t)i * 10 + 1, 10);
	wait_for(owner, &owner->applied, 4);
	for (int i = 0; i < 4; i++) {
		assert_ptr_equal(owner->chunks[i], &chunks[i]);
		assert_int_equal(owner->results[i], i < 3 ? APPLY_OK : APPLY_REFUSED);
	}
	store_watch(owner->store, 3, 44, 55, TOPIC, PARTITION);
	wait_for(owner, &owner->watched, 1);
	assert_true(owner->state.ok && !owner->state.missing);
	assert_int_equal(owner->state.applied, 130);
	assert_memory_equal(owner->state.uuid, owner->reply.uuid, STORE_UUID_SIZE);
	load(owner, false, false);
	assert_false(owner->reply.created);
	assert_int_equal(owner->stream->time_ms, START_MS);
	assert_int_equal(seen_count(owner->stream->seen), 30);
}

static void test_keys_differ_between_stores(void **state)
{
	struct owner *owner = *state;
	char uuid[STORE_UUID_SIZE];
	uint8_t key[STREAM_KEY_SIZE], none[STREAM_KEY_SIZE] = { 0 };
	start_redis(owner, NULL);
	start_ready(owner);
	load(owner, true, false);
	memcpy(uuid, owner->reply.uuid, sizeof uuid);
	memcpy(key, owner->stream->key, sizeof key);
	assert_memory_not_equal(key, none, sizeof key);
	load(owner, true, false);
	assert_memory_equal(uuid, owner->reply.uuid, sizeof uuid);
	assert_memory_equal(key, owner->stream->key, sizeof key);
	load(owner, true, true);
	assert_true(owner->reply.created);
	assert_memory_not_equal(uuid, owner->reply.uuid, sizeof uuid);
	assert_memory_not_equal(key, owner->stream->key, sizeof key);
}

static void test_foreign_and_conflict(void **state)
{
	struct owner *owner = *state;
	struct protocol_chunk chunk = { .from = 100, .to = 110 };
	start_redis(owner, NULL);
	start_ready(owner);
	load(owner, true, false);
	command(owner, "SET rw:{7}:rider:r text");
	apply(owner, &chunk, 0, 1, 1);
	wait_for(owner, &owner->applied, 1);
	assert_int_equal(owner->results[0], APPLY_OK);
	assert_int_equal(owner->conflicts, 1);
	owner->reply.uuid[0] ^= 1;
	apply(owner, &chunk, 0, 1, 1);
	wait_for(owner, &owner->applied, 2);
	assert_int_equal(owner->results[1], APPLY_FOREIGN);
}

/* A million ids over 25 hours come back whole, and the loop is never held for long. */
static void test_load_of_a_large_journal(void **state)
{
	struct owner *owner = *state;
	enum { CHUNK = 10000, HOURS = 25 };
	start_redis(owner, NULL);
	start_ready(owner);
	load(owner, true, false);
	for (int i = 0; i < IDS / CHUNK; i++) {
		struct protocol_chunk chunk = { .from = 100 + i, .to = 101 + i };
		owner->applied = 0;
		apply(owner, &chunk, i * HOURS / (IDS / CHUNK), (uint64_t)i * CHUNK + 1, CHUNK);
		wait_for(owner, &owner->applied, 1);
		assert_int_equal(owner->results[0], APPLY_OK);
	}
	int64_t before = now_ms(), cpu_before = cpu_us(), longest = 0;
	struct store_load load = { 3, 44, TOPIC, PARTITION, false, false, 0, 24 };
	owner->loaded = 0;
	store_load(owner->store, &load);
	while (!owner->loaded) {
		int64_t at = cpu_us();
		event_base_loop(owner->base, EVLOOP_ONCE);
		longest = cpu_us() - at > longest ? cpu_us() - at : longest;
	}
	print_message("load of %d ids: %lld ms, %lld ms of CPU, longest turn %lld us of CPU\n", IDS,
		      (long long)(now_ms() - before), (long long)(cpu_us() - cpu_before) / 1000, (long long)longest);
	assert_in_range(longest, 0, 100000);
	assert_true(owner->reply.ok);
	assert_int_equal(owner->reply.applied, 100 + IDS / CHUNK);
	assert_int_equal(seen_count(owner->stream->seen), IDS);
	uint32_t hour = stream_hour(owner->stream);
	bool changed;
	for (uint64_t id = 1; id <= IDS; id += 997)
		assert_true(seen_check(owner->stream->seen, id * 0x9e3779b97f4a7c15u, hour, 24, &changed));
	assert_false(seen_check(owner->stream->seen, (IDS + 1) * 0x9e3779b97f4a7c15u, hour, 24, &changed));
}

/* A chunk that is applied between the parts of a load: what was read then does not belong together and is read again.
 */
static void test_apply_during_load(void **state)
{
	struct owner *owner = *state;
	struct protocol_chunk chunks[2] = { { .from = 100, .to = 110 }, { .from = 110, .to = 120 } };
	struct store_load again = { 3, 44, TOPIC, PARTITION, false, false, 0, 24 };
	start_redis(owner, NULL);
	start_ready(owner);
	load(owner, true, false);
	apply(owner, &chunks[0], 0, 1, 10);
	wait_for(owner, &owner->applied, 1);
	store_load(owner->store, &again);
	apply(owner, &chunks[1], 25, 11, 10); /* also drops the bucket of the first */
	wait_for(owner, &owner->loaded, 2);
	assert_true(owner->reply.ok);
	assert_int_equal(owner->reply.applied, 120);
	assert_int_equal(owner->stream->time_ms, START_MS + 25 * HOUR_MS);
	assert_int_equal(seen_count(owner->stream->seen), 10);
	assert_int_equal(owner->fatal, 0);
}

static void test_deleted_bucket_is_loud(void **state)
{
	struct owner *owner = *state;
	struct protocol_chunk chunk = { .from = 100, .to = 110 };
	struct store_load again = { 3, 44, TOPIC, PARTITION, false, false, 0, 24 };
	start_redis(owner, NULL);
	start_ready(owner);
	load(owner, true, false);
	apply(owner, &chunk, 0, 1, 10);
	wait_for(owner, &owner->applied, 1);
	command(owner, "DEL rw:{7}:seen:reports:498770");
	store_load(owner->store, &again);
	wait_for(owner, &owner->fatal, 1);
	assert_non_null(strstr(owner->fatal_text, "rw:{7}:seen:reports"));
	assert_int_equal(owner->loaded, 1);
}

static void test_rebuild_of_a_full_shard_is_refused(void **state)
{
	struct owner *owner = *state;
	struct protocol_chunk chunk = { .from = 100, .to = 110 };
	struct store_load rebuild = { 3, 44, TOPIC, PARTITION, true, true, 100, 24 };
	start_redis(owner, NULL);
	start_ready(owner);
	load(owner, true, false);
	apply(owner, &chunk, 0, 1, 10);
	wait_for(owner, &owner->applied, 1);
	store_load(owner->store, &rebuild);
	wait_for(owner, &owner->fatal, 1);
	assert_non_null(strstr(owner->fatal_text, "redis.rebuild"));
	assert_int_equal(counter(owner, "HGET rw:{7}:rider:r deliveries"), 1);
}

static void test_refused_until_redis_is_there(void **state)
{
	struct owner *owner = *state;
	start_redis(owner, NULL);
	redis_server_kill(&owner->server, SIGKILL);
	start_store(owner);
	turn(owner, 300);
	assert_int_equal(owner->ready + owner->lost + owner->fatal, 0);
	redis_server_again(&owner->server);
	wait_for(owner, &owner->ready, 1);
	assert_int_equal(owner->lost, 0);
}

static void test_tcp_refused(void **state)
{
	struct owner *owner = *state;
	owner->config.redis_port = 1;
	start_store(owner);
	turn(owner, 300);
	assert_int_equal(owner->ready + owner->lost + owner->fatal, 0);
	struct store_stats stats;
	store_stats(owner->store, &stats);
	assert_false(stats.up);
	assert_int_equal(stats.connects, 0);
}

/* Whatever was in flight is unknown; sent again it counts once. */
static void test_kill_and_restart(void **state)
{
	struct owner *owner = *state;
	struct protocol_chunk chunks[3] = { { .from = 100, .to = 110 },
					    { .from = 110, .to = 120 },
					    { .from = 120, .to = 130 } };
	start_redis(owner, (const char *const[]){ "--appendonly", "yes", NULL });
	start_ready(owner);
	load(owner, true, false);
	apply(owner, &chunks[0], 0, 1, 10);
	wait_for(owner, &owner->applied, 1);
	kill(owner->server.pid, SIGSTOP);
	apply(owner, &chunks[1], 0, 11, 10);
	turn(owner, 20);
	redis_server_kill(&owner->server, SIGKILL);
	wait_for(owner, &owner->lost, 1);
	assert_false(store_is_ready(owner->store));
	assert_int_equal(owner->applied, 1);
	redis_server_again(&owner->server);
	wait_for(owner, &owner->ready, 2);
	for (int i = 1; i < 3; i++)
		apply(owner, &chunks[i], 0, 1 + 10 * (uint64_t)i, 10);
	wait_for(owner, &owner->applied, 3);
	assert_int_equal(owner->results[1], APPLY_OK);
	assert_int_equal(owner->results[2], APPLY_OK);
	assert_int_equal(counter(owner, "HGET rw:{7}:rider:r deliveries"), 3);
	assert_int_equal(counter(owner, "STRLEN rw:{7}:seen:reports:498770"), 240);
	assert_int_equal(owner->lost, 1);
}

/* A loss in the middle of a load ends it without a word. */
static void test_kill_while_loading(void **state)
{
	struct owner *owner = *state;
	struct store_load again = { 3, 44, TOPIC, PARTITION, true, false, 100, 24 };
	start_redis(owner, NULL);
	start_ready(owner);
	kill(owner->server.pid, SIGSTOP);
	store_load(owner->store, &again);
	store_watch(owner->store, 3, 44, 55, TOPIC, PARTITION);
	redis_server_kill(&owner->server, SIGKILL);
	wait_for(owner, &owner->lost, 1);
	assert_int_equal(owner->loaded + owner->watched, 0);
	struct store_stats stats;
	store_stats(owner->store, &stats);
	assert_int_equal(stats.in_flight, 0);
}

static void test_free_with_calls_in_flight(void **state)
{
	struct owner *owner = *state;
	struct store_load again = { 3, 44, TOPIC, PARTITION, true, false, 100, 24 };
	struct protocol_chunk chunk = { .from = 100, .to = 110 };
	start_redis(owner, NULL);
	start_ready(owner);
	store_load(owner->store, &again);
	apply(owner, &chunk, 0, 1, 1);
	store_watch(owner->store, 3, 44, 55, TOPIC, PARTITION);
	store_free(&owner->store);
	turn(owner, 20);
	assert_int_equal(owner->loaded + owner->watched + owner->applied + owner->lost, 0);
}

static void test_stopped_redis_times_out(void **state)
{
	struct owner *owner = *state;
	struct protocol_chunk chunk = { .from = 100, .to = 110 };
	owner->config.redis_timeout = 200;
	start_redis(owner, NULL);
	start_ready(owner);
	load(owner, true, false);
	kill(owner->server.pid, SIGSTOP);
	apply(owner, &chunk, 0, 1, 1);
	int64_t before = now_ms();
	wait_for(owner, &owner->lost, 1);
	assert_in_range(now_ms() - before, 150, 5000);
	turn(owner, 700); /* connects, gets no answer, tries again */
	assert_int_equal(owner->lost, 1);
	assert_int_equal(owner->ready, 1);
	kill(owner->server.pid, SIGCONT);
	wait_for(owner, &owner->ready, 2);
	apply(owner, &chunk, 0, 1, 1);
	wait_for(owner, &owner->applied, 1);
	assert_int_equal(owner->results[0], APPLY_OK);
	assert_int_equal(counter(owner, "HGET rw:{7}:rider:r deliveries"), 1);
}

/* An idle connection is no reason to reconnect. */
static void test_quiet_is_not_lost(void **state)
{
	struct owner *owner = *state;
	owner->config.redis_timeout = 100;
	start_redis(owner, NULL);
	start_ready(owner);
	turn(owner, 400);
	assert_int_equal(owner->lost, 0);
}

static void test_function_flush(void **state)
{
	struct owner *owner = *state;
	struct protocol_chunk chunk = { .from = 100, .to = 110 };
	start_redis(owner, NULL);
	start_ready(owner);
	load(owner, true, false);
	command(owner, "FUNCTION FLUSH");
	apply(owner, &chunk, 0, 1, 1);
	wait_for(owner, &owner->applied, 1);
	assert_int_equal(owner->results[0], APPLY_RETRY);
	apply(owner, &chunk, 0, 1, 1);
	wait_for(owner, &owner->applied, 2);
	assert_int_equal(owner->results[1], APPLY_OK);
	assert_int_equal(owner->lost, 0);
}

static void test_other_library_is_replaced(void **state)
{
	struct owner *owner = *state;
	start_redis(owner, NULL);
	redisContext *redis = redisConnectUnix(owner->server.socket);
	redisReply *reply = redisCommand(
		redis, "FUNCTION LOAD %s",
		"#!lua name=riderwatch_v1\nredis.register_function('rw_load_v1', function() return 7 end)");
	assert_int_equal(reply->type, REDIS_REPLY_STRING);
	freeReplyObject(reply);
	redisFree(redis);
	start_ready(owner);
	load(owner, true, false);
	assert_true(owner->reply.created);
}

/* The same text is not loaded again: that would flush what other instances run. */
static void test_same_library_is_kept(void **state)
{
	struct owner *owner = *state;
	start_redis(owner, NULL);
	start_ready(owner);
	command(owner, "CONFIG RESETSTAT");
	store_free(&owner->store);
	owner->ready = 0;
	start_ready(owner);
	redisContext *redis = redisConnectUnix(owner->server.socket);
	redisReply *reply = redisCommand(redis, "INFO commandstats");
	assert_non_null(strstr(reply->str, "cmdstat_function|list"));
	assert_null(strstr(reply->str, "cmdstat_function|load"));
	freeReplyObject(reply);
	redisFree(redis);
}

static void test_out_of_memory_is_retried(void **state)
{
	struct owner *owner = *state;
	struct protocol_chunk chunk = { .from = 100, .to = 110 };
	start_redis(owner, NULL);
	start_ready(owner);
	load(owner, true, false);
	command(owner, "CONFIG SET maxmemory 1");
	apply(owner, &chunk, 0, 1, 1);
	wait_for(owner, &owner->applied, 1);
	assert_int_equal(owner->results[0], APPLY_RETRY);
	command(owner, "CONFIG SET maxmemory 0");
	apply(owner, &chunk, 0, 1, 1);
	wait_for(owner, &owner->applied, 2);
	assert_int_equal(owner->results[1], APPLY_OK);
	struct store_stats stats;
	store_stats(owner->store, &stats);
	assert_int_equal(stats.retries, 1);
	assert_int_equal(stats.applied, 1);
	assert_true(stats.up && stats.latency_us_max > 0);
}

/* The primary became a replica: this connection is of no use until it is a primary again. */
static void test_read_only_replica(void **state)
{
	struct owner *owner = *state;
	struct protocol_chunk chunk = { .from = 100, .to = 110 };
	start_redis(owner, NULL);
	start_ready(owner);
	load(owner, true, false);
	command(owner, "REPLICAOF 127.0.0.1 1");
	apply(owner, &chunk, 0, 1, 1);
	wait_for(owner, &owner->lost, 1);
	turn(owner, 300);
	assert_int_equal(owner->ready, 1);
	command(owner, "REPLICAOF NO ONE");
	wait_for(owner, &owner->ready, 2);
	apply(owner, &chunk, 0, 1, 1);
	wait_for(owner, &owner->applied, 1);
	assert_int_equal(owner->results[0], APPLY_OK);
}

static void expect_fatal(struct owner *owner, const char *part)
{
	start_store(owner);
	wait_for(owner, &owner->fatal, 1);
	assert_non_null(strstr(owner->fatal_text, part));
	turn(owner, 300);
	assert_int_equal(owner->fatal, 1);
	assert_int_equal(owner->ready, 0);
}

static void test_password_is_missing(void **state)
{
	struct owner *owner = *state;
	start_redis(owner, (const char *const[]){ "--requirepass", "right", NULL });
	expect_fatal(owner, "redis.password_file");
}

static void test_password_is_wrong(void **state)
{
	struct owner *owner = *state;
	start_redis(owner, (const char *const[]){ "--requirepass", "right", NULL });
	set_password_file(owner, "wrong\n");
	expect_fatal(owner, "redis.password_file");
	assert_null(strstr(owner->fatal_text, "wrong\n"));
}

static void test_password_is_read_again(void **state)
{
	struct owner *owner = *state;
	start_redis(owner, (const char *const[]){ "--requirepass", "right", NULL });
	set_password_file(owner, "right\n");
	start_ready(owner);
	redis_server_kill(&owner->server, SIGKILL);
	wait_for(owner, &owner->lost, 1);
	owner->server.options[1] = "other";
	set_password_file(owner, "other");
	redis_server_again(&owner->server);
	wait_for(owner, &owner->ready, 2);
}

static void test_user_without_permission(void **state)
{
	struct owner *owner = *state;
	start_redis(owner, NULL);
	command(owner, "ACL SETUSER daemon on >secret ~rw:* +@all -function");
	owner->config.redis_user = (char *)"daemon";
	set_password_file(owner, "secret");
	expect_fatal(owner, "NOPERM");
}

/* INFO and CONFIG may be denied, as hosting providers do. */
static void test_user_without_admin_commands(void **state)
{
	struct owner *owner = *state;
	start_redis(owner, NULL);
	command(owner,
		"ACL SETUSER daemon on >secret ~rw:* +fcall +function|load +function|list +get +set +getrange +strlen "
		"+hget +hmget +hset +hincrby +del +unlink +expireat +append +time");
	owner->config.redis_user = (char *)"daemon";
	set_password_file(owner, "secret");
	start_ready(owner);
	load(owner, true, false);
	assert_true(owner->reply.created);
}

static void test_evicting_policy(void **state)
{
	struct owner *owner = *state;
	start_redis(owner, (const char *const[]){ "--maxmemory", "100mb", "--maxmemory-policy", "allkeys-lru", NULL });
	expect_fatal(owner, "noeviction");
}

static void test_evicting_policy_without_limit(void **state)
{
	struct owner *owner = *state;
	start_redis(owner, (const char *const[]){ "--maxmemory-policy", "allkeys-lru", NULL });
	start_ready(owner);
}

static void test_other_schema(void **state)
{
	struct owner *owner = *state;
	start_redis(owner, NULL);
	command(owner, "SET rw:schema 2");
	expect_fatal(owner, "rw:schema");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	signal(SIGPIPE, SIG_IGN);
	const struct CMUnitTest tests[] = {
		TEST(test_load_apply_watch),
		TEST(test_keys_differ_between_stores),
		TEST(test_foreign_and_conflict),
		TEST(test_load_of_a_large_journal),
		TEST(test_apply_during_load),
		TEST(test_deleted_bucket_is_loud),
		TEST(test_rebuild_of_a_full_shard_is_refused),
		TEST(test_refused_until_redis_is_there),
		TEST(test_tcp_refused),
		TEST(test_kill_and_restart),
		TEST(test_kill_while_loading),
		TEST(test_free_with_calls_in_flight),
		TEST(test_stopped_redis_times_out),
		TEST(test_quiet_is_not_lost),
		TEST(test_function_flush),
		TEST(test_other_library_is_replaced),
		TEST(test_same_library_is_kept),
		TEST(test_out_of_memory_is_retried),
		TEST(test_read_only_replica),
		TEST(test_password_is_missing),
		TEST(test_password_is_wrong),
		TEST(test_password_is_read_again),
		TEST(test_user_without_permission),
		TEST(test_user_without_admin_commands),
		TEST(test_evicting_policy),
		TEST(test_evicting_policy_without_limit),
		TEST(test_other_schema),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
