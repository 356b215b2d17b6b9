/* SPDX-License-Identifier: Apache-2.0 */
/* rw:rollup and rw:rollup:<day>: sums over all shards. A round asks how far the logs are (look), and when one has moved
 * reads every shard's sums together with its W (read), then writes all sums and what they hold (write), in one MULTI
 * each. A round remembers nothing of the one before it but what rw:rollup:applied says. A failed one is told and
 * forgotten: counting does not depend on it. */
#include "store_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include "alloc.h"
#include "crash.h"
#include "log.h"
#include "monotonic.h"
#include "rollup.h"
#include "store_reply.h"

#define KEY_APPLIED "rw:rollup:applied"
#define FIELDS_A_COMMAND 256
#define DAY_KEPT "34560000" /* seconds: 400 days after it was last written */
/* Redis and the loop are to be busy with this for one part in so many. */
#define REST_FACTOR 10
#define FIELD_SIZE 300

struct rollup_log {
	struct rollup_mark known, reached;
	int64_t applied, time_ms; /* as looked at */
};

struct store_rollup {
	struct store *store;
	struct store_rollup_request request;
	struct rollup_log *logs;  /* partition * INPUT_COUNT + input */
	size_t log_count, looked; /* replies of the first step */
	int32_t shard;            /* being read */
	uint32_t days[INPUT_COUNT * ROLLUP_DAYS_MAX];
	size_t day_count;
	struct rollup *sums;
	int64_t began_us, working_us;
	/* Requests under way; the last reply of a step without an error leads to the next step. */
	size_t waiting;
	void (*on_each)(struct store_rollup *round, const redisReply *reply); /* NULL: only the last one matters */
	void (*on_last)(struct store_rollup *round, const redisReply *reply);
	char error[256];
};

/* ---- life of a round ---- */

static void end_round(struct store_rollup *round, bool ok)
{
	struct store *store = round->store;
	int64_t now = monotonic_us(), working = round->working_us ? now - round->working_us : 0;
	store->rollup_rest_until_us = round->began_us + REST_FACTOR * working;
	store->rollup_anew = !ok;
	if (ok)
		store->stats.rollups++;
	else
		store->stats.rollups_failed++;
	if (ok && working)
		store->stats.rollup_us = (uint64_t)working;
	store->rollup = NULL;
	rollup_free(&round->sums);
	free(round->logs);
	free(round);
}

/* The connection is lost: each request that waits is dropped. */
static void on_dropped(void *subject)
{
	struct store_rollup *round = subject;
	if (--round->waiting == 0)
		end_round(round, false);
}

static void note_error(struct store_rollup *round, const redisReply *reply)
{
	if (reply->type == REDIS_REPLY_ERROR && !round->error[0])
		snprintf(round->error, sizeof round->error, "%s", reply->str);
	for (size_t i = 0; reply->type == REDIS_REPLY_ARRAY && i < reply->elements; i++)
		note_error(round, reply->element[i]);
}

static void on_reply(struct store *store, void *subject, const redisReply *reply)
{
	struct store_rollup *round = subject;
	(void)store;
	round->waiting--;
	note_error(round, reply);
	if (round->on_each && !round->error[0])
		round->on_each(round, reply);
	if (round->waiting > 0)
		return;
	if (!round->error[0]) {
		round->on_last(round, reply);
		return;
	}
	log_limited(LOG_WARNING, "sums over all shards not refreshed; counting goes on", "answer=\"%s\" advice=\"%s\"",
		    round->error, redis_fault_find(round->error)->advice);
	end_round(round, false);
}

#define ASK(round, ...)                                                                                                \
	do {                                                                                                           \
		(round)->waiting++;                                                                                    \
		store_send((round)->store, on_reply, on_dropped, round, __VA_ARGS__);                                  \
	} while (0)

/* ---- write ---- */

static void add_argument(struct store_arguments *arguments, struct slice text)
{
	store_add_argument(arguments, text.data, text.size);
}

