/* SPDX-License-Identifier: Apache-2.0 */
/* The Redis adapter against a real Redis: load, apply, watch. */
#include "store_owner.h"
#include "monotonic.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>
#include <hiredis/hiredis.h>

#define IDS 1000000

static void test_load_apply_watch(void **state)
{
	struct owner *owner = *state;
	struct protocol_chunk chunks[4] = { { .from = 100, .to = 110 },
					    { .from = 110, .to = 120 },
					    { .from = 120, .to = 130 },
					    { .from = 500, .to = 510 } };
	owner_start_redis(owner, NULL);
	owner_start_ready(owner);
	owner_load(owner, false, false);
	assert_true(owner->reply.ok && owner->reply.missing);
	assert_null(owner->stream);
	owner_load(owner, true, false);
	assert_true(owner->reply.ok && owner->reply.created && !owner->reply.missing);
	assert_int_equal(owner->reply.applied, 100);
	assert_int_equal(owner->reply.start, 100);
	assert_int_equal(owner->stream->time_ms, STREAM_TIME_NONE);
	assert_int_equal(seen_count(owner->stream->seen), 0);
	for (int i = 0; i < 4; i++)
		owner_apply(owner, &chunks[i], 0, (uint64_t)i * 10 + 1, 10);
	owner_wait_for(owner, &owner->applied, 4);
	for (int i = 0; i < 4; i++) {
		assert_ptr_equal(owner->chunks[i], &chunks[i]);
		assert_int_equal(owner->results[i], i < 3 ? APPLY_OK : APPLY_REFUSED);
	}
	store_watch(owner->store, 3, 44, 55, OWNER_TOPIC, OWNER_PARTITION);
	owner_wait_for(owner, &owner->watched, 1);
	assert_true(owner->state.ok && !owner->state.missing);
	assert_int_equal(owner->state.applied, 130);
	assert_memory_equal(owner->state.uuid, owner->reply.uuid, STORE_UUID_SIZE);
	owner_load(owner, false, false);
	assert_false(owner->reply.created);
	assert_int_equal(owner->stream->time_ms, OWNER_START_MS);
	assert_int_equal(seen_count(owner->stream->seen), 30);
}

static void test_keys_differ_between_stores(void **state)
{
	struct owner *owner = *state;
	char uuid[STORE_UUID_SIZE];
	uint8_t key[STREAM_KEY_SIZE], none[STREAM_KEY_SIZE] = { 0 };
	owner_start_redis(owner, NULL);
	owner_start_ready(owner);
	owner_load(owner, true, false);
	memcpy(uuid, owner->reply.uuid, sizeof uuid);
	memcpy(key, owner->stream->key, sizeof key);
	assert_memory_not_equal(key, none, sizeof key);
	owner_load(owner, true, false);
	assert_memory_equal(uuid, owner->reply.uuid, sizeof uuid);
	assert_memory_equal(key, owner->stream->key, sizeof key);
	owner_load(owner, true, true);
	assert_true(owner->reply.created);
	assert_memory_not_equal(uuid, owner->reply.uuid, sizeof uuid);
	assert_memory_not_equal(key, owner->stream->key, sizeof key);
}

static void test_foreign_and_conflict(void **state)
{
	struct owner *owner = *state;
	struct protocol_chunk chunk = { .from = 100, .to = 110 };
	owner_start_redis(owner, NULL);
	owner_start_ready(owner);
	owner_load(owner, true, false);
	owner_command(owner, "SET rw:{7}:rider:r text");
	owner_apply(owner, &chunk, 0, 1, 1);
	owner_wait_for(owner, &owner->applied, 1);
	assert_int_equal(owner->results[0], APPLY_OK);
	assert_int_equal(owner->conflicts, 1);
	owner->reply.uuid[0] ^= 1;
	owner_apply(owner, &chunk, 0, 1, 1);
	owner_wait_for(owner, &owner->applied, 2);
	assert_int_equal(owner->results[1], APPLY_FOREIGN);
}

