/* SPDX-License-Identifier: Apache-2.0 */
/* A byte string that grows: events are formatted into it without printf. */
#pragma once
#include <stddef.h>
#include <stdint.h>

struct text {
	char *data; /* owned, NULL while nothing was ever appended */
	size_t size;
	size_t capacity;
};

void text_free(struct text *text);
void text_clear(struct text *text);
/* Room for size more bytes; returns where they go. */
char *text_reserve(struct text *text, size_t size);
void text_append(struct text *text, const void *bytes, size_t size);
void text_append_string(struct text *text, const char *string);
void text_append_char(struct text *text, char c);
void text_append_number(struct text *text, uint64_t number);
/* Decimal, zero padded to width (at most 20). */
void text_append_padded(struct text *text, uint64_t number, int width);
/* The low digits * 4 bits in lower-case hexadecimal. */
void text_append_hex(struct text *text, uint64_t number, int digits);
/* A number given in millionths, with six decimals. */
void text_append_millionths(struct text *text, int64_t millionths);
/* JSON string with its quotes; ascii: everything above ASCII becomes a \u escape. The bytes must be valid UTF-8. */
void text_append_json(struct text *text, const char *bytes, size_t size, int ascii);
/* ,"name":"value" for a value that needs no escapes. */
void text_append_member(struct text *text, const char *name, const char *value);
/* RFC 3339 in UTC with milliseconds. */
void text_append_time(struct text *text, int64_t ms);
/* Replaces the first occurrence of a NUL-terminated string; returns whether there was one. */
int text_replace(struct text *text, const char *from, const char *to);

/* Appends a string literal. */
#define TEXT_LITERAL(text, literal) text_append((text), "" literal, sizeof(literal) - 1)
