/* SPDX-License-Identifier: Apache-2.0 */
/* What Redis answered, as values. Redis may be damaged, foreign or written to by others: a function returns false when
 * the reply has any other shape than what it reads, and what it fills is then undefined. Pure: looks at the reply only.
 */
#pragma once
#include <hiredis/hiredis.h>
#include "effects.h"
#include "must.h"
#include "protocol.h"
#include "stream.h"

#define REPLY_HOURS_MAX 256
#define REPLY_HASH_SIZE 8

/* rw_apply_v1 */
struct apply_reply {
	enum apply_result result;
	uint32_t conflicts, unmatched;
};
MUST_CHECK bool reply_apply(const redisReply *reply, struct apply_reply *apply);

/* rw_state_v1: ok, and missing or uuid, start and W. */
MUST_CHECK bool reply_state(const redisReply *reply, struct load_reply *state);

/* rw_load_v1: the same, and what the dedup state is read with. */
struct state_reply {
	struct load_reply load;
	uint8_t key[STREAM_KEY_SIZE];
	int64_t stream_time_ms;          /* STREAM_TIME_NONE, or not negative */
	uint32_t hours[REPLY_HOURS_MAX]; /* that have a journal bucket; ascending, none beyond stream time */
	size_t hour_count;
	size_t journal_ids; /* about so many in all buckets: for making room, not to be trusted */
};
MUST_CHECK bool reply_load(const redisReply *reply, struct state_reply *state);

/* HMGET log applied time: W and T; -1 for what is missing or no number. */
void reply_progress(const redisReply *reply, int64_t *applied, int64_t *time_ms);

/* INFO */
struct info_reply {
	int version_major; /* 0: not said */
	bool may_evict, is_replica, is_loading, without_append_file;
	char run_id[41]; /* of this start of Redis; empty: not said */
};
MUST_CHECK bool reply_info(const redisReply *reply, struct info_reply *info);

/* CONFIG GET of one integer setting. */
MUST_CHECK bool reply_setting(const redisReply *reply, int64_t *value);
/* FUNCTION LIST ... WITHCODE: exactly one library, and this is its text. */
bool reply_has_library(const redisReply *reply, const char *text);
