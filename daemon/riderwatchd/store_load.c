/* SPDX-License-Identifier: Apache-2.0 */
/* Reading a log's state: rw_load, then the journal in pieces, then rw_state. When uuid or W have changed in between,
 * the pieces do not belong together, and it begins again. */
#include "store_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include "alloc.h"
#include "crash.h"
#include "log.h"
#include "must.h"
#include "store_reply.h"

#define PIECE_SIZE (64 * 1024) /* some 8,000 ids; all of them may touch new pages of the table */
#define TRIES_MAX 5
#define TOPIC_MAX 256
#define KEY_HEX_SIZE (2 * STREAM_KEY_SIZE)

struct loading {
	struct store_load load;
	char topic[TOPIC_MAX];
	int tries;
	bool emptied;  /* a listed bucket held nothing */
	bool reserved; /* there is room for all ids */
	struct load_reply reply;
	struct stream *stream;
	struct state_reply state;
	size_t hour_at, offset; /* what is read next: bucket, byte in it */
};

static void stream_drop(struct stream **stream)
{
	if (*stream) {
		seen_free(&(*stream)->seen);
		free(*stream);
		*stream = NULL;
	}
}

static void loading_free(void *subject)
{
	struct loading *loading = subject;
	stream_drop(&loading->stream);
	free(loading);
}

/* Hands over what was read and ends the load. */
static void finish(struct store *store, struct loading *loading)
{
	struct stream *stream = loading->stream;
	struct loading done = *loading;
	loading->stream = NULL;
	loading_free(loading);
	if (!done.reply.ok || done.reply.missing)
		stream_drop(&stream);
	store->callbacks.on_loaded(store->context, done.load.slot, done.load.token, &done.reply, stream);
}

static void finish_failed(struct store *store, struct loading *loading)
{
	loading->reply = (struct load_reply){ .ok = false };
	finish(store, loading);
}

/* An error reply, or one of another shape. */
static void on_load_error(struct store *store, struct loading *loading, const char *doing, const redisReply *reply)
{
	char text[TOPIC_MAX + 64];
	snprintf(text, sizeof text, "%s, topic %s, partition %d", doing, loading->topic, loading->load.partition);
	if (store_error_handle(store, text, reply))
		finish_failed(store, loading);
	else
		loading_free(loading);
}

/* ---- after the journal ---- */

static void start(struct store *store, struct loading *loading);

static void try_again(struct store *store, struct loading *loading)
{
	if (++loading->tries < TRIES_MAX) {
		start(store, loading);
		return;
	}
	log_limited(LOG_WARNING, "redis state changes while it is read", "topic=%s partition=%d", loading->topic,
		    loading->load.partition);
	finish_failed(store, loading);
}

static void on_state(struct store *store, void *subject, const redisReply *reply)
{
	struct loading *loading = subject;
	struct load_reply now;
	if (!reply_state(reply, &now)) {
		on_load_error(store, loading, "rw_state", reply);
	} else if (now.missing || now.applied != loading->reply.applied ||
		   memcmp(now.uuid, loading->reply.uuid, STORE_UUID_SIZE) != 0) {
		try_again(store, loading);
	} else if (loading->emptied) {
		char key[TOPIC_MAX + 64];
		snprintf(key, sizeof key, "reading rw:{%d}:seen:%s:*", loading->load.partition, loading->topic);
		loading_free(loading);
		store_die(store, key, "a bucket of the dedup journal is gone",
			  "somebody deleted or evicted it; restore Redis, or empty it and start with redis.rebuild");
	} else {
		finish(store, loading);
	}
}

/* ---- the journal ---- */

static void on_piece(struct store *store, void *subject, const redisReply *reply);

static void next_piece(struct store *store, struct loading *loading)
{
	if (loading->hour_at == loading->state.hour_count) {
		store_send(store, on_state, loading_free, loading, "FCALL rw_state_v1 1 rw:{%d}:log:%s",
			   loading->load.partition, loading->topic);
		return;
	}
	store_send(store, on_piece, loading_free, loading, "GETRANGE rw:{%d}:seen:%s:%u %llu %llu",
		   loading->load.partition, loading->topic, loading->state.hours[loading->hour_at],
		   (unsigned long long)loading->offset, (unsigned long long)loading->offset + PIECE_SIZE - 1);
}

/* Room for a million ids is a few milliseconds' work. States of all partitions are asked for at once and come together,
 * pieces come one by one: with those no turn of the loop makes room for more than one partition. */
