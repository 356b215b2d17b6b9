/* SPDX-License-Identifier: Apache-2.0 */
/* A configuration that was loaded again: what of it can be taken over while the daemon runs. */
#include <stdlib.h>
#include <string.h>
#include "config_table.h"

/* Read anew each time they are needed, and on the loop thread only. */
static const struct {
	const char *section, *name;
} reloadable[] = {
	{ "log", "level" },           { "log", "format" },
	{ "rules", "folder" },        { "batch", "urgent_after" },
	{ "batch", "alert_after" },   { "batch", "idle_after" },
	{ "batch", "events_max" },    { "batch", "chunk_events" },
	{ "redis", "user" },          { "redis", "password_file" },
	{ "redis", "sentinel_user" }, { "redis", "sentinel_password_file" },
	{ "redis", "tls_ca_file" },   { "redis", "tls_certificate_file" },
	{ "redis", "tls_key_file" },  { "redis", "tls_server_name" },
	{ "shutdown", "timeout" },
};

static bool is_reloadable(const struct config_key *key)
{
	for (size_t i = 0; i < sizeof(reloadable) / sizeof(*reloadable); i++)
		if (strcmp(key->section, reloadable[i].section) == 0 && strcmp(key->name, reloadable[i].name) == 0)
			return true;
	return false;
}

static bool same_properties(const struct config_properties *a, const struct config_properties *b)
{
	if (a->count != b->count)
		return false;
	for (size_t i = 0; i < a->count; i++)
		if (strcmp(a->list[i].name, b->list[i].name) != 0 || strcmp(a->list[i].value, b->list[i].value) != 0)
			return false;
	return true;
}

static size_t size_of(const struct config_key *key)
{
	return key->type == CONFIG_IS_FLAG ? sizeof(bool) : sizeof(int64_t);
}

static bool is_same(const struct config_key *key, const void *a, const void *b)
{
	if (key->type == CONFIG_IS_TEXT || key->type == CONFIG_IS_FILE)
		return strcmp(*(char *const *)a, *(char *const *)b) == 0;
	if (key->type == CONFIG_IS_PROPERTIES)
		return same_properties(a, b);
	return memcmp(a, b, size_of(key)) == 0;
}

/* Value and origin; what was in force goes with fresh. */
static void exchange(struct config *live, struct config *fresh, const struct config_key *key)
{
	char **here = &((struct config_origins *)live)->of[key - config_keys];
	char **there = &((struct config_origins *)fresh)->of[key - config_keys], *origin = *here;
	size_t size = key->type == CONFIG_IS_TEXT || key->type == CONFIG_IS_FILE ? sizeof(char *) : size_of(key);
	unsigned char value[sizeof(int64_t)];

	*here = *there;
	*there = origin;
	memcpy(value, config_member(live, key), size);
	memcpy(config_member(live, key), config_member(fresh, key), size);
	memcpy(config_member(fresh, key), value, size);
}

void config_adopt(struct config *live, struct config *fresh, config_change_f *on_change, void *context)
{
	char name[128];

	for (size_t i = 0; i < CONFIG_KEY_COUNT; i++) {
		const struct config_key *key = &config_keys[i];
		bool taken = is_reloadable(key);
		/* The board's own: this process does not use them. */
		if (strcmp(key->section, "board") == 0 ||
		    is_same(key, config_member(live, key), config_member(fresh, key)))
			continue;
		if (taken)
			exchange(live, fresh, key);
		snprintf(name, sizeof(name), "%s.%s", key->section, key->name);
		on_change(context, name, taken);
	}
}
