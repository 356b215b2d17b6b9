/* SPDX-License-Identifier: Apache-2.0 */
#include "redis_reads.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "alloc.h"
#include "arena.h"
#include "effects.h"
#include "pipeline.h"
#include "redis_link.h"

#define KEY_SIZE 256
#define DAY_SECONDS 86400
#define CHINA_SECONDS (8 * 3600)

struct redis_reads {
	const struct config *config;
	struct redis_link link;
};

struct redis_reads *redis_reads_new(const struct config *config)
{
	struct redis_reads *reads = alloc_zeroed(1, sizeof *reads);
	reads->config = config;
	return reads;
}

void redis_reads_free(struct redis_reads **pointer)
{
	if (!*pointer)
		return;
	redis_link_close(&(*pointer)->link);
	free(*pointer);
	*pointer = NULL;
}

const char *redis_reads_error(const struct redis_reads *reads)
{
	return reads->link.error;
}

void redis_reads_day(int days_ago, char day[9])
{
	time_t local = time(NULL) + CHINA_SECONDS - (time_t)days_ago * DAY_SECONDS;
	struct tm parts;
	gmtime_r(&local, &parts);
	strftime(day, 9, "%Y%m%d", &parts);
}

/* ---- connection ---- */

static bool connect_link(struct redis_reads *reads)
{
	const struct config *config = reads->config;
	const char *user = config->board_redis_user;
	redis_link_close(&reads->link);
	if (*user ? redis_link_open_as(&reads->link, config, user, config->board_redis_password_file)
		  : redis_link_open(&reads->link, config))
		return true;
	redis_link_close(&reads->link);
	return false;
}

/* A connection that Redis closed in the meantime shows at the first question. */
static bool is_ready(struct redis_reads *reads)
{
	return (reads->link.context && redis_link_holds(&reads->link)) || connect_link(reads);
}

/* A failed exchange leaves replies behind that belong to no question. */
static void *give_up(struct redis_reads *reads)
{
	redis_link_close(&reads->link);
	return NULL;
}

/* ---- hashes ---- */

/* Adds the numbers of a HGETALL to those of fields. */
static void add_numbers(json_t *fields, const redisReply *reply)
{
	for (size_t i = 0; i + 1 < reply->elements; i += 2) {
		const redisReply *name = reply->element[i], *value = reply->element[i + 1];
		int64_t before = json_integer_value(json_object_get(fields, name->str));
		if (value->type == REDIS_REPLY_STRING)
			json_object_set_new(fields, name->str, json_integer(before + strtoll(value->str, NULL, 10)));
	}
}

/* Sum of the hashes that were asked for; false when one of them did not come. */
static bool receive_sum(struct redis_reads *reads, json_t *fields, int32_t hashes)
{
	for (int32_t i = 0; i < hashes; i++) {
		redisReply *reply = redis_link_receive(&reads->link);
		if (!reply)
			return false;
		add_numbers(fields, reply);
		freeReplyObject(reply);
	}
	return true;
}

/* ---- rider ---- */

static bool receive_rider(struct redis_reads *reads, json_t *rider, const char *day)
{
	json_t *counters = json_object(), *today = json_object();
	json_object_set_new(rider, "counters", counters);
	bool ok = receive_sum(reads, counters, 1) && receive_sum(reads, today, 1);
	json_object_set_new(today, "day", json_string(day));
	json_object_set_new(rider, "today", today);
	return ok;
}

json_t *redis_reads_rider(struct redis_reads *reads, const char *rider_id, int32_t partitions)
{
	struct arena arena;
	char key[KEY_SIZE], day[9];
	if (!is_ready(reads))
		return NULL;
	arena_init(&arena);
	struct slice id = slice_of(rider_id), escaped = rider_key(id, &arena);
	int32_t shard = (int32_t)((murmur2(id) & 0x7fffffff) % (uint32_t)partitions);
	snprintf(key, sizeof key, "rw:{%d}:rider:%.*s", shard, (int)escaped.size, escaped.data);
	arena_fini(&arena);
	redis_reads_day(0, day);
	json_t *rider = json_object();
	json_object_set_new(rider, "shard", json_integer(shard));
	json_object_set_new(rider, "key", json_string(key));
	redis_link_send(&reads->link, "HGETALL %s", key);
	redis_link_send(&reads->link, "HGETALL %s:%s", key, day);
	if (receive_rider(reads, rider, day))
		return rider;
	json_decref(rider);
	return give_up(reads);
}

/* ---- totals ---- */

/* Whether the daemon keeps one; one that is not refreshed any more would be believed. */
static int rollup_exists(struct redis_reads *reads)
{
	if (reads->config->redis_rollup_every == 0)
		return 0;
	redisReply *reply = redis_link_ask(&reads->link, "EXISTS rw:rollup");
	int exists = reply ? reply->integer != 0 : -1;
	freeReplyObject(reply);
	return exists;
}

