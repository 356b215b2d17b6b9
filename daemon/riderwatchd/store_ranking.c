/* SPDX-License-Identifier: Apache-2.0 */
/* rw:top:<yyyymm>: riders by the score they have. The function that counts names those whose score changed
 * (rw:{p}:unranked); a round takes some of each shard, writes the scores they have now, and says so. Whatever ends a
 * round leaves the names where they are, for the next one. */
#include "store_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include "alloc.h"
#include "crash.h"
#include "log.h"
#include "must.h"

#define MEMBERS_MAX 500
#define MONTH_SIZE 6
#define MONTH_KEPT "8640000" /* seconds: 100 days after it was last written */

struct store_ranking {
	struct store *store;
	int32_t *partitions;
	size_t count, at;
	size_t waiting;
	uint64_t changes; /* when it began */
	bool found;       /* a rider, on some list */
	char *confirm;    /* RESP: what is said once all is written */
	size_t confirm_size;
	char error[256];
};

static void ask_shard(struct store_ranking *round);

static void remember(struct store_ranking *round)
{
	struct store_ranked *ranked = &round->store->ranked;
	free(ranked->partitions);
	*ranked = (struct store_ranked){ round->partitions, round->count, round->changes };
	round->partitions = NULL;
}

static void end_round(struct store_ranking *round, bool ok)
{
	if (ok)
		round->store->stats.rankings++;
	else
		round->store->stats.rankings_failed++;
	if (ok && !round->found)
		remember(round);
	round->store->ranking = NULL;
	redisFreeCommand(round->confirm);
	free(round->partitions);
	free(round);
}

static void on_dropped(void *subject)
{
	struct store_ranking *round = subject;
	if (--round->waiting == 0)
		end_round(round, false);
}

static void fail(struct store_ranking *round)
{
	const struct redis_fault *error = redis_fault_find(round->error);
	log_limited(LOG_WARNING, "leaderboard not refreshed; counting goes on", "answer=\"%s\" advice=\"%s\"",
		    round->error, error->advice);
	if (error->reaction == REACT_RELOAD)
		store_reload_library(round->store);
	end_round(round, false);
}

/* ---- written ---- */

/* True once all replies are there and none was an error; a round with an error has ended by then. */
static bool took_last(struct store_ranking *round, const redisReply *reply)
{
	if (reply->type == REDIS_REPLY_ERROR && !round->error[0])
		snprintf(round->error, sizeof round->error, "%s", reply->str);
	if (--round->waiting > 0)
		return false;
	if (round->error[0]) {
		fail(round);
		return false;
	}
	return true;
}

static void on_confirmed(struct store *store, void *subject, const redisReply *reply)
{
	struct store_ranking *round = subject;
	(void)store;
	if (!took_last(round, reply))
		return;
	redisFreeCommand(round->confirm);
	round->confirm = NULL;
	round->at++;
	ask_shard(round);
}

static void send_confirm(struct store_ranking *round)
{
	round->waiting++;
	store_send_formatted(round->store, on_confirmed, on_dropped, round,
			     (struct slice){ round->confirm, round->confirm_size });
}

static void on_written(struct store *store, void *subject, const redisReply *reply)
{
	struct store_ranking *round = subject;
	(void)store;
	if (!took_last(round, reply))
		return;
	crash_point("ranking_written");
	send_confirm(round);
}

/* ---- members and scores, as rw_unranked_v1 gave them ---- */

/* "202611:<rider key>"; what is something else is taken off the list and goes nowhere. */
static bool has_month(const redisReply *member)
{
	return member->len > MONTH_SIZE + 1 && strspn(member->str, "0123456789") == MONTH_SIZE &&
	       member->str[MONTH_SIZE] == ':';
}

/* The scores of all members of one month. */
static void write_month(struct store_ranking *round, const redisReply *reply, const char *month)
{
	char key[32];
	struct store_arguments arguments = { .count = 0 };
	snprintf(key, sizeof key, "rw:top:%.*s", MONTH_SIZE, month);
	store_add_argument(&arguments, "ZADD", 4);
	store_add_argument(&arguments, key, strlen(key));
	for (size_t i = 0; i + 1 < reply->elements; i += 2) {
		const redisReply *member = reply->element[i], *score = reply->element[i + 1];
		if (!has_month(member) || memcmp(member->str, month, MONTH_SIZE) != 0)
			continue;
		store_add_argument(&arguments, score->str, (size_t)score->len);
		store_add_argument(&arguments, member->str + MONTH_SIZE + 1, (size_t)member->len - MONTH_SIZE - 1);
		round->store->stats.ranked++;
	}
	round->waiting += 2;
	store_send_arguments(round->store, on_written, on_dropped, round, &arguments);
	store_send(round->store, on_written, on_dropped, round, "EXPIRE %s " MONTH_KEPT, key);
}

