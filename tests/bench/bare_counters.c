/* SPDX-License-Identifier: Apache-2.0 */
#include "bare_counters.h"
#include <stdio.h>
#include <stdlib.h>
#include "records.h"

#define DEPTH 3000 /* commands sent before their replies are read */
#define KEY_MAX 512
#define WORDS_MAX 6

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

static void send_words(struct bare_counters *counters, int count, const struct slice *words)
{
	const char *texts[WORDS_MAX];
	size_t sizes[WORDS_MAX];

	for (int i = 0; i < count; i++) {
		texts[i] = words[i].data;
		sizes[i] = words[i].size;
	}
	if (redisAppendCommandArgv(counters->redis, count, texts, sizes) != REDIS_OK)
		bench_fail("Redis", counters->redis->errstr);
	if (++counters->waiting >= DEPTH)
		read_replies(counters);
}

static void increment(struct bare_counters *counters, struct slice key)
{
	send_words(counters, 4, (struct slice[]){ SLICE("HINCRBY"), key, SLICE("deliveries"), SLICE("1") });
}

/* Writes the rider's key to a buffer of KEY_MAX bytes. */
static struct slice rider_key(char *buffer, int partition, struct slice rider)
{
	size_t size = (size_t)snprintf(buffer, KEY_MAX, "rw:{%d}:rider:", partition);
	size_t length = rider.size < KEY_MAX - size ? rider.size : KEY_MAX - size;

	if (length)
		memcpy(buffer + size, rider.data, length);
	return (struct slice){ buffer, size + length };
}

void bare_counters_fill(struct bare_counters *counters, int partition, struct slice rider)
{
	char key[KEY_MAX];

	send_words(counters, 6,
		   (struct slice[]){ SLICE("HSET"), rider_key(key, partition, rider), SLICE("deliveries"), SLICE("1"),
				     SLICE("last_ms"), SLICE("1772323200000") });
}

void bare_counters_add(struct bare_counters *counters, int partition, struct slice rider)
{
	char key[KEY_MAX];

	increment(counters, rider_key(key, partition, rider));
	snprintf(key, sizeof(key), "rw:{%d}:totals", partition);
	increment(counters, slice_of(key));
	snprintf(key, sizeof(key), "rw:{%d}:totals:20260301", partition);
	increment(counters, slice_of(key));
}
