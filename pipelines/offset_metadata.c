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

static int format_rest(const struct offset_metadata *metadata, char *text, size_t size)
{
	const struct anchor *old = &metadata->anchors.old, *young = &metadata->anchors.young;
	char key[2 * STREAM_KEY_SIZE + 1];

	for (size_t i = 0; i < STREAM_KEY_SIZE; i++)
		snprintf(key + 2 * i, 3, "%02x", metadata->key[i]);
	return snprintf(text, size, " %s %" PRId64 " %" PRId64 " %" PRId64 " %" PRId64, key, old->offset, old->time_ms,
			young->offset, young->time_ms);
}

void offset_metadata_format(const struct offset_metadata *metadata, char text[OFFSET_METADATA_SIZE])
{
	MUST(is_store_uuid(metadata->store_uuid) && metadata->stream_time_ms >= STREAM_TIME_NONE);
	int size = snprintf(text, OFFSET_METADATA_SIZE, "rw1 %.36s %" PRId64 " %016" PRIx64, metadata->store_uuid,
			    metadata->stream_time_ms, metadata->ruleset);
	MUST(size > 0 && size < OFFSET_METADATA_SIZE);
	if (metadata->complete)
		size += format_rest(metadata, text + size, OFFSET_METADATA_SIZE - (size_t)size);
	MUST(size < OFFSET_METADATA_SIZE);
}

/* ---- reading: each takes its part and returns the place behind it, NULL when it is not there ---- */

static const char *read_blank(const char *text)
{
	return text && *text == ' ' ? text + 1 : NULL;
}

/* -1, or digits without a leading zero. */
static const char *read_number(const char *text, int64_t *number)
{
	const char *at = text;

	if (text && strncmp(text, "-1", 2) == 0) {
		*number = -1;
		return text + 2;
	}
	*number = 0;
	for (; at && *at >= '0' && *at <= '9'; at++) {
		if (__builtin_mul_overflow(*number, 10, number) || __builtin_add_overflow(*number, *at - '0', number))
			return NULL;
	}
	return at > text && (*text != '0' || at == text + 1) ? at : NULL;
}

static uint64_t hex_digit(char c)
{
	return (uint64_t)(c <= '9' ? c - '0' : c - 'a' + 10);
}

static const char *read_ruleset(const char *text, uint64_t *ruleset)
{
	*ruleset = 0;
	for (size_t i = 0; text && i < 16; i++) {
		if (!is_hex(text[i]))
			return NULL;
		*ruleset = *ruleset << 4 | hex_digit(text[i]);
	}
	return text ? text + 16 : NULL;
}

static const char *read_key(const char *text, uint8_t key[STREAM_KEY_SIZE])
{
	for (size_t i = 0; text && i < STREAM_KEY_SIZE; i++, text += 2) {
		if (!is_hex(text[0]) || !is_hex(text[1]))
			return NULL;
		key[i] = (uint8_t)(hex_digit(text[0]) << 4 | hex_digit(text[1]));
	}
	return text;
}

static const char *read_anchor(const char *text, struct anchor *anchor)
{
	text = read_number(read_blank(text), &anchor->offset);
	return read_number(read_blank(text), &anchor->time_ms);
}

static const char *read_rest(const char *text, struct offset_metadata *metadata)
{
	text = read_key(read_blank(text), metadata->key);
	text = read_anchor(text, &metadata->anchors.old);
	return read_anchor(text, &metadata->anchors.young);
}

bool offset_metadata_parse(const char *text, struct offset_metadata *metadata)
{
	*metadata = (struct offset_metadata){ 0 };
	if (strncmp(text, version.data, version.size) != 0)
		return false;
	text += version.size;
	if (strnlen(text, STORE_UUID_SIZE) < STORE_UUID_SIZE || !is_store_uuid(text))
		return false;
	memcpy(metadata->store_uuid, text, STORE_UUID_SIZE);
	text = read_number(read_blank(text + STORE_UUID_SIZE), &metadata->stream_time_ms);
	text = read_ruleset(read_blank(text), &metadata->ruleset);
	metadata->complete = text && *text;
	if (metadata->complete)
		text = read_rest(text, metadata);
	return text && !*text;
}
