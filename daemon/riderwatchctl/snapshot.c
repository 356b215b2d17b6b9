/* SPDX-License-Identifier: Apache-2.0 */
#include "snapshot.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "must.h"
#include "offset_metadata.h"

#define KEY_HEX_SIZE (2 * STREAM_KEY_SIZE)
enum { FIELD_STORE, FIELD_KEY, FIELD_START, FIELD_APPLIED, FIELD_TIME, FIELD_HOURS, FIELD_COUNT };

void log_state_send(struct redis_link *link, int32_t shard, const struct config *config)
{
	const char *topics[] = {
		[INPUT_REPORTS] = config->topics_reports, [INPUT_DELIVERIES] = config->topics_deliveries
	};
	for (int input = 0; input < INPUT_COUNT; input++)
		redis_link_send(link, "HMGET rw:{%d}:log:%s store key start applied time hours", shard, topics[input]);
}

static bool parse_number(const redisReply *field, int64_t *number)
{
	char *end;
	if (field->type != REDIS_REPLY_STRING || field->len == 0)
		return false;
	*number = strtoll(field->str, &end, 10);
	return *end == '\0';
}

static bool parse_key(const redisReply *field, uint8_t key[STREAM_KEY_SIZE])
{
	if (field->type != REDIS_REPLY_STRING || (size_t)field->len != KEY_HEX_SIZE)
		return false;
	for (size_t i = 0; i < STREAM_KEY_SIZE; i++)
		if (sscanf(field->str + 2 * i, "%2hhx", &key[i]) != 1)
			return false;
	return true;
}

static bool parse_store(const redisReply *field, char store[STORE_UUID_SIZE + 1])
{
	if (field->type != REDIS_REPLY_STRING || (size_t)field->len != STORE_UUID_SIZE || !is_store_uuid(field->str))
		return false;
	memcpy(store, field->str, STORE_UUID_SIZE + 1);
	return true;
}

static bool parse_hours(const redisReply *field, char hours[SNAPSHOT_HOURS_SIZE])
{
	if (field->type == REDIS_REPLY_NIL)
		return true;
	if (field->type != REDIS_REPLY_STRING || (size_t)field->len >= SNAPSHOT_HOURS_SIZE)
		return false;
	memcpy(hours, field->str, (size_t)field->len + 1);
	return true;
}

void log_state_parse(const redisReply *reply, struct log_state *state)
{
	*state = (struct log_state){ 0 };
	if (reply->type != REDIS_REPLY_ARRAY || reply->elements != FIELD_COUNT) {
		state->known = state->garbled = true;
		return;
	}
	for (size_t i = 0; i < FIELD_COUNT; i++)
		state->known |= reply->element[i]->type != REDIS_REPLY_NIL;
	if (!state->known)
		return;
	redisReply *const *fields = reply->element;
	state->garbled = !parse_store(fields[FIELD_STORE], state->store) || !parse_key(fields[FIELD_KEY], state->key) ||
			 !parse_number(fields[FIELD_START], &state->start) ||
			 !parse_number(fields[FIELD_APPLIED], &state->applied) ||
			 !parse_number(fields[FIELD_TIME], &state->time_ms) ||
			 !parse_hours(fields[FIELD_HOURS], state->hours) || state->start < 0 ||
			 state->applied < state->start;
}

/* MULTI and every command in it are answered before EXEC brings the values. */
static bool receive(struct snapshot *snapshot, struct redis_link *link, size_t before)
{
	bool ok = true;
	for (size_t i = 0; i < before; i++) {
		redisReply *reply = redis_link_receive(link);
		ok &= reply != NULL;
		if (!reply && link->context->err)
			return false;
		freeReplyObject(reply);
	}
	/* When a command was refused, EXEC says only that; what matters is the error before. */
	char first[sizeof(link->error)];
	memcpy(first, link->error, sizeof(first));
	snapshot->reply = redis_link_receive(link);
	if (!ok)
		memcpy(link->error, first, sizeof(first));
	return ok && snapshot->reply;
}

bool snapshot_read(struct snapshot *snapshot, struct redis_link *link, int32_t shard, const char *command,
		   const struct slice *keys, size_t count)
{
	*snapshot = (struct snapshot){ .count = count };
	redis_link_send(link, "MULTI");
	log_state_send(link, shard, link->config);
	for (size_t i = 0; i < count; i++)
		redis_link_send_words(link, (const struct slice[]){ slice_of(command), keys[i] }, 2);
	redis_link_send(link, "EXEC");
	if (!receive(snapshot, link, 1 + INPUT_COUNT + count))
		return false;
	MUST(snapshot->reply->elements == INPUT_COUNT + count);
	for (int input = 0; input < INPUT_COUNT; input++)
		log_state_parse(snapshot->reply->element[input], &snapshot->logs[input]);
	return true;
}

const redisReply *snapshot_reply(const struct snapshot *snapshot, size_t number)
{
	MUST(number < snapshot->count);
	return snapshot->reply->element[INPUT_COUNT + number];
}

void snapshot_fini(struct snapshot *snapshot)
{
	freeReplyObject(snapshot->reply);
	snapshot->reply = NULL;
}
