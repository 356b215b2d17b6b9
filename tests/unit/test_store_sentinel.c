/* SPDX-License-Identifier: Apache-2.0 */
/* The Redis adapter behind Sentinels that are silent, late, ignorant or of different opinions; real Redis servers are
 * what they name. Real Sentinels: tests/flow/test_sentinel.py. */
#include "fake_sentinel.h"
#include "store_owner.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>
#include <hiredis/hiredis.h>

#define SENTINELS 3
#define LOOKS_MS 3500 /* each of three is asked once */
#define LOOK_MS 1500

struct scene {
	struct owner *owner;
	struct fake_sentinel sentinels[SENTINELS];
	struct redis_server servers[2];
	char ports[2][8];
	const char *options[2][5];
	int server_ports[2];
	char list[128];
};

static void start_server(struct scene *scene, int number)
{
	scene->server_ports[number] = free_port();
	snprintf(scene->ports[number], sizeof scene->ports[number], "%d", scene->server_ports[number]);
	scene->options[number][0] = "--port";
	scene->options[number][1] = scene->ports[number];
	redis_server_start(&scene->servers[number], scene->options[number]);
}

static void command(struct scene *scene, int number, const char *text)
{
	redisContext *redis = redisConnectUnix(scene->servers[number].socket);
	redisReply *reply = redisCommand(redis, text);
	if (!reply || reply->type == REDIS_REPLY_ERROR)
		fail_msg("%s: %s", text, reply ? reply->str : redis->errstr);
	freeReplyObject(reply);
	redisFree(redis);
}

static long long connections(struct scene *scene, int number)
{
	redisContext *redis = redisConnectUnix(scene->servers[number].socket);
	redisReply *reply = redisCommand(redis, "CLIENT LIST TYPE normal");
	long long count = -1; /* this one */
	for (const char *at = reply->str; (at = strstr(at, "id=")); at++)
		count += at == reply->str || at[-1] == '\n';
	freeReplyObject(reply);
	redisFree(redis);
	return count;
}

/* Whom each Sentinel names. */
static void say(struct scene *scene, int sentinel, enum fake_sentinel_mood mood, int server, int epoch)
{
	scene->sentinels[sentinel].mood = mood;
	scene->sentinels[sentinel].master_port = scene->server_ports[server];
	scene->sentinels[sentinel].epoch = epoch;
}

static int set_up(void **state)
{
	struct scene *scene = calloc(1, sizeof *scene);
	assert_int_equal(owner_set_up((void **)&scene->owner), 0);
	for (int i = 0; i < SENTINELS; i++)
		fake_sentinel_start(&scene->sentinels[i], scene->owner->base);
	snprintf(scene->list, sizeof scene->list, "127.0.0.1:%d,127.0.0.1:%d,127.0.0.1:%d", scene->sentinels[0].port,
		 scene->sentinels[1].port, scene->sentinels[2].port);
	scene->owner->config.redis_sentinels = scene->list;
	scene->owner->config.redis_timeout = 300;
	for (int i = 0; i < 2; i++)
		start_server(scene, i);
	for (int i = 0; i < SENTINELS; i++)
		say(scene, i, FAKE_NAMES, 0, 1);
	*state = scene;
	return 0;
}

static int tear_down(void **state)
{
	struct scene *scene = *state;
	store_free(&scene->owner->store);
	for (int i = 0; i < SENTINELS; i++)
		fake_sentinel_stop(&scene->sentinels[i]);
	owner_turn(scene->owner, 20); /* their connections see the end */
	for (int i = 0; i < 2; i++)
		redis_server_stop(&scene->servers[i]);
	int status = owner_tear_down((void **)&scene->owner);
	free(scene);
	return status;
}

static void test_the_first_that_answers(void **state)
{
	struct scene *scene = *state;
	say(scene, 0, FAKE_SILENT, 0, 0);
	fake_sentinel_stop(&scene->sentinels[1]);
	owner_start_ready(scene->owner);
	assert_int_equal(scene->sentinels[0].asked, 1);
	assert_int_equal(scene->sentinels[2].asked, 1);
	assert_int_equal(connections(scene, 0), 1);
	assert_int_equal(connections(scene, 1), 0);
}

/* The third has heard of a failover; the first two go on naming the old one, which is still there and a master. */
static void test_the_newest_wins(void **state)
{
	struct scene *scene = *state;
	owner_start_ready(scene->owner);
	say(scene, 2, FAKE_NAMES, 1, 2);
	owner_wait_for(scene->owner, &scene->owner->ready, 2);
	assert_int_equal(connections(scene, 0), 0);
	assert_int_equal(connections(scene, 1), 1);
	owner_turn(scene->owner, LOOKS_MS);
	assert_int_equal(scene->owner->lost, 1);
	assert_int_equal(scene->owner->ready, 2);
}

/* One and the same master under two addresses must not make it go to and fro. */
static void test_another_address_without_a_failover(void **state)
{
	struct scene *scene = *state;
	owner_start_ready(scene->owner);
	say(scene, 1, FAKE_NAMES, 1, 1);
	say(scene, 2, FAKE_NAMES, 1, -1);
	owner_turn(scene->owner, LOOKS_MS);
	assert_true(scene->sentinels[1].asked > 0 && scene->sentinels[2].asked > 0);
	assert_int_equal(scene->owner->lost, 0);
}

