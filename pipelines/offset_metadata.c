/* SPDX-License-Identifier: Apache-2.0 */
#include "offset_metadata.h"
#include "stream.h"

#include <inttypes.h>
#include <stdio.h>

static const struct slice version = { "rw1 ", 4 };

static bool is_hex(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}

bool is_store_uuid(const char text[STORE_UUID_SIZE])
{
	for (size_t i = 0; i < STORE_UUID_SIZE; i++) {
		bool dash = i == 8 || i == 13 || i == 18 || i == 23;
		if (dash ? text[i] != '-' : !is_hex(text[i]))
			return false;
	}
	return true;
}

void offset_metadata_format(const struct offset_metadata *metadata, char text[OFFSET_METADATA_SIZE])
{
	MUST(is_store_uuid(metadata->store_uuid) && metadata->stream_time_ms >= STREAM_TIME_NONE);
	int size = snprintf(text, OFFSET_METADATA_SIZE, "rw1 %.36s %" PRId64 " %016" PRIx64, metadata->store_uuid,
			    metadata->stream_time_ms, metadata->ruleset);
	MUST(size > 0 && size < OFFSET_METADATA_SIZE);
}

/* -1 or digits without a leading zero, then a blank; returns the place behind it, NULL when there is no such number. */
static const char *read_time(const char *text, int64_t *time)
{
	if (strncmp(text, "-1 ", 3) == 0) {
		*time = STREAM_TIME_NONE;
		return text + 3;
	}
	const char *at = text;
	*time = 0;
	for (; *at >= '0' && *at <= '9'; at++) {
		if (__builtin_mul_overflow(*time, 10, time) || __builtin_add_overflow(*time, *at - '0', time))
			return NULL;
	}
	bool canonical = at > text && (*text != '0' || at == text + 1);
	return canonical && *at == ' ' ? at + 1 : NULL;
}

static bool read_ruleset(const char *text, uint64_t *ruleset)
{
	*ruleset = 0;
	for (size_t i = 0; i < 16; i++) {
		if (!is_hex(text[i]))
			return false;
		*ruleset = *ruleset << 4 | (uint64_t)(text[i] <= '9' ? text[i] - '0' : text[i] - 'a' + 10);
	}
	return text[16] == '\0';
}

bool offset_metadata_parse(const char *text, struct offset_metadata *metadata)
{
	if (strncmp(text, version.data, version.size) != 0)
		return false;
	text += version.size;
	if (strnlen(text, STORE_UUID_SIZE + 1) <= STORE_UUID_SIZE || !is_store_uuid(text) ||
	    text[STORE_UUID_SIZE] != ' ')
		return false;
	memcpy(metadata->store_uuid, text, STORE_UUID_SIZE);
	text = read_time(text + STORE_UUID_SIZE + 1, &metadata->stream_time_ms);
	return text && read_ruleset(text, &metadata->ruleset);
}
