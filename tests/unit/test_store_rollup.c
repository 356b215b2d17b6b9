/* SPDX-License-Identifier: Apache-2.0 */
/* What dashboards read, written by the store to a real Redis. */
#include "store_owner.h"
#include "monotonic.h"

#include <hiredis/hiredis.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static const struct store_rollup_request request = { { "reports", "deliveries" }, OWNER_PARTITION + 1 };
static const int32_t partitions[] = { 3, OWNER_PARTITION };

static struct store_stats stats_of(const struct owner *owner)
{
	struct store_stats stats;
	store_stats(owner->store, &stats);
	return stats;
}

/* Rounds until one more has ended well, or failed. */
static void roll_up(struct owner *owner, bool ok)
{
	struct store_stats before = stats_of(owner), now = before;
	for (int i = 0; i < 2000 && now.rollups == before.rollups && now.rollups_failed == before.rollups_failed; i++) {
		if (store_is_ready(owner->store))
			store_roll_up(owner->store, &request);
		owner_turn(owner, 2);
		now = stats_of(owner);
	}
	assert_int_equal(now.rollups - before.rollups, ok);
	assert_int_equal(now.rollups_failed - before.rollups_failed, !ok);
}

static void rank(struct owner *owner, bool ok)
{
	struct store_stats before = stats_of(owner), now = before;
	store_rank(owner->store, partitions, 2);
	for (int i = 0; i < 2000 && now.rankings == before.rankings && now.rankings_failed == before.rankings_failed;
	     i++) {
		owner_turn(owner, 2);
		now = stats_of(owner);
	}
	assert_int_equal(now.rankings - before.rankings, ok);
	assert_int_equal(now.rankings_failed - before.rankings_failed, !ok);
}

/* A delivery of rider r, so many hours after the start. */
static void apply(struct owner *owner, int64_t hour)
{
	static struct protocol_chunk chunk;
	chunk = (struct protocol_chunk){ .from = owner->applied ? chunk.to : 100 };
	chunk.to = chunk.from + 10;
	owner_apply(owner, &chunk, hour, (uint64_t)chunk.from, 10);
	owner_wait_for(owner, &owner->applied, owner->applied + 1);
	assert_int_equal(owner->results[owner->applied - 1], APPLY_OK);
}

static void begin(struct owner *owner)
{
	owner_start_redis(owner, (const char *const[]){ "--appendonly", "yes", NULL });
	owner_start_ready(owner);
	owner_load(owner, true, false);
}

static void test_sums_days_and_marks(void **state)
{
	struct owner *owner = *state;
	begin(owner);
	owner_command(owner, "HSET rw:{3}:totals deliveries 40 440305:deliveries 4 score -50");
	apply(owner, 0);
	roll_up(owner, true);
	assert_int_equal(owner_counter(owner, "HGET rw:rollup deliveries"), 41);
	assert_int_equal(owner_counter(owner, "HGET rw:rollup 440305:deliveries"), 4);
	assert_int_equal(owner_counter(owner, "HGET rw:rollup score"), -50);
	assert_int_equal(owner_counter(owner, "HGET rw:rollup:20261125 deliveries"), 1);
	assert_int_equal(owner_counter(owner, "HGET rw:rollup:applied 7:reports"), 110);
	assert_int_equal(owner_counter(owner, "HGET rw:rollup:applied 7:reports:day"), 20261125);
	assert_int_equal(owner_counter(owner, "HLEN rw:rollup:applied"), 2);
	assert_in_range(owner_counter(owner, "TTL rw:rollup:20261125"), 399 * 86400, 400 * 86400);
	assert_int_equal(owner_counter(owner, "TTL rw:rollup"), -1);
}

/* The owner was away over two midnights: the days that it had not finished are written, too. */
static void test_days_that_ended_meanwhile(void **state)
{
	struct owner *owner = *state;
	begin(owner);
	apply(owner, 0);
	roll_up(owner, true);
	apply(owner, 1);
	apply(owner, 14);
	apply(owner, 15);
	apply(owner, 16);
	apply(owner, 38);
	store_free(&owner->store);
	owner->ready = 0;
	owner_start_ready(owner);
	roll_up(owner, true);
	assert_int_equal(owner_counter(owner, "HGET rw:rollup deliveries"), 6);
	assert_int_equal(owner_counter(owner, "HGET rw:rollup:20261125 deliveries"), 2);
	assert_int_equal(owner_counter(owner, "HGET rw:rollup:20261126 deliveries"), 3);
	assert_int_equal(owner_counter(owner, "HGET rw:rollup:20261127 deliveries"), 1);
	assert_int_equal(owner_counter(owner, "HGET rw:rollup:applied 7:reports:day"), 20261127);
	assert_int_equal(owner_counter(owner, "EXISTS rw:rollup:20261124"), 0);
}

