/* SPDX-License-Identifier: Apache-2.0 */
/* Keys of one shard together with the state of its two logs, read at one instant (MULTI, EXEC): so the values are those
 * at these two W, however fast the daemon goes on. */
#pragma once
#include "effects.h"
#include "input_record.h"
#include "redis_link.h"
#include "stream.h"

#define SNAPSHOT_HOURS_SIZE 4096

/* rw:{p}:log:<topic> */
struct log_state {
	bool known;   /* the key is there */
	bool garbled; /* and makes no sense */
	char store[STORE_UUID_SIZE + 1];
	uint8_t key[STREAM_KEY_SIZE];
	int64_t start, applied, time_ms;
	char hours[SNAPSHOT_HOURS_SIZE]; /* "489,490": those with a journal bucket */
};

/* Appends the two log states to what is to be read; must come first inside MULTI. */
void log_state_send(struct redis_link *link, int32_t shard, const struct config *config);
void log_state_parse(const redisReply *reply, struct log_state *state);

struct snapshot {
	struct log_state logs[INPUT_COUNT];
	redisReply *reply; /* owned */
	size_t count;      /* replies to the commands given, in their order */
};

/* command: what is asked about each key, HGETALL or STRLEN. False and link->error when Redis failed. snapshot_fini in
 * both cases. */
MUST_CHECK bool snapshot_read(struct snapshot *snapshot, struct redis_link *link, int32_t shard, const char *command,
			      const struct slice *keys, size_t count);
const redisReply *snapshot_reply(const struct snapshot *snapshot, size_t number);
void snapshot_fini(struct snapshot *snapshot);
