/* SPDX-License-Identifier: Apache-2.0 */
#include "store_reply.h"

#include <limits.h>
#include "offset_metadata.h"

/* Room for this many ids is made at most before they are read; more than that grows as they come. */
#define JOURNAL_IDS_MAX (1 << 26)

static bool is_integer(const redisReply *reply, int64_t minimum, int64_t maximum)
{
	return reply->type == REDIS_REPLY_INTEGER && reply->integer >= minimum && reply->integer <= maximum;
}

/* A word that Lua returns as a string, or text; absent when the reply is neither. */
static struct slice text_of(const redisReply *reply)
{
	bool text = reply->type == REDIS_REPLY_STRING || reply->type == REDIS_REPLY_STATUS;
	return text && reply->str ? (struct slice){ reply->str, (size_t)reply->len } : (struct slice){ 0 };
}

/* More elements are no fault: a younger release of the function library may append some. */
static bool is_array(const redisReply *reply, size_t at_least)
{
	return reply->type == REDIS_REPLY_ARRAY && reply->elements >= at_least;
}

/* First word of a function's reply. */
static struct slice status_of(const redisReply *reply)
{
	return is_array(reply, 1) ? text_of(reply->element[0]) : (struct slice){ 0 };
}

static bool read_uuid(const redisReply *reply, char uuid[STORE_UUID_SIZE])
{
	struct slice text = text_of(reply);
	if (text.size != STORE_UUID_SIZE || !is_store_uuid(text.data))
		return false;
	memcpy(uuid, text.data, STORE_UUID_SIZE);
	return true;
}

/* ---- apply ---- */

static const struct {
	struct slice status;
	enum apply_result result;
} apply_statuses[] = {
	{ { "ok", 2 }, APPLY_OK },
	{ { "done", 4 }, APPLY_OK },
	{ { "refused", 7 }, APPLY_REFUSED },
	{ { "foreign", 7 }, APPLY_FOREIGN },
};

bool reply_apply(const redisReply *reply, struct apply_reply *apply)
{
	if (!is_array(reply, 4) || !is_integer(reply->element[2], 0, UINT32_MAX) ||
	    !is_integer(reply->element[3], 0, UINT32_MAX))
		return false;
	apply->conflicts = (uint32_t)reply->element[2]->integer;
	apply->unmatched = (uint32_t)reply->element[3]->integer;
	for (size_t i = 0; i < sizeof apply_statuses / sizeof *apply_statuses; i++) {
		apply->result = apply_statuses[i].result;
		if (slice_equal(status_of(reply), apply_statuses[i].status))
			return true;
	}
	return false;
}

/* ---- state ---- */

static bool is_missing(const redisReply *reply)
{
	return slice_equal(status_of(reply), SLICE("missing"));
}

bool reply_state(const redisReply *reply, struct load_reply *state)
{
	*state = (struct load_reply){ .ok = true, .missing = is_missing(reply) };
	if (state->missing)
		return true;
	if (!is_array(reply, 4) || !slice_equal(status_of(reply), SLICE("ok")) ||
	    !read_uuid(reply->element[1], state->uuid) || !is_integer(reply->element[2], 0, INT64_MAX) ||
	    !is_integer(reply->element[3], reply->element[2]->integer, INT64_MAX))
		return false;
	state->start = reply->element[2]->integer;
	state->applied = reply->element[3]->integer;
	return true;
}

/* -1: not a number of digits alone. */
static int64_t read_number(const redisReply *reply)
{
	struct slice text = text_of(reply);
	int64_t number = 0;
	if (text.size == 0 || text.size > 18)
		return -1;
	for (size_t i = 0; i < text.size; i++) {
		if (text.data[i] < '0' || text.data[i] > '9')
			return -1;
		number = number * 10 + (text.data[i] - '0');
	}
	return number;
}

void reply_progress(const redisReply *reply, int64_t *applied, int64_t *time_ms)
{
	bool both = is_array(reply, 2);
	*applied = both ? read_number(reply->element[0]) : -1;
	*time_ms = both ? read_number(reply->element[1]) : -1;
}

/* ---- load ---- */

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool read_key(const redisReply *reply, uint8_t key[STREAM_KEY_SIZE])
{
	struct slice text = text_of(reply);
	if (text.size != (size_t)2 * STREAM_KEY_SIZE)
		return false;
	for (size_t i = 0; i < STREAM_KEY_SIZE; i++) {
		int high = hex_digit(text.data[2 * i]), low = hex_digit(text.data[2 * i + 1]);
		if (high < 0 || low < 0)
			return false;
		key[i] = (uint8_t)(high << 4 | low);
	}
	return true;
}

/* Takes "489" off the front of "489,490"; false when there is no number of at most limit. */
static bool take_hour(struct slice *rest, uint32_t limit, uint32_t *hour)
{
	uint64_t number = 0;
	size_t digits = 0;
	while (digits < rest->size && digits < 10 && rest->data[digits] >= '0' && rest->data[digits] <= '9')
		number = number * 10 + (uint64_t)(rest->data[digits++] - '0');
	*rest = (struct slice){ rest->data + digits, rest->size - digits };
	*hour = (uint32_t)number;
	return digits > 0 && number <= limit;
}