/* While no log moves nothing is read or written; once one does, all is written again. */
static void test_only_what_moved(void **state)
{
	struct owner *owner = *state;
	begin(owner);
	apply(owner, 0);
	roll_up(owner, true);
	owner_command(owner, "HSET rw:rollup deliveries 999");
	roll_up(owner, true);
	assert_int_equal(owner_counter(owner, "HGET rw:rollup deliveries"), 999);
	apply(owner, 0);
	roll_up(owner, true);
	assert_int_equal(owner_counter(owner, "HGET rw:rollup deliveries"), 2);
}

static void test_a_round_that_fails_is_made_up_for(void **state)
{
	struct owner *owner = *state;
	begin(owner);
	apply(owner, 0);
	owner_command(owner, "SET rw:rollup text");
	roll_up(owner, false);
	assert_int_equal(owner_counter(owner, "GET rw:rollup"), 0); /* still the text */
	owner_command(owner, "DEL rw:rollup");
	roll_up(owner, true); /* though nothing has moved */
	assert_int_equal(owner_counter(owner, "HGET rw:rollup deliveries"), 1);
	apply(owner, 0);
	assert_int_equal(owner->lost + owner->fatal, 0);
}

static void test_redis_goes_away_in_a_round(void **state)
{
	struct owner *owner = *state;
	begin(owner);
	apply(owner, 0);
	kill(owner->server.pid, SIGSTOP);
	store_roll_up(owner->store, &request);
	store_rank(owner->store, partitions, 2);
	redis_server_kill(&owner->server, SIGKILL);
	owner_wait_for(owner, &owner->lost, 1);
	assert_int_equal(stats_of(owner).rollups_failed, 1);
	assert_int_equal(stats_of(owner).rankings_failed, 1);
	redis_server_again(&owner->server);
	owner_wait_for(owner, &owner->ready, 2);
	roll_up(owner, true);
	rank(owner, true);
	/* And when the store ends with a round under way. */
	apply(owner, 0);
	store_roll_up(owner->store, &request);
	store_rank(owner->store, partitions, 2);
}

static void test_leaderboard(void **state)
{
	struct owner *owner = *state;
	begin(owner);
	rank(owner, true);
	apply(owner, 0);
	owner_command(owner, "SADD rw:{7}:unranked 202611:r 202611:q 202610:r noise 2026:x 202611:");
	owner_command(owner, "SADD rw:{3}:unranked 202611:p");
	owner_command(owner, "HSET rw:{7}:rider:r score 12");
	owner_command(owner, "HSET rw:{7}:rider:q score -48");
	owner_command(owner, "HSET rw:{3}:rider:p score 5");
	rank(owner, true);
	assert_int_equal(owner_counter(owner, "ZSCORE rw:top:202611 r"), 12);
	assert_int_equal(owner_counter(owner, "ZSCORE rw:top:202611 q"), -48);
	assert_int_equal(owner_counter(owner, "ZSCORE rw:top:202611 p"), 5);
	assert_int_equal(owner_counter(owner, "ZCARD rw:top:202611"), 3);
	assert_int_equal(owner_counter(owner, "ZSCORE rw:top:202610 r"), 12);
	assert_in_range(owner_counter(owner, "TTL rw:top:202611"), 99 * 86400, 100 * 86400);
	assert_int_equal(owner_counter(owner, "EXISTS rw:{3}:unranked rw:{7}:unranked"), 0);
	assert_int_equal(stats_of(owner).ranked, 4);
}

static void test_names_stay_until_they_are_written(void **state)
{
	struct owner *owner = *state;
	begin(owner);
	owner_command(owner, "SADD rw:{7}:unranked 202611:r");
	owner_command(owner, "HSET rw:{7}:rider:r score 12");
	owner_command(owner, "SET rw:top:202611 text");
	rank(owner, false);
	assert_int_equal(owner_counter(owner, "SCARD rw:{7}:unranked"), 1);
	owner_command(owner, "DEL rw:top:202611");
	owner_command(owner, "FUNCTION FLUSH");
	rank(owner, false); /* and loads the functions again */
	rank(owner, true);
	assert_int_equal(owner_counter(owner, "ZSCORE rw:top:202611 r"), 12);
	assert_int_equal(owner->lost + owner->fatal, 0);
}

/* How often riders to be ranked were asked for. */
static int asked(const struct owner *owner)
{
	static const char name[] = "cmdstat_fcall_ro:calls=";
	redisContext *redis = redisConnectUnix(owner->server.socket);
	redisReply *reply = redisCommand(redis, "INFO commandstats");
	const char *at = strstr(reply->str, name);
	int calls = at ? atoi(at + strlen(name)) : 0;
	freeReplyObject(reply);
	redisFree(redis);
	return calls;
}

static void test_asked_when_something_was_done(void **state)
{
	struct owner *owner = *state;
	begin(owner);
	rank(owner, true);
	int before = asked(owner);
	assert_int_equal(before, 2);
	rank(owner, true);
	assert_int_equal(asked(owner), before);
	apply(owner, 0);
	rank(owner, true);
	assert_int_equal(asked(owner), before + 2);
	owner_load(owner, true, false);
	rank(owner, true);
	assert_int_equal(asked(owner), before + 4);
	/* Other shards. */
	store_rank(owner->store, partitions, 1);
	owner_turn(owner, 100);
	assert_int_equal(asked(owner), before + 5);
	/* Somebody was found: there may be more. */
	apply(owner, 0);
	owner_command(owner, "SADD rw:{7}:unranked 202611:r");
	rank(owner, true);
	rank(owner, true);
	rank(owner, true);
	assert_int_equal(asked(owner), before + 5 + 4);
}

