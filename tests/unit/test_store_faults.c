/* SPDX-License-Identifier: Apache-2.0 */
/* The Redis adapter against a real Redis that is refused, killed, stopped, emptied of its functions and given other
 * passwords. */
#include "store_owner.h"
#include "monotonic.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>
#include <hiredis/hiredis.h>

static void test_refused_until_redis_is_there(void **state)
{
	struct owner *owner = *state;
	owner_start_redis(owner, NULL);
	redis_server_kill(&owner->server, SIGKILL);
	owner_start_store(owner);
	owner_turn(owner, 300);
	assert_int_equal(owner->ready + owner->lost + owner->fatal, 0);
	redis_server_again(&owner->server);
	owner_wait_for(owner, &owner->ready, 1);
	assert_int_equal(owner->lost, 0);
}

static void test_tcp_refused(void **state)
{
	struct owner *owner = *state;
	owner->config.redis_port = 1;
	owner_start_store(owner);
	owner_turn(owner, 300);
	assert_int_equal(owner->ready + owner->lost + owner->fatal, 0);
	struct store_stats stats;
	store_stats(owner->store, &stats);
	assert_false(stats.up);
	assert_int_equal(stats.connects, 0);
}

/* What was answered is in the file: with any fsync in the background Redis answers first while one is under way, and
 * writes later. */
static const char *const writes_first[] = { "--appendonly", "yes", "--appendfsync", "no", NULL };

/* Whatever was in flight is unknown; sent again it counts once. */
static void test_kill_and_restart(void **state)
{
	struct owner *owner = *state;
	struct protocol_chunk chunks[3] = { { .from = 100, .to = 110 },
					    { .from = 110, .to = 120 },
					    { .from = 120, .to = 130 } };
	owner_start_redis(owner, writes_first);
	owner_start_ready(owner);
	owner_load(owner, true, false);
	owner_apply(owner, &chunks[0], 0, 1, 10);
	owner_wait_for(owner, &owner->applied, 1);
	kill(owner->server.pid, SIGSTOP);
	owner_apply(owner, &chunks[1], 0, 11, 10);
	owner_turn(owner, 20);
	redis_server_kill(&owner->server, SIGKILL);
	owner_wait_for(owner, &owner->lost, 1);
	assert_false(store_is_ready(owner->store));
	assert_int_equal(owner->applied, 1);
	redis_server_again(&owner->server);
	owner_wait_for(owner, &owner->ready, 2);
	for (int i = 1; i < 3; i++)
		owner_apply(owner, &chunks[i], 0, 1 + 10 * (uint64_t)i, 10);
	owner_wait_for(owner, &owner->applied, 3);
	assert_int_equal(owner->results[1], APPLY_OK);
	assert_int_equal(owner->results[2], APPLY_OK);
	assert_int_equal(owner_counter(owner, "HGET rw:{7}:rider:r deliveries"), 3);
	assert_int_equal(owner_counter(owner, "STRLEN rw:{7}:seen:reports:498770"), 240);
	assert_int_equal(owner->lost, 1);
}

static void append_file(struct owner *owner, int number, char path[160])
{
	snprintf(path, 160, "%s/appendonlydir/appendonly.aof.%d.incr.aof", owner->server.folder, number);
}

static void cut_append_file(struct owner *owner, int number, off_t bytes)
{
	char path[160];
	struct stat status;
	append_file(owner, number, path);
	assert_int_equal(stat(path, &status), 0);
	assert_int_equal(truncate(path, status.st_size - bytes), 0);
}

/* Until the file with that number has been replaced. */
static void wait_for_rewrite(struct owner *owner, int number)
{
	char path[160];
	append_file(owner, number, path);
	for (int i = 0; i < 500 && access(path, F_OK) == 0; i++)
		owner_turn(owner, 20);
	assert_int_not_equal(access(path, F_OK), 0);
}

