/* SPDX-License-Identifier: Apache-2.0 */
/* Asks Sentinels for the master, on the event loop: one after the other until one names it. An answer is as good as its
 * epoch, which grows with each failover: one who has not heard of the last failover is passed over. */
#include "store_internal.h"

#include <hiredis/adapters/libevent.h>
#include <stdio.h>
#include <stdlib.h>
#include "alloc.h"
#include "log.h"
#include "must.h"
#include "redis_sentinel.h"
#include "redis_tls_loop.h"
#include "secret_file.h"

struct store_sentinel {
	struct store *store;
	struct redis_sentinels list;
	size_t next; /* whom to ask first; grows without end */
	int64_t epoch;
	bool unwell[SENTINELS_MAX]; /* named no master when they were asked last */

	bool is_asking;
	struct redis_sentinel_round round;
	redisAsyncContext *redis; /* to the one that is being asked, or NULL */
	enum redis_sentinel_step step;
	struct redis_sentinel_answer answer;
	struct event *timer; /* no answer in time; or the beginning, since answers come from the loop only */
};

static void ask_one(struct store_sentinel *sentinel);

static size_t number_of(const struct store_sentinel *sentinel)
{
	return (sentinel->next + sentinel->round.asked) % sentinel->list.count;
}

/* hiredis calls back once more for each step: with NULL, and to nobody. */
static void hang_up(struct store_sentinel *sentinel)
{
	redisAsyncContext *redis = sentinel->redis;
	sentinel->redis = NULL;
	event_del(sentinel->timer);
	if (redis) {
		redis->data = NULL;
		redisAsyncFree(redis);
	}
}

/* ---- one answer ---- */

/* Says when it changes whether one of them is of use: a silent one is asked once every few seconds. */
static void note_health(struct store_sentinel *sentinel, bool unwell)
{
	size_t number = number_of(sentinel);
	char text[ADDRESS_TEXT_SIZE];
	if (sentinel->unwell[number] == unwell)
		return;
	sentinel->unwell[number] = unwell;
	address_text(&sentinel->list.at[number], text);
	if (unwell)
		log_warning("a Sentinel does not name the master", "sentinel=%s why=\"%s\"", text,
			    sentinel->answer.error);
	else
		log_info("a Sentinel names the master again", "sentinel=%s", text);
}

static void end_round(struct store_sentinel *sentinel)
{
	struct redis_sentinel_round *round = &sentinel->round;
	sentinel->is_asking = false;
	if (sentinel->store->phase != STORE_READY)
		sentinel->epoch = -1; /* Sentinels that were set up anew count from 0 again */
	store_miss_master(sentinel->store, round->error, round->refused == sentinel->list.count);
}

static void conclude(struct store_sentinel *sentinel)
{
	struct redis_sentinel_answer *answer = &sentinel->answer;
	hang_up(sentinel);
	if (answer->result == SENTINEL_NAMES && answer->epoch >= 0 && answer->epoch < sentinel->epoch) {
		answer->result = SENTINEL_SILENT;
		snprintf(answer->error, sizeof answer->error, "it has not heard of the last failover yet");
	}
	note_health(sentinel, answer->result != SENTINEL_NAMES);
	if (answer->result != SENTINEL_NAMES) {
		redis_sentinel_note(&sentinel->round, &sentinel->list.at[number_of(sentinel)], answer);
		if (sentinel->round.asked == sentinel->list.count)
			end_round(sentinel);
		else
			ask_one(sentinel);
		return;
	}
	bool newer = answer->epoch > sentinel->epoch;
	sentinel->next = number_of(sentinel);
	sentinel->is_asking = false;
	if (newer)
		sentinel->epoch = answer->epoch;
	store_take_master(sentinel->store, &answer->master, &sentinel->list.at[sentinel->next], newer);
}

static void on_sentinel_reply(redisAsyncContext *redis, void *reply, void *unused)
{
	struct store_sentinel *sentinel = redis->data;
	(void)unused;
	if (!sentinel)
		return;
	if (reply) {
		redis_sentinel_read(&sentinel->answer, sentinel->step++, reply,
				    sentinel->store->config->redis_sentinel_master);
		if (sentinel->step == SENTINEL_STEPS)
			conclude(sentinel);
		return;
	}
	redis->data = NULL; /* hiredis frees it after this callback */
	sentinel->redis = NULL;
	sentinel->answer = SENTINEL_ANSWER_NONE;
	snprintf(sentinel->answer.error, sizeof sentinel->answer.error, "%s", redis->errstr);
	conclude(sentinel);
}