/* HSET of a day's sums, so many fields a command. */
static void write_day(struct store_rollup *round, const struct rollup_day *day)
{
	const struct rollup_sum *sum = day->sums;
	char key[32] = "rw:rollup", numbers[FIELDS_A_COMMAND][24];
	if (day->day != ROLLUP_ALL)
		snprintf(key, sizeof key, "rw:rollup:%08u", day->day);
	while (sum) {
		struct store_arguments arguments = { .count = 0 };
		add_argument(&arguments, SLICE("HSET"));
		add_argument(&arguments, slice_of(key));
		for (size_t i = 0; sum && i < FIELDS_A_COMMAND; i++, sum = sum->next) {
			snprintf(numbers[i], sizeof numbers[i], "%lld", (long long)sum->value);
			add_argument(&arguments, sum->field);
			add_argument(&arguments, slice_of(numbers[i]));
		}
		round->waiting++;
		store_send_arguments(round->store, on_reply, on_dropped, round, &arguments);
	}
	if (day->day != ROLLUP_ALL)
		ASK(round, "EXPIRE %s " DAY_KEPT, key);
}

static void write_marks(struct store_rollup *round)
{
	for (size_t i = 0; i < round->log_count; i++) {
		const struct rollup_mark *mark = &round->logs[i].reached;
		int partition = (int)(i / INPUT_COUNT);
		const char *topic = round->request.topics[i % INPUT_COUNT];
		if (mark->applied >= 0)
			ASK(round, "HSET " KEY_APPLIED " %d:%s %lld %d:%s:day %u", partition, topic,
			    (long long)mark->applied, partition, topic, mark->day);
	}
}

static void on_written(struct store_rollup *round, const redisReply *reply)
{
	(void)reply;
	crash_point("rollup_written");
	end_round(round, true);
}

static void write_all(struct store_rollup *round)
{
	round->on_each = NULL;
	round->on_last = on_written;
	crash_point("rollup_read");
	ASK(round, "MULTI");
	for (const struct rollup_day *day = rollup_days(round->sums); day; day = day->next)
		write_day(round, day);
	write_marks(round);
	ASK(round, "EXEC");
}

/* ---- read ---- */

static void read_shard(struct store_rollup *round);

static void add_hash(struct store_rollup *round, uint32_t day, const redisReply *reply)
{
	for (size_t i = 0; i + 1 < reply->elements; i += 2) {
		const redisReply *field = reply->element[i], *value = reply->element[i + 1];
		rollup_add(round->sums, day, (struct slice){ field->str, (size_t)field->len },
			   (struct slice){ value->str, (size_t)value->len });
	}
}

/* What EXEC answers: W and T of each log, the sums, the sums of each day. */
static void on_shard(struct store_rollup *round, const redisReply *reply)
{
	struct rollup_log *logs = &round->logs[round->shard * INPUT_COUNT];
	if (reply->type != REDIS_REPLY_ARRAY || reply->elements != INPUT_COUNT + 1 + round->day_count) {
		end_round(round, false);
		return;
	}
	for (int input = 0; input < INPUT_COUNT; input++) {
		int64_t applied, time_ms;
		reply_progress(reply->element[input], &applied, &time_ms);
		logs[input].reached = rollup_reached(applied, time_ms, round->days, round->day_count);
	}
	add_hash(round, ROLLUP_ALL, reply->element[INPUT_COUNT]);
	for (size_t i = 0; i < round->day_count; i++)
		add_hash(round, round->days[i], reply->element[INPUT_COUNT + 1 + i]);
	round->shard++;
	read_shard(round);
}

static void list_days(struct store_rollup *round)
{
	const struct rollup_log *logs = &round->logs[round->shard * INPUT_COUNT];
	round->day_count = 0;
	for (int input = 0; input < INPUT_COUNT; input++) {
		if (logs[input].applied >= 0)
			round->day_count = rollup_changed(logs[input].known.day, logs[input].time_ms, round->days,
							  round->day_count);
	}
}