/* Redis keeps the half of a function that a cut file ends with, and would carry it out at its next start but one. */
static void test_half_a_function_never_comes_back(void **state)
{
	struct owner *owner = *state;
	struct protocol_chunk chunks[2] = { { .from = 100, .to = 110 }, { .from = 110, .to = 120 } };
	owner_start_redis(owner, writes_first);
	owner_start_ready(owner);
	owner_load(owner, true, false);
	for (int i = 0; i < 2; i++)
		owner_apply(owner, &chunks[i], 0, 1 + 10 * (uint64_t)i, 10);
	owner_wait_for(owner, &owner->applied, 2);
	wait_for_rewrite(owner, 1);
	redis_server_kill(&owner->server, SIGKILL);
	cut_append_file(owner, 2, 60);
	redis_server_again(&owner->server);
	owner_wait_for(owner, &owner->ready, 2);
	assert_int_equal(owner_counter(owner, "HGET rw:{7}:rider:r deliveries"), 1);
	owner_apply(owner, &chunks[1], 0, 11, 10);
	owner_wait_for(owner, &owner->applied, 3);
	assert_int_equal(owner->results[2], APPLY_OK);
	wait_for_rewrite(owner, 2);
	redis_server_kill(&owner->server, SIGKILL);
	redis_server_again(&owner->server);
	owner_wait_for(owner, &owner->ready, 3);
	assert_int_equal(owner_counter(owner, "HGET rw:{7}:rider:r deliveries"), 2);
	assert_int_equal(owner_counter(owner, "STRLEN rw:{7}:seen:reports:498770"), 160);
}

/* A loss in the middle of a load ends it without a word. */
static void test_kill_while_loading(void **state)
{
	struct owner *owner = *state;
	struct store_load again = { 3, 44, OWNER_TOPIC, OWNER_PARTITION, true, false, 100, 24 };
	owner_start_redis(owner, NULL);
	owner_start_ready(owner);
	kill(owner->server.pid, SIGSTOP);
	store_load(owner->store, &again);
	store_watch(owner->store, 3, 44, 55, OWNER_TOPIC, OWNER_PARTITION);
	redis_server_kill(&owner->server, SIGKILL);
	owner_wait_for(owner, &owner->lost, 1);
	assert_int_equal(owner->loaded + owner->watched, 0);
	struct store_stats stats;
	store_stats(owner->store, &stats);
	assert_int_equal(stats.in_flight, 0);
}

static void test_free_with_calls_in_flight(void **state)
{
	struct owner *owner = *state;
	struct store_load again = { 3, 44, OWNER_TOPIC, OWNER_PARTITION, true, false, 100, 24 };
	struct protocol_chunk chunk = { .from = 100, .to = 110 };
	owner_start_redis(owner, NULL);
	owner_start_ready(owner);
	store_load(owner->store, &again);
	owner_apply(owner, &chunk, 0, 1, 1);
	store_watch(owner->store, 3, 44, 55, OWNER_TOPIC, OWNER_PARTITION);
	store_free(&owner->store);
	owner_turn(owner, 20);
	assert_int_equal(owner->loaded + owner->watched + owner->applied + owner->lost, 0);
}

static void test_stopped_redis_times_out(void **state)
{
	struct owner *owner = *state;
	struct protocol_chunk chunk = { .from = 100, .to = 110 };
	owner->config.redis_timeout = 200;
	owner_start_redis(owner, NULL);
	owner_start_ready(owner);
	owner_load(owner, true, false);
	kill(owner->server.pid, SIGSTOP);
	owner_apply(owner, &chunk, 0, 1, 1);
	int64_t before = monotonic_ms();
	owner_wait_for(owner, &owner->lost, 1);
	assert_in_range(monotonic_ms() - before, 150, 5000);
	owner_turn(owner, 700); /* connects, gets no answer, tries again */
	assert_int_equal(owner->lost, 1);
	assert_int_equal(owner->ready, 1);
	kill(owner->server.pid, SIGCONT);
	owner_wait_for(owner, &owner->ready, 2);
	owner_apply(owner, &chunk, 0, 1, 1);
	owner_wait_for(owner, &owner->applied, 1);
	assert_int_equal(owner->results[0], APPLY_OK);
	assert_int_equal(owner_counter(owner, "HGET rw:{7}:rider:r deliveries"), 1);
}