static bool read_hours(const redisReply *reply, struct state_reply *state)
{
	struct slice rest = text_of(reply);
	uint32_t limit = state->stream_time_ms < 0 ? 0 : (uint32_t)(state->stream_time_ms / HOUR_MS);
	state->hour_count = 0;
	if (!rest.data)
		return false;
	while (rest.size > 0) {
		uint32_t hour;
		if (state->hour_count == REPLY_HOURS_MAX || !take_hour(&rest, limit, &hour))
			return false;
		if (state->hour_count > 0 && hour <= state->hours[state->hour_count - 1])
			return false;
		state->hours[state->hour_count++] = hour;
		if (rest.size > 0 && (rest.data[0] != ',' || rest.size == 1))
			return false;
		if (rest.size > 0)
			rest = (struct slice){ rest.data + 1, rest.size - 1 };
	}
	return true;
}

static bool read_created(const redisReply *reply, bool *created)
{
	*created = slice_equal(status_of(reply), SLICE("created"));
	return *created || slice_equal(status_of(reply), SLICE("ok"));
}

static size_t journal_ids(int64_t bytes)
{
	int64_t ids = bytes / REPLY_HASH_SIZE;
	return (size_t)(ids < JOURNAL_IDS_MAX ? ids : JOURNAL_IDS_MAX);
}

/* status, uuid, key, start, W, T, hours, bytes of the journal */
bool reply_load(const redisReply *reply, struct state_reply *state)
{
	struct load_reply *load = &state->load;
	*load = (struct load_reply){ .ok = true, .missing = is_missing(reply) };
	if (load->missing)
		return true;
	if (!is_array(reply, 8) || !read_created(reply, &load->created) || !read_uuid(reply->element[1], load->uuid) ||
	    !read_key(reply->element[2], state->key) || !is_integer(reply->element[3], 0, INT64_MAX) ||
	    !is_integer(reply->element[4], reply->element[3]->integer, INT64_MAX) ||
	    !is_integer(reply->element[5], INT64_MIN, UINT32_MAX * HOUR_MS) ||
	    !is_integer(reply->element[7], 0, INT64_MAX))
		return false;
	load->start = reply->element[3]->integer;
	load->applied = reply->element[4]->integer;
	state->stream_time_ms = reply->element[5]->integer < 0 ? STREAM_TIME_NONE : reply->element[5]->integer;
	state->journal_ids = journal_ids(reply->element[7]->integer);
	return read_hours(reply->element[6], state);
}

/* ---- settings ---- */

/* The value of a line "name:value" of INFO; empty when there is no such line. */
static struct slice info_value(struct slice info, struct slice name)
{
	while (info.size > 0) {
		const char *newline = memchr(info.data, '\n', info.size);
		size_t size = newline ? (size_t)(newline - info.data) : info.size;
		struct slice line = { info.data, size };
		if (line.size > 0 && line.data[line.size - 1] == '\r')
			line.size--;
		if (slice_starts_with(line, name) && line.size > name.size && line.data[name.size] == ':')
			return (struct slice){ line.data + name.size + 1, line.size - name.size - 1 };
		size += newline != NULL;
		info = (struct slice){ info.data + size, info.size - size };
	}
	return SLICE("");
}

/* Digits at the front, 0 when there are none; what is too large is as good as the largest. */
static int leading_number(struct slice text)
{
	int number = 0;
	for (size_t i = 0; i < text.size && text.data[i] >= '0' && text.data[i] <= '9'; i++)
		number = number > INT_MAX / 10 - 1 ? INT_MAX : number * 10 + (text.data[i] - '0');
	return number;
}

bool reply_info(const redisReply *reply, struct info_reply *info)
{
	struct slice text = text_of(reply);
	if (!text.data)
		return false;
	struct slice limit = info_value(text, SLICE("maxmemory")), policy = info_value(text, SLICE("maxmemory_policy"));
	info->version_major = leading_number(info_value(text, SLICE("redis_version")));
	info->may_evict =
		limit.size > 0 && !slice_equal(limit, SLICE("0")) && !slice_equal(policy, SLICE("noeviction"));
	info->is_replica = slice_equal(info_value(text, SLICE("role")), SLICE("slave"));
	info->is_loading = slice_equal(info_value(text, SLICE("loading")), SLICE("1"));
	info->without_append_file = slice_equal(info_value(text, SLICE("aof_enabled")), SLICE("0"));
	struct slice run_id = info_value(text, SLICE("run_id"));
	snprintf(info->run_id, sizeof info->run_id, "%.*s", run_id.size < sizeof info->run_id ? (int)run_id.size : 0,
		 run_id.data ? run_id.data : "");
	return true;
}

bool reply_setting(const redisReply *reply, int64_t *value)
{
	if (!is_array(reply, 2))
		return false;
	struct slice text = text_of(reply->element[1]);
	*value = leading_number(text);
	return text.size > 0 && text.data[0] >= '0' && text.data[0] <= '9';
}

/* One library: a flat list of names and values. */
static bool is_library(const redisReply *library, struct slice code)
{
	for (size_t i = 0; library->type == REDIS_REPLY_ARRAY && i + 1 < library->elements; i += 2) {
		if (slice_equal(text_of(library->element[i]), SLICE("library_code")))
			return slice_equal(text_of(library->element[i + 1]), code);
	}
	return false;
}

bool reply_has_library(const redisReply *reply, const char *text)
{
	return is_array(reply, 1) && reply->elements == 1 && is_library(reply->element[0], slice_of(text));
}
