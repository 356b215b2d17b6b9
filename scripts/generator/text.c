/* SPDX-License-Identifier: Apache-2.0 */
#include "text.h"
#include <stdlib.h>
#include <string.h>
#include <time.h>

void text_free(struct text *text)
{
	free(text->data);
	*text = (struct text){ 0 };
}

void text_clear(struct text *text)
{
	text->size = 0;
}

char *text_reserve(struct text *text, size_t size)
{
	if (text->size + size > text->capacity) {
		text->capacity = (text->size + size) * 2 + 64;
		text->data = realloc(text->data, text->capacity);
		if (!text->data)
			abort();
	}
	return text->data + text->size;
}

void text_append(struct text *text, const void *bytes, size_t size)
{
	if (!size)
		return;
	memcpy(text_reserve(text, size), bytes, size);
	text->size += size;
}

void text_append_string(struct text *text, const char *string)
{
	text_append(text, string, strlen(string));
}

void text_append_char(struct text *text, char c)
{
	*text_reserve(text, 1) = c;
	text->size++;
}

void text_append_padded(struct text *text, uint64_t number, int width)
{
	char digits[20];
	int at = sizeof(digits);

	do {
		digits[--at] = (char)('0' + number % 10);
		number /= 10;
	} while (number);
	while ((int)sizeof(digits) - at < width)
		digits[--at] = '0';
	text_append(text, digits + at, sizeof(digits) - (size_t)at);
}

void text_append_number(struct text *text, uint64_t number)
{
	text_append_padded(text, number, 1);
}

void text_append_hex(struct text *text, uint64_t number, int digits)
{
	char *out = text_reserve(text, (size_t)digits);

	for (int i = digits - 1; i >= 0; i--, number >>= 4)
		out[i] = "0123456789abcdef"[number & 15];
	text->size += (size_t)digits;
}

void text_append_millionths(struct text *text, int64_t millionths)
{
	uint64_t magnitude = millionths < 0 ? (uint64_t)-millionths : (uint64_t)millionths;

	if (millionths < 0)
		text_append_char(text, '-');
	text_append_number(text, magnitude / 1000000);
	text_append_char(text, '.');
	text_append_padded(text, magnitude % 1000000, 6);
}

/* Reads one character of valid UTF-8 that is not ASCII. */
static uint32_t read_wide(const unsigned char **at)
{
	const unsigned char *p = *at;
	int more = *p >= 0xf0 ? 3 : *p >= 0xe0 ? 2 : 1;
	uint32_t code = *p & (0x3fu >> more);

	for (int i = 1; i <= more; i++)
		code = code << 6 | (p[i] & 0x3f);
	*at = p + more + 1;
	return code;
}

static void append_escape(struct text *text, uint32_t unit)
{
	TEXT_LITERAL(text, "\\u");
	text_append_hex(text, unit, 4);
}

static void append_wide_escape(struct text *text, uint32_t code)
{
	if (code >= 0x10000) {
		append_escape(text, 0xd800 + ((code - 0x10000) >> 10));
		code = 0xdc00 + (code & 0x3ff);
	}
	append_escape(text, code);
}

void text_append_json(struct text *text, const char *bytes, size_t size, int ascii)
{
	const unsigned char *at = (const unsigned char *)bytes, *end = at + size;

	text_reserve(text, size + 2);
	text_append_char(text, '"');
	while (at < end) {
		if (*at >= 0x80 && ascii) {
			append_wide_escape(text, read_wide(&at));
		} else if (*at == '"' || *at == '\\') {
			text_append_char(text, '\\');
			text_append_char(text, (char)*at++);
		} else if (*at == '\n') {
			TEXT_LITERAL(text, "\\n");
			at++;
		} else if (*at < 0x20) {
			append_escape(text, *at++);
		} else {
			text_append_char(text, (char)*at++);
		}
	}
	text_append_char(text, '"');
}

void text_append_member(struct text *text, const char *name, const char *value)
{
	TEXT_LITERAL(text, ",\"");
	text_append_string(text, name);
	TEXT_LITERAL(text, "\":\"");
	text_append_string(text, value);
	text_append_char(text, '"');
}

void text_append_time(struct text *text, int64_t ms)
{
	static int64_t cached = INT64_MIN; /* second whose text is in prefix: events come in time order */
	static char prefix[32];
	int64_t second = ms / 1000;

	if (second != cached) {
		time_t t = (time_t)second;
		struct tm tm;

		gmtime_r(&t, &tm);
		strftime(prefix, sizeof(prefix), "%Y-%m-%dT%H:%M:%S.", &tm);
		cached = second;
	}
	text_append(text, prefix, 20);
	text_append_padded(text, (uint64_t)(ms % 1000), 3);
	text_append_char(text, 'Z');
}

int text_replace(struct text *text, const char *from, const char *to)
{
	size_t from_size = strlen(from), to_size = strlen(to);
	char *found = text->size ? memmem(text->data, text->size, from, from_size) : NULL;
	size_t at, rest;

	if (!found)
		return 0;
	at = (size_t)(found - text->data);
	rest = text->size - at - from_size;
	text_reserve(text, to_size);
	memmove(text->data + at + to_size, text->data + at + from_size, rest);
	memcpy(text->data + at, to, to_size);
	text->size = at + to_size + rest;
	return 1;
}
