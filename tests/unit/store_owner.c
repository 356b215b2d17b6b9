/* SPDX-License-Identifier: Apache-2.0 */
#include "store_owner.h"
#include "monotonic.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <cmocka.h>
#include <hiredis/hiredis.h>

#define WAIT_MS 15000

static void on_ready(void *context)
{
	((struct owner *)context)->ready++;
}

static void on_lost(void *context)
{
	((struct owner *)context)->lost++;
}

void owner_free_stream(struct owner *owner)
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
	owner_free_stream(owner);
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

int64_t owner_cpu_us(void)
{
	struct timespec now;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return now.tv_sec * 1000000LL + now.tv_nsec / 1000;
}

void owner_turn(struct owner *owner, int64_t ms)
{
	struct timeval after = { ms / 1000, ms % 1000 * 1000 };
	event_base_loopexit(owner->base, &after);
	event_base_dispatch(owner->base);
}

/* Runs the loop until the count is there. */
void owner_wait_for(struct owner *owner, const int *count, int wanted)
{
	int64_t until = monotonic_ms() + WAIT_MS;
	while (*count < wanted && monotonic_ms() < until)
		owner_turn(owner, 5);
	if (*count != wanted)
		fail_msg("count is %d, not %d; fatal: %s", *count, wanted, owner->fatal_text);
}

void owner_start_store(struct owner *owner)
{
	owner->store = store_new(owner->base, &owner->config, &callbacks, owner);
	assert_int_equal(owner->ready, 0); /* never from inside a call */
}

void owner_start_ready(struct owner *owner)
{
	owner_start_store(owner);
	owner_wait_for(owner, &owner->ready, 1);
	assert_true(store_is_ready(owner->store));
}

void owner_start_redis(struct owner *owner, const char *const *options)
{
	redis_server_start(&owner->server, options);
	owner->config.redis_socket = owner->server.socket;
	snprintf(owner->password_file, sizeof owner->password_file, "%s/password", owner->server.folder);
}

void owner_set_password_file(struct owner *owner, const char *text)
{
	FILE *file = fopen(owner->password_file, "w");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
	owner->config.redis_password_file = owner->password_file;
}

/* One command over a connection of its own. */
void owner_command(struct owner *owner, const char *text)
{
	redisContext *redis = redisConnectUnix(owner->server.socket);
	redisReply *reply = redisCommand(redis, text);
	if (!reply || reply->type == REDIS_REPLY_ERROR)
		fail_msg("%s: %s", text, reply ? reply->str : redis->errstr);
	freeReplyObject(reply);
	redisFree(redis);
}

long long owner_counter(struct owner *owner, const char *text)
{
	redisContext *redis = redisConnectUnix(owner->server.socket);
	redisReply *reply = redisCommand(redis, text);
	long long number = reply && reply->str ? atoll(reply->str) : reply ? reply->integer : -1;
	freeReplyObject(reply);
	redisFree(redis);
	return number;
}

void owner_load(struct owner *owner, bool may_create, bool rebuild)
{
	struct store_load load = { 3, 44, OWNER_TOPIC, OWNER_PARTITION, may_create, rebuild, 100, 24 };
	int wanted = owner->loaded + 1;
	store_load(owner->store, &load);
	owner_wait_for(owner, &owner->loaded, wanted);
}

/* A chunk with one delivery of rider r, and ids that begin at id. */
void owner_apply(struct owner *owner, struct protocol_chunk *chunk, int64_t hour, uint64_t id, size_t ids)
{
	struct arena arena;
	arena_init(&arena);
	struct effects *effects = effects_new(&arena);
	struct apply_target target = { .topic = OWNER_TOPIC,
				       .partition = OWNER_PARTITION,
				       .from = chunk->from,
				       .to = chunk->to,
				       .stream_time_ms = OWNER_START_MS + hour * HOUR_MS,
				       .dedup_hours = 24,
				       .limits = { 1000, 20, 5000, 2, -50 } };
	memcpy(target.store_uuid, owner->reply.uuid, STORE_UUID_SIZE);
	effects_count(effects, SLICE("r"), (struct slice){ NULL, 0 }, COUNTER_DELIVERIES, 1);
	for (size_t i = 0; i < ids; i++)
		effects_journal(effects, (id + i) * 0x9e3779b97f4a7c15u);
	store_apply(owner->store, chunk, effects_apply_command(effects, &target, &arena));
	arena_fini(&arena);
}

int owner_set_up(void **state)
{
	struct owner *owner = calloc(1, sizeof *owner);
	owner->base = event_base_new();
	owner->config.redis_host = (char *)"127.0.0.1";
	owner->config.redis_socket = (char *)"";
	owner->config.redis_sentinels = (char *)"";
	owner->config.redis_sentinel_master = (char *)"mymaster";
	owner->config.redis_sentinel_user = (char *)"";
	owner->config.redis_sentinel_password_file = (char *)"";
	owner->config.redis_user = (char *)"";
	owner->config.redis_password_file = (char *)"";
	owner->config.redis_timeout = 3000;
	*state = owner;
	return 0;
}

int owner_tear_down(void **state)
{
	struct owner *owner = *state;
	store_free(&owner->store);
	assert_null(owner->store);
	owner_free_stream(owner);
	event_base_free(owner->base);
	redis_server_stop(&owner->server);
	free(owner);
	return 0;
}
