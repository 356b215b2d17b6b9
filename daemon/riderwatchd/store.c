/* SPDX-License-Identifier: Apache-2.0 */
#include "store_internal.h"

#include <stdlib.h>
#include "alloc.h"
#include "log.h"
#include "monotonic.h"
#include "must.h"
#include "store_reply.h"

struct store *store_new(struct event_base *base, const struct config *config, const struct store_callbacks *callbacks,
			void *context)
{
	struct store *store = alloc_zeroed(1, sizeof *store);
	store->base = base;
	store->config = config;
	store->callbacks = *callbacks;
	store->context = context;
	store->end = &store->first;
	if (config->redis_sentinels[0])
		store->sentinel = store_sentinel_new(store);
	store_connect(store);
	return store;
}

void store_free(struct store **store)
{
	struct store *old = *store;
	if (!old)
		return;
	*store = NULL;
	if (old->redis) {
		old->redis->data = NULL;
		redisAsyncFree(old->redis);
	}
	store_sentinel_free(&old->sentinel);
	event_free(old->deadline);
	event_free(old->retry);
	event_free(old->health);
	free(old->ranked.partitions);
	free(old);
}

bool store_is_ready(const struct store *store)
{
	return store->phase == STORE_READY;
}

void store_stats(const struct store *store, struct store_stats *stats)
{
	*stats = store->stats;
}

/* ---- apply ---- */

struct applying {
	struct protocol_chunk *chunk;
	int64_t sent_us;
};

static void count_apply(struct store_stats *stats, enum apply_result result, int64_t sent_us)
{
	uint64_t latency = (uint64_t)(monotonic_us() - sent_us);
	stats->latency_us_total += latency;
	if (latency > stats->latency_us_max)
		stats->latency_us_max = latency;
	stats->applied += result == APPLY_OK;
	stats->refused += result == APPLY_REFUSED || result == APPLY_FOREIGN;
}

static void on_applied(struct store *store, void *subject, const redisReply *reply)
{
	struct applying applying = *(struct applying *)subject;
	struct apply_reply answer;
	free(subject);
	if (!reply_apply(reply, &answer)) {
		store->stats.retries++;
		if (store_error_handle(store, "rw_apply", reply))
			store->callbacks.on_applied(store->context, applying.chunk, APPLY_RETRY, 0, 0);
		return;
	}
	count_apply(&store->stats, answer.result, applying.sent_us);
	store->callbacks.on_applied(store->context, applying.chunk, answer.result, answer.conflicts, answer.unmatched);
}

void store_apply(struct store *store, struct protocol_chunk *chunk, struct slice command)
{
	MUST(store->phase == STORE_READY);
	struct applying *applying = alloc_zeroed(1, sizeof *applying);
	*applying = (struct applying){ chunk, monotonic_us() };
	store->changes++;
	store_send_formatted(store, on_applied, free, applying, command);
}

/* ---- watch ---- */

struct watching {
	int slot;
	uint64_t token;
	int64_t at_least;
};

static void on_watched(struct store *store, void *subject, const redisReply *reply)
{
	struct watching watching = *(struct watching *)subject;
	struct load_reply state;
	free(subject);
	if (!reply_state(reply, &state)) {
		state = (struct load_reply){ .ok = false };
		if (!store_error_handle(store, "rw_state", reply))
			return;
	}
	store->callbacks.on_watched(store->context, watching.slot, watching.token, watching.at_least, &state);
}

void store_watch(struct store *store, int slot, uint64_t token, int64_t at_least, struct slice topic, int32_t partition)
{
	MUST(store->phase == STORE_READY);
	struct watching *watching = alloc_zeroed(1, sizeof *watching);
	*watching = (struct watching){ slot, token, at_least };
	store_send(store, on_watched, free, watching, "FCALL rw_state_v1 1 rw:{%d}:log:%b", (int)partition, topic.data,
		   topic.size);
}
