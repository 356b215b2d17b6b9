/* SPDX-License-Identifier: Apache-2.0 */
#include "effects.h"
#include "digest.h"

#define KEY_MAX 128
#define HASH_SIZE 32

static bool is_plain(unsigned char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '.' ||
	       c == '-';
}

static size_t escaped_size(struct slice rider_id)
{
	size_t size = rider_id.size;
	for (size_t i = 0; i < rider_id.size; i++)
		size += is_plain((unsigned char)rider_id.data[i]) ? 0 : 2;
	return size;
}

/* "~" cannot come out of escaping, so that a long id never meets a short one. */
static struct slice hashed_key(struct slice rider_id, struct arena *arena)
{
	struct slice hex = digest_parts(&rider_id, 1, HASH_SIZE, arena);
	char *key = arena_alloc(arena, HASH_SIZE + 1);
	key[0] = '~';
	memcpy(key + 1, hex.data, HASH_SIZE);
	return (struct slice){ key, HASH_SIZE + 1 };
}

static struct slice escaped_key(struct slice rider_id, size_t size, struct arena *arena)
{
	static const char digits[] = "0123456789ABCDEF";
	char *key = arena_alloc(arena, size);
	char *out = key;
	for (size_t i = 0; i < rider_id.size; i++) {
		unsigned char c = (unsigned char)rider_id.data[i];
		if (is_plain(c)) {
			*out++ = (char)c;
			continue;
		}
		*out++ = '%';
		*out++ = digits[c >> 4];
		*out++ = digits[c & 15];
	}
	return (struct slice){ key, size };
}

struct slice rider_key(struct slice rider_id, struct arena *arena)
{
	size_t size = escaped_size(rider_id);
	if (size > KEY_MAX)
		return hashed_key(rider_id, arena);
	if (size == rider_id.size)
		return arena_copy(arena, rider_id);
	return escaped_key(rider_id, size, arena);
}

static int digit_of(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

struct slice rider_id_of_key(struct slice key, struct arena *arena)
{
	char *id = arena_alloc(arena, key.size + 1), *out = id;
	for (size_t i = 0; i < key.size; i++) {
		bool escape = key.data[i] == '%' && i + 2 < key.size;
		int high = escape ? digit_of(key.data[i + 1]) : -1, low = escape ? digit_of(key.data[i + 2]) : -1;
		if (high >= 0 && low >= 0) {
			*out++ = (char)(high << 4 | low);
			i += 2;
		} else if (is_plain((unsigned char)key.data[i])) {
			*out++ = key.data[i];
		} else {
			return (struct slice){ 0 };
		}
	}
	*out = '\0';
	return (struct slice){ id, (size_t)(out - id) };
}