static void test_a_replica_is_not_used(void **state)
{
	struct scene *scene = *state;
	char text[64];
	snprintf(text, sizeof text, "REPLICAOF 127.0.0.1 %d", scene->server_ports[1]);
	command(scene, 0, text);
	say(scene, 1, FAKE_NAMES, 1, 1);
	owner_start_ready(scene->owner);
	assert_int_equal(connections(scene, 0), 0);
	assert_int_equal(connections(scene, 1), 1);
}

static void test_demotion_is_noticed(void **state)
{
	struct scene *scene = *state;
	owner_start_ready(scene->owner);
	command(scene, 0, "REPLICAOF 127.0.0.1 1");
	owner_wait_for(scene->owner, &scene->owner->lost, 1);
	for (int i = 0; i < SENTINELS; i++)
		say(scene, i, FAKE_NAMES, 1, 2);
	owner_wait_for(scene->owner, &scene->owner->ready, 2);
	assert_int_equal(connections(scene, 1), 1);
}

static void test_a_killed_master(void **state)
{
	struct scene *scene = *state;
	owner_start_ready(scene->owner);
	redis_server_kill(&scene->servers[0], SIGKILL);
	owner_wait_for(scene->owner, &scene->owner->lost, 1);
	owner_turn(scene->owner, 500);
	assert_int_equal(scene->owner->ready, 1);
	for (int i = 0; i < SENTINELS; i++)
		say(scene, i, FAKE_NAMES, 1, 2);
	owner_wait_for(scene->owner, &scene->owner->ready, 2);
	assert_int_equal(connections(scene, 1), 1);
}

static void test_sentinels_set_up_anew(void **state)
{
	struct scene *scene = *state;
	for (int i = 0; i < SENTINELS; i++)
		say(scene, i, FAKE_NAMES, 0, 9);
	owner_start_ready(scene->owner);
	for (int i = 0; i < SENTINELS; i++)
		say(scene, i, FAKE_NAMES, 1, 0);
	owner_turn(scene->owner, LOOK_MS);
	assert_int_equal(scene->owner->lost, 0);
	redis_server_kill(&scene->servers[0], SIGKILL);
	owner_wait_for(scene->owner, &scene->owner->ready, 2);
	assert_int_equal(connections(scene, 1), 1);
}

static void test_nobody_knows_the_name(void **state)
{
	struct scene *scene = *state;
	for (int i = 0; i < SENTINELS; i++)
		say(scene, i, FAKE_UNKNOWN, 0, 0);
	owner_start_store(scene->owner);
	owner_wait_for(scene->owner, &scene->owner->fatal, 1);
	assert_non_null(
		strstr(scene->owner->fatal_text, "it knows no master \"mymaster\"; correct redis.sentinel_master"));
	owner_turn(scene->owner, 300);
	assert_int_equal(scene->owner->fatal, 1);
}

/* As long as one of them is silent, it may be the one that knows. */
static void test_who_is_silent_may_know(void **state)
{
	struct scene *scene = *state;
	say(scene, 0, FAKE_UNKNOWN, 0, 0);
	say(scene, 1, FAKE_UNKNOWN, 0, 0);
	say(scene, 2, FAKE_SILENT, 0, 0);
	owner_start_store(scene->owner);
	owner_turn(scene->owner, 1500);
	assert_int_equal(scene->owner->fatal, 0);
	say(scene, 2, FAKE_NAMES, 0, 1);
	owner_wait_for(scene->owner, &scene->owner->ready, 1);
}

/* Once it was known a name that is forgotten is no reason to end: alerts go on. */
static void test_a_name_that_is_forgotten(void **state)
{
	struct scene *scene = *state;
	owner_start_ready(scene->owner);
	for (int i = 0; i < SENTINELS; i++)
		say(scene, i, FAKE_UNKNOWN, 0, 0);
	owner_turn(scene->owner, LOOK_MS);
	assert_int_equal(scene->owner->lost, 0);
	redis_server_kill(&scene->servers[0], SIGKILL);
	owner_turn(scene->owner, 1000);
	assert_int_equal(scene->owner->lost, 1);
	assert_int_equal(scene->owner->fatal, 0);
	for (int i = 0; i < SENTINELS; i++)
		say(scene, i, FAKE_NAMES, 1, 2);
	owner_wait_for(scene->owner, &scene->owner->ready, 2);
}

static void test_freed_while_it_asks(void **state)
{
	struct scene *scene = *state;
	for (int i = 0; i < SENTINELS; i++)
		say(scene, i, FAKE_SILENT, 0, 0);
	owner_start_store(scene->owner);
	owner_turn(scene->owner, 50);
	assert_int_equal(scene->sentinels[0].asked, 1);
	store_free(&scene->owner->store);
	owner_turn(scene->owner, 50);
	assert_int_equal(scene->sentinels[1].asked, 0);
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_the_first_that_answers),
		TEST(test_the_newest_wins),
		TEST(test_another_address_without_a_failover),
		TEST(test_a_replica_is_not_used),
		TEST(test_demotion_is_noticed),
		TEST(test_a_killed_master),
		TEST(test_sentinels_set_up_anew),
		TEST(test_nobody_knows_the_name),
		TEST(test_who_is_silent_may_know),
		TEST(test_a_name_that_is_forgotten),
		TEST(test_freed_while_it_asks),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