/* A Redis that comes back may hold what another one did, or less. */
static void test_asked_again_after_a_loss(void **state)
{
	struct owner *owner = *state;
	begin(owner);
	rank(owner, true);
	redis_server_kill(&owner->server, SIGKILL);
	owner_wait_for(owner, &owner->lost, 1);
	redis_server_again(&owner->server);
	owner_wait_for(owner, &owner->ready, 2);
	owner_command(owner, "SADD rw:{7}:unranked 202611:r");
	rank(owner, true);
	assert_int_equal(owner_counter(owner, "ZCARD rw:top:202611"), 1);
}

/* More than one call takes: the next rounds go on. */
static void test_many_riders(void **state)
{
	struct owner *owner = *state;
	char text[96];
	begin(owner);
	for (int i = 0; i < 1200; i++) {
		snprintf(text, sizeof text, "SADD rw:{7}:unranked 202611:rider-%d", i);
		owner_command(owner, text);
	}
	for (int rounds = 0; owner_counter(owner, "SCARD rw:{7}:unranked") && rounds < 4; rounds++)
		rank(owner, true);
	assert_int_equal(owner_counter(owner, "SCARD rw:{7}:unranked"), 0);
	assert_int_equal(owner_counter(owner, "ZCARD rw:top:202611"), 1200);
}

/* A user from before there was a leaderboard: it is not written, counting goes on, and the log says why. */
static void test_without_the_rights(void **state)
{
	struct owner *owner = *state;
	owner_start_redis(owner, NULL);
	owner_command(owner, "ACL SETUSER daemon on >secret ~rw:* +@all -zadd -multi");
	owner->config.redis_user = (char *)"daemon";
	owner_set_password_file(owner, "secret");
	owner_start_ready(owner);
	owner_load(owner, true, false);
	owner_command(owner, "SADD rw:{7}:unranked 202611:r");
	apply(owner, 0);
	roll_up(owner, false);
	rank(owner, false);
	apply(owner, 0);
	assert_int_equal(owner->lost + owner->fatal, 0);
}

/* What pipelines/redis/README.md asks for is enough. */
static void test_with_the_rights(void **state)
{
	struct owner *owner = *state;
	owner_start_redis(owner, NULL);
	owner_command(owner,
		      "ACL SETUSER daemon on >secret ~rw:* +fcall +function|load +function|list +get +set +getrange "
		      "+strlen +hget +hmget +hset +hincrby +sadd +del +unlink +expireat +append +time +fcall_ro "
		      "+hgetall +multi +exec +expire +zadd +srandmember +srem +scard");
	owner->config.redis_user = (char *)"daemon";
	owner_set_password_file(owner, "secret");
	owner_start_ready(owner);
	owner_load(owner, true, false);
	owner_command(owner, "SADD rw:{7}:unranked 202611:r");
	apply(owner, 0);
	roll_up(owner, true);
	rank(owner, true);
	assert_int_equal(owner_counter(owner, "HGET rw:rollup:20261125 deliveries"), 1);
	assert_int_equal(owner_counter(owner, "ZCARD rw:top:202611"), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_sums_days_and_marks, owner_set_up, owner_tear_down),
		cmocka_unit_test_setup_teardown(test_days_that_ended_meanwhile, owner_set_up, owner_tear_down),
		cmocka_unit_test_setup_teardown(test_only_what_moved, owner_set_up, owner_tear_down),
		cmocka_unit_test_setup_teardown(test_a_round_that_fails_is_made_up_for, owner_set_up, owner_tear_down),
		cmocka_unit_test_setup_teardown(test_redis_goes_away_in_a_round, owner_set_up, owner_tear_down),
		cmocka_unit_test_setup_teardown(test_leaderboard, owner_set_up, owner_tear_down),
		cmocka_unit_test_setup_teardown(test_names_stay_until_they_are_written, owner_set_up, owner_tear_down),
		cmocka_unit_test_setup_teardown(test_asked_when_something_was_done, owner_set_up, owner_tear_down),
		cmocka_unit_test_setup_teardown(test_asked_again_after_a_loss, owner_set_up, owner_tear_down),
		cmocka_unit_test_setup_teardown(test_many_riders, owner_set_up, owner_tear_down),
		cmocka_unit_test_setup_teardown(test_with_the_rights, owner_set_up, owner_tear_down),
		cmocka_unit_test_setup_teardown(test_without_the_rights, owner_set_up, owner_tear_down),
	};
	signal(SIGPIPE, SIG_IGN); /* as the daemon does */
	return cmocka_run_group_tests(tests, NULL, NULL);
}