static void on_tls_error(redisAsyncContext *redis, const char *why)
{
	struct store_sentinel *sentinel = redis->data;
	sentinel->answer = SENTINEL_ANSWER_NONE;
	snprintf(sentinel->answer.error, sizeof sentinel->answer.error, "%s", why);
	conclude(sentinel);
}

/* ---- one question ---- */

static void send_steps(struct store_sentinel *sentinel, const char *password)
{
	for (enum redis_sentinel_step step = sentinel->step; step < SENTINEL_STEPS; step++) {
		char *bytes;
		int size = redis_sentinel_format(&bytes, step, sentinel->store->config, password);
		MUST(size >= 0 && redisAsyncFormattedCommand(sentinel->redis, on_sentinel_reply, NULL, bytes,
							     (size_t)size) == REDIS_OK);
		explicit_bzero(bytes, (size_t)size);
		redisFreeCommand(bytes);
	}
}

/* False: with the reason in its answer. */
static bool start_question(struct store_sentinel *sentinel, const char *password)
{
	const struct address *address = &sentinel->list.at[number_of(sentinel)];
	redisAsyncContext *redis = redisAsyncConnect(address->host, address->port);
	MUST(redis);
	if (redis->err) {
		snprintf(sentinel->answer.error, sizeof sentinel->answer.error, "%s", redis->errstr);
		redisAsyncFree(redis);
		return false;
	}
	redis->data = sentinel;
	sentinel->redis = redis;
	if (sentinel->store->config->redis_tls)
		redis_tls_attach(redis, sentinel->store->base, sentinel->store->config, address->host, on_tls_error);
	else
		MUST(redisLibeventAttach(redis, sentinel->store->base) == REDIS_OK);
	send_steps(sentinel, password);
	int64_t ms = redis_sentinel_patience_ms(sentinel->store->config);
	event_add(sentinel->timer, &(struct timeval){ ms / 1000, ms % 1000 * 1000 });
	return true;
}

static void ask_one(struct store_sentinel *sentinel)
{
	char password[SECRET_SIZE];
	sentinel->step = redis_sentinel_begin(sentinel->store->config, password, &sentinel->answer);
	bool started = sentinel->step < SENTINEL_STEPS && start_question(sentinel, password);
	explicit_bzero(password, sizeof password);
	if (!started)
		conclude(sentinel);
}

static void on_timer(evutil_socket_t fd, short what, void *context)
{
	struct store_sentinel *sentinel = context;
	(void)fd, (void)what;
	if (!sentinel->redis) {
		ask_one(sentinel);
		return;
	}
	sentinel->answer = SENTINEL_ANSWER_NONE;
	snprintf(sentinel->answer.error, sizeof sentinel->answer.error, "no answer in time");
	conclude(sentinel);
}

/* ---- for store_link.c ---- */

struct store_sentinel *store_sentinel_new(struct store *store)
{
	struct store_sentinel *sentinel = alloc_zeroed(1, sizeof *sentinel);
	sentinel->store = store;
	sentinel->epoch = -1;
	sentinel->timer = evtimer_new(store->base, on_timer, sentinel);
	MUST(sentinel->timer && redis_sentinels_parse(&sentinel->list, store->config->redis_sentinels));
	return sentinel;
}

void store_sentinel_free(struct store_sentinel **sentinel)
{
	if (!*sentinel)
		return;
	hang_up(*sentinel);
	event_free((*sentinel)->timer);
	free(*sentinel);
	*sentinel = NULL;
}

void store_sentinel_ask(struct store_sentinel *sentinel)
{
	if (sentinel->is_asking)
		return;
	sentinel->is_asking = true;
	sentinel->round = (struct redis_sentinel_round){ 0 };
	event_add(sentinel->timer, &(struct timeval){ 0, 0 });
}

void store_sentinel_rotate(struct store_sentinel *sentinel)
{
	if (!sentinel->is_asking)
		sentinel->next++;
}
