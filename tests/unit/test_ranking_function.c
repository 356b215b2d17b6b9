/* SPDX-License-Identifier: Apache-2.0 */
/* rw_unranked_v1 and rw_ranked_v1 on a real Redis; what gets on that list is in tests/cases/apply.tsv. */
#include "effects.h"
#include "redis_server.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <hiredis/hiredis.h>

static struct redis_server server;
static redisContext *redis;

/* The reply as text: a number, or the list with commas. */
static void expect(const char *expected, const char *command)
{
	char found[256] = "";
	size_t used = 0;
	redisReply *reply = redisCommand(redis, command);
	assert_non_null(reply);
	if (reply->type == REDIS_REPLY_INTEGER)
		snprintf(found, sizeof found, "%lld", reply->integer);
	else if (reply->type != REDIS_REPLY_ARRAY)
		snprintf(found, sizeof found, "%s", reply->str);
	for (size_t i = 0; i < reply->elements && used < sizeof found; i++)
		used += (size_t)snprintf(found + used, sizeof found - used, i ? ",%s" : "%s", reply->element[i]->str);
	freeReplyObject(reply);
	if (strcmp(found, expected) != 0)
		fail_msg("%s: %s, not %s", command, found, expected);
}

#define LOOK "FCALL_RO rw_unranked_v1 1 rw:{7}:unranked 10"
#define RANKED "FCALL rw_ranked_v1 1 rw:{7}:unranked "

/* Who read a score, wrote it, and comes back too late must not be the last word. */
static void test_off_the_list_only_with_the_score_of_now(void **state)
{
	(void)state;
	expect("", LOOK);
	expect("1", "SADD rw:{7}:unranked 202611:r");
	expect("1", "HSET rw:{7}:rider:r score 5");
	expect("202611:r,5", LOOK);
	expect("0", "HSET rw:{7}:rider:r score 7");
	expect("1", RANKED "202611:r 5");
	expect("202611:r,7", LOOK);
	expect("0", RANKED "202611:r 7");
	expect("", LOOK);
	expect("1", RANKED "202611:r 5"); /* written over by an old one: back on the list */
	expect("0", RANKED "202611:r 7");
}

static void test_odd_members(void **state)
{
	(void)state;
	expect("3", "SADD rw:{7}:unranked 202611:nobody noise 202611:text");
	expect("OK", "SET rw:{7}:rider:text 5");
	expect("0", RANKED "202611:nobody 0 noise 0 202611:text 0");
}

static int start(void **state)
{
	(void)state;
	redis_server_start(&server, NULL);
	redis = redisConnectUnix(server.socket);
	redisReply *reply = redisCommand(redis, "FUNCTION LOAD REPLACE %s", redis_library_text);
	bool ok = reply && reply->type == REDIS_REPLY_STRING;
	freeReplyObject(reply);
	return ok ? 0 : -1;
}

static int stop(void **state)
{
	(void)state;
	redisFree(redis);
	redis_server_stop(&server);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_off_the_list_only_with_the_score_of_now),
		cmocka_unit_test(test_odd_members),
	};
	return cmocka_run_group_tests(tests, start, stop);
}