static void read_shard(struct store_rollup *round)
{
	if (round->shard == round->request.partitions) {
		write_all(round);
		return;
	}
	list_days(round);
	round->on_each = NULL;
	round->on_last = on_shard;
	ASK(round, "MULTI");
	for (int input = 0; input < INPUT_COUNT; input++)
		ASK(round, "HMGET rw:{%d}:log:%s applied time", (int)round->shard, round->request.topics[input]);
	ASK(round, "HGETALL rw:{%d}:totals", (int)round->shard);
	for (size_t i = 0; i < round->day_count; i++)
		ASK(round, "HGETALL rw:{%d}:totals:%08u", (int)round->shard, round->days[i]);
	ASK(round, "EXEC");
}

/* ---- look ---- */

/* After a failed write the marks may stand there without their sums. */
static bool has_moved(const struct store_rollup *round)
{
	if (round->store->rollup_anew)
		return true;
	for (size_t i = 0; i < round->log_count; i++) {
		if (round->logs[i].applied != round->logs[i].known.applied)
			return true;
	}
	return false;
}

static void on_looked(struct store_rollup *round, const redisReply *reply)
{
	(void)reply;
	if (!has_moved(round)) {
		end_round(round, true);
		return;
	}
	round->working_us = monotonic_us();
	round->sums = rollup_new();
	read_shard(round);
}

/* "<partition>:<topic>" is W, with ":day" behind it the day. */
static void know(struct store_rollup *round, const char *field, const char *value)
{
	char name[FIELD_SIZE];
	char *end;
	long partition = strtol(field, &end, 10);
	for (int input = 0; input < INPUT_COUNT && partition >= 0 && partition < round->request.partitions; input++) {
		struct rollup_mark *known = &round->logs[partition * INPUT_COUNT + input].known;
		snprintf(name, sizeof name, "%ld:%s", partition, round->request.topics[input]);
		if (strcmp(field, name) == 0)
			known->applied = strtoll(value, NULL, 10);
		snprintf(name, sizeof name, "%ld:%s:day", partition, round->request.topics[input]);
		if (strcmp(field, name) == 0)
			known->day = (uint32_t)strtoul(value, NULL, 10);
	}
}

static void know_all(struct store_rollup *round, const redisReply *reply)
{
	for (size_t i = 0; i + 1 < reply->elements; i += 2)
		know(round, reply->element[i]->str, reply->element[i + 1]->str);
}

/* What is known comes first, then each log in turn. */
static void on_look(struct store_rollup *round, const redisReply *reply)
{
	size_t at = round->looked++;
	if (at == 0)
		know_all(round, reply);
	else
		reply_progress(reply, &round->logs[at - 1].applied, &round->logs[at - 1].time_ms);
}

static void look(struct store_rollup *round)
{
	round->on_each = on_look;
	round->on_last = on_looked;
	ASK(round, "HGETALL " KEY_APPLIED);
	for (size_t i = 0; i < round->log_count; i++)
		ASK(round, "HMGET rw:{%d}:log:%s applied time", (int)(i / INPUT_COUNT),
		    round->request.topics[i % INPUT_COUNT]);
}

void store_roll_up(struct store *store, const struct store_rollup_request *request)
{
	MUST(store->phase == STORE_READY);
	if (store->rollup || monotonic_us() < store->rollup_rest_until_us)
		return;
	struct store_rollup *round = alloc_zeroed(1, sizeof *round);
	*round = (struct store_rollup){ .store = store, .request = *request, .began_us = monotonic_us() };
	round->log_count = (size_t)request->partitions * INPUT_COUNT;
	round->logs = alloc_zeroed(round->log_count, sizeof *round->logs);
	for (size_t i = 0; i < round->log_count; i++)
		round->logs[i].known.applied = -1;
	store->rollup = round;
	look(round);
}
