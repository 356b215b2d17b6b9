/* SPDX-License-Identifier: Apache-2.0 */
#include "redis_info.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NEARLY_FULL_PERCENT 90

/* ---- reading: lines "name:value\r\n" ---- */

static struct slice value_of(const char *text, const char *name)
{
	size_t size = strlen(name);
	for (const char *line = text; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (strncmp(line, name, size) == 0 && line[size] == ':')
			return (struct slice){ line + size + 1, strcspn(line + size + 1, "\r\n") };
	}
	return SLICE("");
}

static int64_t number_of(const char *text, const char *name)
{
	struct slice value = value_of(text, name);
	return value.size ? strtoll(value.data, NULL, 10) : 0;
}

static bool says(const char *text, const char *name, const char *word)
{
	return slice_equal(value_of(text, name), slice_of(word));
}

static void copy_value(const char *text, const char *name, char *to, size_t size)
{
	struct slice value = value_of(text, name);
	snprintf(to, size, "%.*s", (int)value.size, value.data);
}

static void parse(struct redis_info *info, const char *text)
{
	info->allowed = true;
	copy_value(text, "redis_version", info->version, sizeof(info->version));
	copy_value(text, "maxmemory_policy", info->policy, sizeof(info->policy));
	copy_value(text, "role", info->role, sizeof(info->role));
	info->used_bytes = number_of(text, "used_memory");
	info->max_bytes = number_of(text, "maxmemory");
	info->evicted_keys = number_of(text, "evicted_keys");
	info->append_file = says(text, "aof_enabled", "1");
	info->append_failed = says(text, "aof_last_write_status", "err");
	info->snapshot_failed = says(text, "rdb_last_bgsave_status", "err");
	info->loading = says(text, "loading", "1");
}

bool redis_info_read(struct redis_info *info, struct redis_link *link)
{
	*info = (struct redis_info){ 0 };
	redisReply *reply = redis_link_ask(link, "INFO");
	if (!reply)
		return link->context->err == 0;
	if (reply->type == REDIS_REPLY_STRING)
		parse(info, reply->str);
	freeReplyObject(reply);
	return true;
}

/* ---- judging ---- */

static bool may_evict(const struct redis_info *info)
{
	return info->max_bytes > 0 && strcmp(info->policy, "noeviction") != 0;
}
static bool has_evicted(const struct redis_info *info)
{
	return info->evicted_keys > 0;
}
static bool is_nearly_full(const struct redis_info *info)
{
	return info->max_bytes > 0 && info->used_bytes > info->max_bytes / 100 * NEARLY_FULL_PERCENT;
}
static bool is_replica(const struct redis_info *info)
{
	return strcmp(info->role, "slave") == 0;
}
static bool is_loading(const struct redis_info *info)
{
	return info->loading;
}
static bool cannot_write(const struct redis_info *info)
{
	return info->append_failed || info->snapshot_failed;
}

static const struct {
	bool (*holds)(const struct redis_info *info);
	const char *text;
} troubles[] = {
	{ may_evict, "may evict counters and dedup journal: set maxmemory-policy noeviction" },
	{ has_evicted, "evicted keys since it was started: riderwatchctl audit says which; "
		       "empty it and start with redis.rebuild" },
	{ is_nearly_full, "is nearly full: raise maxmemory; counters wait when it is full, alerts go on" },
	{ is_replica, "is a replica: point section redis at the master" },
	{ is_loading, "is still loading its data: counters wait for it" },
	{ cannot_write, "cannot write to its disk: look at its log and at the free space" },
};
enum { TROUBLE_COUNT = sizeof(troubles) / sizeof(*troubles) };

const char *redis_info_trouble(const struct redis_info *info, size_t number)
{
	for (size_t i = 0; i < TROUBLE_COUNT && info->allowed; i++)
		if (troubles[i].holds(info) && number-- == 0)
			return troubles[i].text;
	return NULL;
}

/* ---- output ---- */

static double mebibytes(int64_t bytes)
{
	return (double)bytes / (1 << 20);
}

void redis_info_text(const struct redis_info *info, char *text, size_t size)
{
	char bound[40] = "no bound";
	if (!info->allowed) {
		snprintf(text, size, "this user may not ask for INFO: memory and eviction are not known");
		return;
	}
	if (info->max_bytes)
		snprintf(bound, sizeof(bound), "at most %.1f MiB", mebibytes(info->max_bytes));
	snprintf(text, size, "%s, %s, %.1f MiB used, %s, %s, %" PRId64 " evicted, %s", info->version, info->role,
		 mebibytes(info->used_bytes), bound, info->policy, info->evicted_keys,
		 info->append_file ? "append-only file" : "no append-only file");
}

json_t *redis_info_json(const struct redis_info *info)
{
	if (!info->allowed)
		return json_null();
	return json_pack("{s:s, s:s, s:I, s:I, s:s, s:I, s:b}", "version", info->version, "role", info->role,
			 "used_bytes", (json_int_t)info->used_bytes, "max_bytes", (json_int_t)info->max_bytes, "policy",
			 info->policy, "evicted_keys", (json_int_t)info->evicted_keys, "append_file",
			 (int)info->append_file);
}