/* Asks for the hashes of one day ("" for all time); returns how many. */
static int32_t ask_totals(struct redis_reads *reads, bool rollup, int32_t partitions, const char *day)
{
	const char *colon = *day ? ":" : "";
	if (rollup) {
		redis_link_send(&reads->link, "HGETALL rw:rollup%s%s", colon, day);
		return 1;
	}
	for (int32_t p = 0; p < partitions; p++)
		redis_link_send(&reads->link, "HGETALL rw:{%d}:totals%s%s", p, colon, day);
	return partitions;
}

static json_t *receive_days(struct redis_reads *reads, int32_t hashes, int days)
{
	json_t *list = json_array();
	char day[9];
	for (int i = 0; i < days; i++) {
		json_t *entry = json_object(), *fields = json_object();
		redis_reads_day(i, day);
		json_object_set_new(entry, "day", json_string(day));
		json_object_set_new(entry, "fields", fields);
		json_array_append_new(list, entry);
		if (!receive_sum(reads, fields, hashes)) {
			json_decref(list);
			return NULL;
		}
	}
	return list;
}

/* What the roll-up's sums hold, before and after which more may have come. */
static json_t *receive_applied(struct redis_reads *reads)
{
	json_t *applied = json_object();
	if (receive_sum(reads, applied, 1))
		return applied;
	json_decref(applied);
	return NULL;
}

/* Sums over all time, those of the days, and of a roll-up up to where it is exact. */
static bool receive_totals(struct redis_reads *reads, json_t *totals, int32_t hashes, int days, bool rollup)
{
	json_t *all = json_object();
	json_object_set_new(totals, "all", all);
	if (!receive_sum(reads, all, hashes))
		return false;
	json_t *list = receive_days(reads, hashes, days);
	if (!list)
		return false;
	json_object_set_new(totals, "days", list);
	json_t *applied = rollup ? receive_applied(reads) : NULL;
	if (applied)
		json_object_set_new(totals, "applied", applied);
	return !rollup || applied;
}

json_t *redis_reads_totals(struct redis_reads *reads, int32_t partitions, int days)
{
	char day[9];
	int rollup = is_ready(reads) ? rollup_exists(reads) : -1;
	if (rollup < 0)
		return give_up(reads);
	int32_t hashes = ask_totals(reads, rollup, partitions, "");
	for (int i = 0; i < days; i++) {
		redis_reads_day(i, day);
		ask_totals(reads, rollup, partitions, day);
	}
	if (rollup)
		redis_link_send(&reads->link, "HGETALL rw:rollup:applied");
	json_t *totals = json_object();
	json_object_set_new(totals, "source", json_string(rollup ? "rollup" : "shards"));
	if (receive_totals(reads, totals, hashes, days, rollup))
		return totals;
	json_decref(totals);
	return give_up(reads);
}

/* ---- the best ---- */

static json_t *list_riders(const redisReply *reply)
{
	json_t *riders = json_array();
	for (size_t i = 0; i + 1 < reply->elements; i += 2) {
		json_t *rider = json_object();
		json_object_set_new(rider, "key", json_string(reply->element[i]->str));
		json_object_set_new(rider, "score", json_integer(strtoll(reply->element[i + 1]->str, NULL, 10)));
		json_array_append_new(riders, rider);
	}
	return riders;
}

json_t *redis_reads_top(struct redis_reads *reads, const char *month, int count)
{
	redisReply *reply =
		is_ready(reads) ? redis_link_ask(&reads->link, "ZREVRANGE rw:top:%s 0 %d WITHSCORES", month, count - 1)
				: NULL;
	if (!reply)
		return give_up(reads);
	json_t *top = json_object();
	json_object_set_new(top, "month", json_string(month));
	json_object_set_new(top, "riders", list_riders(reply));
	freeReplyObject(reply);
	return top;
}

/* ---- applied ---- */

int redis_reads_applied(struct redis_reads *reads, const char *topic, int32_t partitions, int64_t *applied)
{
	if (!is_ready(reads))
		return -1;
	for (int32_t p = 0; p < partitions; p++)
		redis_link_send(&reads->link, "HGET rw:{%d}:log:%s applied", p, topic);
	for (int32_t p = 0; p < partitions; p++) {
		redisReply *reply = redis_link_receive(&reads->link);
		if (!reply) {
			give_up(reads);
			return -1;
		}
		applied[p] = reply->type == REDIS_REPLY_STRING ? strtoll(reply->str, NULL, 10) : -1;
		freeReplyObject(reply);
	}
	return 0;
}
