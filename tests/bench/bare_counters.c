/* SPDX-License-Identifier: Apache-2.0 */
#include "bare_counters.h"
#include <stdio.h>
#include <stdlib.h>
#include "records.h"

#define DEPTH 3000 /* commands sent before their replies are read */
#define KEY_MAX 512

void bare_counters_open(struct bare_counters *counters, const char *address)
{
	const char *colon = strrchr(address, ':');
	char host[256];

	snprintf(host, sizeof(host), "%.*s", colon ? (int)(colon - address) : 0, address);
	*counters = (struct bare_counters){ 0 };
	counters->redis = *address == '/' || !colon ? redisConnectUnix(address) : redisConnect(host, atoi(colon + 1));
	if (!counters->redis || counters->redis->err)
		bench_fail(address, counters->redis ? counters->redis->errstr : "no memory");
}

static void read_replies(struct bare_counters *counters)
{
	for (; counters->waiting; counters->waiting--) {
		redisReply *reply = NULL;
		if (redisGetReply(counters->redis, (void **)&reply) != REDIS_OK)
			bench_fail("Redis", counters->redis->errstr);
		if (reply->type == REDIS_REPLY_ERROR)
			bench_fail("Redis", reply->str);
		freeReplyObject(reply);
	}
}

void bare_counters_close(struct bare_counters *counters)
{
	read_replies(counters);
	redisFree(counters->redis);
}

static void increment(struct bare_counters *counters, struct slice key)
{
	const char *words[] = { "HINCRBY", key.data, "deliveries", "1" };
	const size_t sizes[] = { 7, key.size, 10, 1 };

	if (redisAppendCommandArgv(counters->redis, 4, words, sizes) != REDIS_OK)
		bench_fail("Redis", counters->redis->errstr);
	counters->waiting++;
}

void bare_counters_add(struct bare_counters *counters, int partition, struct slice rider)
{
	char key[KEY_MAX];
	int size = snprintf(key, sizeof(key), "rw:{%d}:rider:", partition);
	size_t room = sizeof(key) - (size_t)size;
	size_t length = rider.size < room ? rider.size : room;

	if (length)
		memcpy(key + size, rider.data, length);
	increment(counters, (struct slice){ key, (size_t)size + length });
	size = snprintf(key, sizeof(key), "rw:{%d}:totals", partition);
	increment(counters, (struct slice){ key, (size_t)size });
	size = snprintf(key, sizeof(key), "rw:{%d}:totals:20260301", partition);
	increment(counters, (struct slice){ key, (size_t)size });
	if (counters->waiting >= DEPTH)
		read_replies(counters);
}
