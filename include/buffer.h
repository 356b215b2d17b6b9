/* SPDX-License-Identifier: Apache-2.0 */
/* Append-only text writer that grows in an arena: alerts, dead letters and Redis commands are written with it. */
#pragma once
#include <stdint.h>
#include "arena.h"

struct buffer {
	struct arena *arena;
	char *data;
	size_t size;
	size_t capacity;
};

void buffer_init(struct buffer *buffer, struct arena *arena, size_t capacity);
void buffer_append(struct buffer *buffer, struct slice bytes);
void buffer_append_char(struct buffer *buffer, char c);
void buffer_append_int(struct buffer *buffer, int64_t number);
/* Fixed number of decimals, no exponent; not-a-number and infinity are a bug. */
void buffer_append_decimal(struct buffer *buffer, double number, int decimals);
/* A JSON string with its quotes; text must be valid UTF-8. */
void buffer_append_json_string(struct buffer *buffer, struct slice text);
/* RFC 3339 in UTC with milliseconds: 2026-11-25T08:50:31.123Z. */
void buffer_append_time(struct buffer *buffer, int64_t ms);
/* What was written; the room that is left goes back to the arena, so that nothing may be appended any more. */
struct slice buffer_end(struct buffer *buffer);
struct slice buffer_slice(const struct buffer *buffer);