/* An idle connection is no reason to reconnect. */
static void test_quiet_is_not_lost(void **state)
{
	struct owner *owner = *state;
	owner->config.redis_timeout = 100;
	owner_start_redis(owner, NULL);
	owner_start_ready(owner);
	owner_turn(owner, 400);
	assert_int_equal(owner->lost, 0);
}

static void test_function_flush(void **state)
{
	struct owner *owner = *state;
	struct protocol_chunk chunk = { .from = 100, .to = 110 };
	owner_start_redis(owner, NULL);
	owner_start_ready(owner);
	owner_load(owner, true, false);
	owner_command(owner, "FUNCTION FLUSH");
	owner_apply(owner, &chunk, 0, 1, 1);
	owner_wait_for(owner, &owner->applied, 1);
	assert_int_equal(owner->results[0], APPLY_RETRY);
	owner_apply(owner, &chunk, 0, 1, 1);
	owner_wait_for(owner, &owner->applied, 2);
	assert_int_equal(owner->results[1], APPLY_OK);
	assert_int_equal(owner->lost, 0);
}

static void test_other_library_is_replaced(void **state)
{
	struct owner *owner = *state;
	owner_start_redis(owner, NULL);
	redisContext *redis = redisConnectUnix(owner->server.socket);
	redisReply *reply = redisCommand(
		redis, "FUNCTION LOAD %s",
		"#!lua name=riderwatch_v1\nredis.register_function('rw_load_v1', function() return 7 end)");
	assert_int_equal(reply->type, REDIS_REPLY_STRING);
	freeReplyObject(reply);
	redisFree(redis);
	owner_start_ready(owner);
	owner_load(owner, true, false);
	assert_true(owner->reply.created);
}

/* The same text is not loaded again: that would flush what other instances run. */
static void test_same_library_is_kept(void **state)
{
	struct owner *owner = *state;
	owner_start_redis(owner, NULL);
	owner_start_ready(owner);
	owner_command(owner, "CONFIG RESETSTAT");
	store_free(&owner->store);
	owner->ready = 0;
	owner_start_ready(owner);
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
	owner_start_redis(owner, NULL);
	owner_start_ready(owner);
	owner_load(owner, true, false);
	owner_command(owner, "CONFIG SET maxmemory 1");
	owner_apply(owner, &chunk, 0, 1, 1);
	owner_wait_for(owner, &owner->applied, 1);
	assert_int_equal(owner->results[0], APPLY_RETRY);
	owner_command(owner, "CONFIG SET maxmemory 0");
	owner_apply(owner, &chunk, 0, 1, 1);
	owner_wait_for(owner, &owner->applied, 2);
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
	owner_start_redis(owner, NULL);
	owner_start_ready(owner);
	owner_load(owner, true, false);
	owner_command(owner, "REPLICAOF 127.0.0.1 1");
	owner_apply(owner, &chunk, 0, 1, 1);
	owner_wait_for(owner, &owner->lost, 1);
	owner_turn(owner, 300);
	assert_int_equal(owner->ready, 1);
	owner_command(owner, "REPLICAOF NO ONE");
	owner_wait_for(owner, &owner->ready, 2);
	owner_apply(owner, &chunk, 0, 1, 1);
	owner_wait_for(owner, &owner->applied, 1);
	assert_int_equal(owner->results[0], APPLY_OK);
}

static void expect_fatal(struct owner *owner, const char *part)
{
	owner_start_store(owner);
	owner_wait_for(owner, &owner->fatal, 1);
	assert_non_null(strstr(owner->fatal_text, part));
	owner_turn(owner, 300);
	assert_int_equal(owner->fatal, 1);
	assert_int_equal(owner->ready, 0);
}