static bool is_first_of_month(const redisReply *reply, size_t at)
{
	if (!has_month(reply->element[at]))
		return false;
	for (size_t i = 0; i < at; i += 2) {
		if (has_month(reply->element[i]) &&
		    memcmp(reply->element[i]->str, reply->element[at]->str, MONTH_SIZE) == 0)
			return false;
	}
	return true;
}

static void prepare_confirm(struct store_ranking *round, const redisReply *reply)
{
	char key[48];
	struct store_arguments arguments = { .count = 0 };
	snprintf(key, sizeof key, "rw:{%d}:unranked", (int)round->partitions[round->at]);
	store_add_argument(&arguments, "FCALL", 5);
	store_add_argument(&arguments, "rw_ranked_v1", 12);
	store_add_argument(&arguments, "1", 1);
	store_add_argument(&arguments, key, strlen(key));
	for (size_t i = 0; i < reply->elements; i++)
		store_add_argument(&arguments, reply->element[i]->str, (size_t)reply->element[i]->len);
	int size = redisFormatCommandArgv(&round->confirm, arguments.count, arguments.list, arguments.sizes);
	MUST(size > 0);
	round->confirm_size = (size_t)size;
}

static bool is_list(const redisReply *reply)
{
	if (reply->type != REDIS_REPLY_ARRAY || reply->elements % 2 || reply->elements > 2 * MEMBERS_MAX)
		return false;
	for (size_t i = 0; i < reply->elements; i++) {
		if (reply->element[i]->type != REDIS_REPLY_STRING)
			return false;
	}
	return true;
}

/* When nothing of the list belongs on a leaderboard there is nothing to write before it is taken off. */
static void write_months(struct store_ranking *round, const redisReply *reply)
{
	crash_point("ranking_read");
	round->found = true;
	prepare_confirm(round, reply);
	for (size_t i = 0; i < reply->elements; i += 2) {
		if (is_first_of_month(reply, i))
			write_month(round, reply, reply->element[i]->str);
	}
	if (round->waiting == 0)
		send_confirm(round);
}

static void on_unranked(struct store *store, void *subject, const redisReply *reply)
{
	struct store_ranking *round = subject;
	(void)store;
	round->waiting--;
	if (!is_list(reply)) {
		snprintf(round->error, sizeof round->error, "%s",
			 reply->type == REDIS_REPLY_ERROR ? reply->str : "a reply of another shape");
		fail(round);
	} else if (reply->elements == 0) {
		round->at++;
		ask_shard(round);
	} else {
		write_months(round, reply);
	}
}

static void ask_shard(struct store_ranking *round)
{
	if (round->at == round->count) {
		end_round(round, true);
		return;
	}
	round->waiting++;
	store_send(round->store, on_unranked, on_dropped, round, "FCALL_RO rw_unranked_v1 1 rw:{%d}:unranked %d",
		   (int)round->partitions[round->at], MEMBERS_MAX);
}

/* The lists of these shards were empty, and nothing was done since that could have changed that. */
static bool is_ranked(const struct store *store, const int32_t *partitions, size_t count)
{
	const struct store_ranked *ranked = &store->ranked;
	return ranked->partitions && ranked->changes == store->changes && ranked->count == count &&
	       memcmp(ranked->partitions, partitions, count * sizeof *partitions) == 0;
}

void store_rank(struct store *store, const int32_t *partitions, size_t count)
{
	MUST(store->phase == STORE_READY);
	if (store->ranking || count == 0)
		return;
	if (is_ranked(store, partitions, count)) {
		store->stats.rankings++;
		return;
	}
	struct store_ranking *round = alloc_zeroed(1, sizeof *round);
	*round = (struct store_ranking){ .store = store, .count = count, .changes = store->changes };
	round->partitions = alloc_zeroed(count, sizeof *round->partitions);
	memcpy(round->partitions, partitions, count * sizeof *partitions);
	store->ranking = round;
	ask_shard(round);
}
