/* SPDX-License-Identifier: Apache-2.0 */
/* Whatever Redis answers: a reply is either read to values that the protocol can live with, or it is another shape.
 * Input: RESP. */
#include "fuzz/fuzz_input.h"
#include "offset_metadata.h"
#include "redis_sentinel.h"
#include "store_reply.h"

static void check_load_reply(const struct load_reply *load)
{
	MUST(load->ok);
	if (load->missing)
		return;
	MUST(is_store_uuid(load->uuid));
	MUST(load->start >= 0 && load->applied >= load->start);
}

static void check_state(const struct state_reply *state)
{
	check_load_reply(&state->load);
	if (state->load.missing)
		return;
	MUST(state->stream_time_ms >= STREAM_TIME_NONE && state->hour_count <= REPLY_HOURS_MAX);
	struct stream stream = { .time_ms = state->stream_time_ms };
	for (size_t i = 0; i < state->hour_count; i++) {
		MUST(state->hours[i] <= stream_hour(&stream));
		MUST(i == 0 || state->hours[i] > state->hours[i - 1]);
	}
	/* Making room must be possible, whatever size is told. */
	MUST(state->journal_ids <= 1 << 26);
	/* What was loaded can be committed. */
	struct offset_metadata metadata = { .stream_time_ms = state->stream_time_ms }, back;
	char text[OFFSET_METADATA_SIZE];
	memcpy(metadata.store_uuid, state->load.uuid, STORE_UUID_SIZE);
	offset_metadata_format(&metadata, text);
	MUST(offset_metadata_parse(text, &back));
}

/* Whatever a Sentinel names can be connected to. */
static void check_sentinel(const redisReply *reply)
{
	for (enum redis_sentinel_step step = SENTINEL_AUTH; step < SENTINEL_STEPS; step++) {
		struct redis_sentinel_answer answer = SENTINEL_ANSWER_NONE;
		redis_sentinel_read(&answer, step, reply, "master");
		MUST(answer.result == SENTINEL_NAMES || step == SENTINEL_STATE || reply->type != REDIS_REPLY_ERROR ||
		     answer.error[0]);
		if (answer.result == SENTINEL_NAMES)
			MUST(answer.master.host[0] && answer.master.port >= 1 && answer.master.port <= 65535);
	}
}

/* A reply has one meaning at most, by its shape. */
static void check(const redisReply *reply)
{
	struct apply_reply apply;
	struct load_reply load;
	struct state_reply state;
	struct info_reply info;
	int64_t setting;
	check_sentinel(reply);
	if (reply_apply(reply, &apply))
		MUST(apply.result == APPLY_OK || apply.result == APPLY_REFUSED || apply.result == APPLY_FOREIGN);
	if (reply_state(reply, &load))
		check_load_reply(&load);
	if (reply_load(reply, &state))
		check_state(&state);
	if (reply_info(reply, &info))
		MUST(info.version_major >= 0 &&
		     (reply->type == REDIS_REPLY_STRING || reply->type == REDIS_REPLY_STATUS));
	if (reply_setting(reply, &setting))
		MUST(setting >= 0 && reply->type == REDIS_REPLY_ARRAY);
	if (reply_has_library(reply, "code"))
		MUST(reply->type == REDIS_REPLY_ARRAY && reply->elements == 1);
	if (reply->type == REDIS_REPLY_ERROR)
		MUST(!reply_load(reply, &state) && !reply_state(reply, &load) && !reply_apply(reply, &apply));
}

/* hiredis itself makes room for as many elements as are told, before it has seen them. */
static bool tells_too_many(const uint8_t *data, size_t size)
{
	size_t digits = 0;
	for (size_t i = 0; i < size; i++) {
		digits = data[i] >= '0' && data[i] <= '9' ? digits + 1 : 0;
		if (digits > 5 && memrchr(data, '*', i) == data + i - digits)
			return true;
	}
	return false;
}

int FUZZ_FUNCTION(replies)(const uint8_t *data, size_t size)
{
	if (tells_too_many(data, size))
		return 0;
	redisReader *reader = redisReaderCreate();
	void *reply;
	reader->maxbuf = 0;
	redisReaderFeed(reader, (const char *)data, size);
	while (redisReaderGetReply(reader, &reply) == REDIS_OK && reply) {
		check(reply);
		freeReplyObject(reply);
	}
	redisReaderFree(reader);
	return 0;
}