static void reserve(struct loading *loading)
{
	if (!loading->reserved)
		seen_reserve(loading->stream->seen, loading->state.journal_ids);
	loading->reserved = true;
}

static void on_piece(struct store *store, void *subject, const redisReply *reply)
{
	struct loading *loading = subject;
	if (reply->type != REDIS_REPLY_STRING) {
		on_load_error(store, loading, "reading the dedup journal", reply);
		return;
	}
	size_t size = (size_t)reply->len;
	crash_point("journal_read");
	if (size % REPLY_HASH_SIZE != 0) {
		loading_free(loading);
		store_die(store, "reading the dedup journal", "a bucket was cut or written to by somebody else",
			  "restore Redis, or empty it and start with redis.rebuild");
		return;
	}
	reserve(loading);
	seen_load(loading->stream->seen, loading->state.hours[loading->hour_at], reply->str, size / REPLY_HASH_SIZE);
	loading->emptied |= loading->offset + size == 0;
	loading->offset += size;
	if (size < PIECE_SIZE) {
		loading->hour_at++;
		loading->offset = 0;
	}
	next_piece(store, loading);
}

/* ---- before the journal ---- */

/* A state to read the journal into; what an earlier try read is dropped. */
static void begin(struct loading *loading, const struct load_reply *load)
{
	const struct state_reply *state = &loading->state;
	bool created = loading->reply.created || load->created; /* by an earlier try */
	stream_drop(&loading->stream);
	loading->reply = *load;
	loading->reply.created = created;
	loading->stream = alloc_zeroed(1, sizeof *loading->stream);
	loading->stream->seen = seen_new();
	loading->stream->time_ms = state->stream_time_ms;
	memcpy(loading->stream->key, state->key, STREAM_KEY_SIZE);
	loading->emptied = loading->reserved = false;
	loading->hour_at = loading->offset = 0;
}

static void on_load(struct store *store, void *subject, const redisReply *reply)
{
	struct loading *loading = subject;
	if (!reply_load(reply, &loading->state)) {
		on_load_error(store, loading, "rw_load", reply);
	} else if (loading->state.load.missing) {
		loading->reply = loading->state.load;
		finish(store, loading);
	} else {
		begin(loading, &loading->state.load);
		crash_point(loading->reply.created ? "state_created" : "state_read");
		next_piece(store, loading);
	}
}

static void random_bytes(uint8_t *bytes, size_t size)
{
	MUST(getrandom(bytes, size, 0) == (ssize_t)size);
}

/* Random (version 4) UUID in text form. */
static void random_uuid(char text[STORE_UUID_SIZE + 1])
{
	uint8_t b[16];
	random_bytes(b, sizeof b);
	b[6] = (uint8_t)((b[6] & 0x0f) | 0x40);
	b[8] = (uint8_t)((b[8] & 0x3f) | 0x80);
	snprintf(text, STORE_UUID_SIZE + 1, "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x",
		 b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12], b[13], b[14], b[15]);
}

static void random_key(char text[KEY_HEX_SIZE + 1])
{
	uint8_t bytes[STREAM_KEY_SIZE];
	random_bytes(bytes, sizeof bytes);
	for (size_t i = 0; i < sizeof bytes; i++)
		snprintf(text + 2 * i, 3, "%02x", bytes[i]);
}

static const char *mode_of(const struct loading *loading)
{
	if (loading->reply.created)
		return "read"; /* by an earlier try */
	if (loading->load.rebuild)
		return "rebuild";
	return loading->load.may_create ? "create" : "read";
}

static void start(struct store *store, struct loading *loading)
{
	char uuid[STORE_UUID_SIZE + 1], key[KEY_HEX_SIZE + 1];
	int32_t partition = loading->load.partition;
	random_uuid(uuid);
	random_key(key);
	store_send(store, on_load, loading_free, loading,
		   "FCALL rw_load_v1 2 rw:{%d}:log:%s rw:{%d}:feeds %s %lld %s %s %s", partition, loading->topic,
		   partition, mode_of(loading), (long long)loading->load.create_at, uuid, key, loading->topic);
}

void store_load(struct store *store, const struct store_load *load)
{
	MUST(store->phase == STORE_READY && load->topic.size < TOPIC_MAX);
	struct loading *loading = alloc_zeroed(1, sizeof *loading);
	loading->load = *load;
	memcpy(loading->topic, load->topic.data, load->topic.size);
	loading->load.topic.data = loading->topic;
	store->changes++;
	start(store, loading);
}