/* A million ids over 25 hours come back whole, in parts: the loop is never held for all of them. */
static void test_load_of_a_large_journal(void **state)
{
	struct owner *owner = *state;
	enum { CHUNK = 10000, HOURS = 25 };
	owner_start_redis(owner, NULL);
	owner_start_ready(owner);
	owner_load(owner, true, false);
	for (int i = 0; i < IDS / CHUNK; i++) {
		struct protocol_chunk chunk = { .from = 100 + i, .to = 101 + i };
		owner->applied = 0;
		owner_apply(owner, &chunk, i * HOURS / (IDS / CHUNK), (uint64_t)i * CHUNK + 1, CHUNK);
		owner_wait_for(owner, &owner->applied, 1);
		assert_int_equal(owner->results[0], APPLY_OK);
	}
	int64_t before = monotonic_ms(), cpu_before = owner_cpu_us(), longest = 0;
	int turns = 0;
	struct store_load load = { 3, 44, OWNER_TOPIC, OWNER_PARTITION, false, false, 0, 24 };
	owner->loaded = 0;
	store_load(owner->store, &load);
	for (; !owner->loaded; turns++) {
		int64_t at = owner_cpu_us();
		event_base_loop(owner->base, EVLOOP_ONCE);
		longest = owner_cpu_us() - at > longest ? owner_cpu_us() - at : longest;
	}
	print_message("load of %d ids: %lld ms, %lld ms of CPU, %d turns, longest %lld us of CPU\n", IDS,
		      (long long)(monotonic_ms() - before), (long long)(owner_cpu_us() - cpu_before) / 1000, turns,
		      (long long)longest);
	/* An hour takes two turns at least, so that none has more to do than that part. */
	assert_true(turns >= 2 * HOURS);
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
	struct store_load again = { 3, 44, OWNER_TOPIC, OWNER_PARTITION, false, false, 0, 24 };
	owner_start_redis(owner, NULL);
	owner_start_ready(owner);
	owner_load(owner, true, false);
	owner_apply(owner, &chunks[0], 0, 1, 10);
	owner_wait_for(owner, &owner->applied, 1);
	store_load(owner->store, &again);
	owner_apply(owner, &chunks[1], 25, 11, 10); /* also drops the bucket of the first */
	owner_wait_for(owner, &owner->loaded, 2);
	assert_true(owner->reply.ok);
	assert_int_equal(owner->reply.applied, 120);
	assert_int_equal(owner->stream->time_ms, OWNER_START_MS + 25 * HOUR_MS);
	assert_int_equal(seen_count(owner->stream->seen), 10);
	assert_int_equal(owner->fatal, 0);
}

static void test_deleted_bucket_is_loud(void **state)
{
	struct owner *owner = *state;
	struct protocol_chunk chunk = { .from = 100, .to = 110 };
	struct store_load again = { 3, 44, OWNER_TOPIC, OWNER_PARTITION, false, false, 0, 24 };
	owner_start_redis(owner, NULL);
	owner_start_ready(owner);
	owner_load(owner, true, false);
	owner_apply(owner, &chunk, 0, 1, 10);
	owner_wait_for(owner, &owner->applied, 1);
	owner_command(owner, "DEL rw:{7}:seen:reports:498770");
	store_load(owner->store, &again);
	owner_wait_for(owner, &owner->fatal, 1);
	assert_non_null(strstr(owner->fatal_text, "rw:{7}:seen:reports"));
	assert_int_equal(owner->loaded, 1);
}

static void test_rebuild_of_a_full_shard_is_refused(void **state)
{
	struct owner *owner = *state;
	struct protocol_chunk chunk = { .from = 100, .to = 110 };
	struct store_load rebuild = { 3, 44, OWNER_TOPIC, OWNER_PARTITION, true, true, 100, 24 };
	owner_start_redis(owner, NULL);
	owner_start_ready(owner);
	owner_load(owner, true, false);
	owner_apply(owner, &chunk, 0, 1, 10);
	owner_wait_for(owner, &owner->applied, 1);
	store_load(owner->store, &rebuild);
	owner_wait_for(owner, &owner->fatal, 1);
	assert_non_null(strstr(owner->fatal_text, "redis.rebuild"));
	assert_int_equal(owner_counter(owner, "HGET rw:{7}:rider:r deliveries"), 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, owner_set_up, owner_tear_down)

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
	};
	return cmocka_run_group_tests_name("store", tests, NULL, NULL);
}