static void test_password_is_missing(void **state)
{
	struct owner *owner = *state;
	owner_start_redis(owner, (const char *const[]){ "--requirepass", "right", NULL });
	expect_fatal(owner, "redis.password_file");
}

static void test_password_is_wrong(void **state)
{
	struct owner *owner = *state;
	owner_start_redis(owner, (const char *const[]){ "--requirepass", "right", NULL });
	owner_set_password_file(owner, "wrong\n");
	expect_fatal(owner, "redis.password_file");
	assert_null(strstr(owner->fatal_text, "wrong\n"));
}

static void test_password_is_read_again(void **state)
{
	struct owner *owner = *state;
	owner_start_redis(owner, (const char *const[]){ "--requirepass", "right", NULL });
	owner_set_password_file(owner, "right\n");
	owner_start_ready(owner);
	redis_server_kill(&owner->server, SIGKILL);
	owner_wait_for(owner, &owner->lost, 1);
	owner->server.options[1] = "other";
	owner_set_password_file(owner, "other");
	redis_server_again(&owner->server);
	owner_wait_for(owner, &owner->ready, 2);
}

static void test_user_without_permission(void **state)
{
	struct owner *owner = *state;
	owner_start_redis(owner, NULL);
	owner_command(owner, "ACL SETUSER daemon on >secret ~rw:* +@all -function");
	owner->config.redis_user = (char *)"daemon";
	owner_set_password_file(owner, "secret");
	expect_fatal(owner, "NOPERM");
}

/* INFO and CONFIG may be denied, as hosting providers do. */
static void test_user_without_admin_commands(void **state)
{
	struct owner *owner = *state;
	owner_start_redis(owner, NULL);
	owner_command(
		owner,
		"ACL SETUSER daemon on >secret ~rw:* +fcall +function|load +function|list +get +set +getrange +strlen "
		"+hget +hmget +hset +hincrby +sadd +del +unlink +expireat +append +time");
	owner->config.redis_user = (char *)"daemon";
	owner_set_password_file(owner, "secret");
	owner_start_ready(owner);
	owner_load(owner, true, false);
	assert_true(owner->reply.created);
}

static void test_evicting_policy(void **state)
{
	struct owner *owner = *state;
	owner_start_redis(owner,
			  (const char *const[]){ "--maxmemory", "100mb", "--maxmemory-policy", "allkeys-lru", NULL });
	expect_fatal(owner, "noeviction");
}

static void test_eviction_is_allowed_later(void **state)
{
	struct owner *owner = *state;
	owner_start_redis(owner, (const char *const[]){ "--maxmemory", "100mb", NULL });
	owner_start_ready(owner);
	owner_command(owner, "CONFIG SET maxmemory-policy allkeys-lru");
	owner_wait_for(owner, &owner->fatal, 1);
	assert_non_null(strstr(owner->fatal_text, "noeviction"));
}

static void test_evicting_policy_without_limit(void **state)
{
	struct owner *owner = *state;
	owner_start_redis(owner, (const char *const[]){ "--maxmemory-policy", "allkeys-lru", NULL });
	owner_start_ready(owner);
}

static void test_other_schema(void **state)
{
	struct owner *owner = *state;
	owner_start_redis(owner, NULL);
	owner_command(owner, "SET rw:schema 2");
	expect_fatal(owner, "rw:schema");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, owner_set_up, owner_tear_down)

int main(void)
{
	signal(SIGPIPE, SIG_IGN);
	const struct CMUnitTest tests[] = {
		TEST(test_refused_until_redis_is_there),
		TEST(test_tcp_refused),
		TEST(test_kill_and_restart),
		TEST(test_half_a_function_never_comes_back),
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
		TEST(test_eviction_is_allowed_later),
		TEST(test_evicting_policy_without_limit),
		TEST(test_other_schema),
	};
	return cmocka_run_group_tests_name("store faults", tests, NULL, NULL);
}
