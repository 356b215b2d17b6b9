/* SPDX-License-Identifier: Apache-2.0 */
#include "buffer.h"
#include "date.h"
#include <math.h>
#include <stdio.h>
#include "must.h"

void buffer_init(struct buffer *buffer, struct arena *arena, size_t capacity)
{
	*buffer = (struct buffer){ arena, arena_alloc(arena, capacity), 0, capacity };
}

/* Room for size more bytes; the old bytes stay in the arena until it is freed. */
static char *reserve(struct buffer *buffer, size_t size)
{
	if (buffer->capacity - buffer->size < size) {
		size_t capacity = 2 * buffer->capacity + size;
		char *data = arena_alloc(buffer->arena, capacity);

		memcpy(data, buffer->data, buffer->size);
		buffer->data = data;
		buffer->capacity = capacity;
	}
	return buffer->data + buffer->size;
}

void buffer_append(struct buffer *buffer, struct slice bytes)
{
	if (bytes.size == 0)
		return;
	memcpy(reserve(buffer, bytes.size), bytes.data, bytes.size);
	buffer->size += bytes.size;
}

void buffer_append_char(struct buffer *buffer, char c)
{
	*reserve(buffer, 1) = c;
	buffer->size++;
}

void buffer_append_int(struct buffer *buffer, int64_t number)
{
	char digits[20];
	size_t at = sizeof(digits);
	uint64_t rest = number < 0 ? 0 - (uint64_t)number : (uint64_t)number;

	do {
		digits[--at] = (char)('0' + rest % 10);
		rest /= 10;
	} while (rest);
	if (number < 0)
		digits[--at] = '-';
	buffer_append(buffer, (struct slice){ digits + at, sizeof(digits) - at });
}

/* Writes count digits of number, with zeroes in front. */
static char *put_digits(char *at, uint64_t number, int count)
{
	for (int i = count - 1; i >= 0; i--, number /= 10)
		at[i] = (char)('0' + number % 10);
	return at + count;
}

#define SCALED_MAX 1e12
#define DOUBT 1e-3 /* the product below is off by less, as long as it is below SCALED_MAX */

/* What printf would round the same way for certain, which is every ordinary coordinate. False: not certain. */
static bool append_short_decimal(struct buffer *buffer, double number, int decimals)
{
	static const double powers[] = { 1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6 };
	double scaled, below;

	if (decimals < 1 || decimals >= (int)(sizeof(powers) / sizeof(*powers)))
		return false;
	scaled = fabs(number) * powers[decimals];
	below = floor(scaled);
	if (!(scaled < SCALED_MAX) || fabs(scaled - below - 0.5) < DOUBT)
		return false;
	uint64_t digits = (uint64_t)below + (scaled - below > 0.5);
	uint64_t whole = digits / (uint64_t)powers[decimals];
	char fraction[8] = ".";
	put_digits(fraction + 1, digits, decimals);
	/* "-0.00" would be a second spelling of "0.00". */
	if (number < 0 && digits)
		buffer_append_char(buffer, '-');
	buffer_append_int(buffer, (int64_t)whole);
	buffer_append(buffer, (struct slice){ fraction, (size_t)decimals + 1 });
	return true;
}

void buffer_append_decimal(struct buffer *buffer, double number, int decimals)
{
	char text[400]; /* the largest double has 309 digits before the point */
	int size;

	MUST(isfinite(number) && decimals >= 0 && decimals <= 17);
	if (append_short_decimal(buffer, number, decimals))
		return;
	size = snprintf(text, sizeof(text), "%.*f", decimals, number);
	MUST(size > 0 && (size_t)size < sizeof(text));
	if (text[0] == '-' && strspn(text + 1, "0.") == (size_t)size - 1)
		buffer_append(buffer, (struct slice){ text + 1, (size_t)size - 1 });
	else
		buffer_append(buffer, (struct slice){ text, (size_t)size });
}

static void append_escaped(struct buffer *buffer, unsigned char c)
{
	static const char hex[] = "0123456789abcdef";
	char text[] = { '\\', 'u', '0', '0', hex[c >> 4], hex[c & 15] };
	static const char shorthand[128] = {
		['"'] = '"', ['\\'] = '\\', ['\b'] = 'b', ['\f'] = 'f', ['\n'] = 'n', ['\r'] = 'r', ['\t'] = 't',
	};

	text[1] = shorthand[c] ? shorthand[c] : 'u';
	buffer_append(buffer, (struct slice){ text, shorthand[c] ? 2 : sizeof(text) });
}

static bool is_special(unsigned char c)
{
	return c < ' ' || c == '"' || c == '\\';
}

/* Not zero when one of the eight bytes is a quote, a backslash or a control character. */
static uint64_t special_bytes(uint64_t word)
{
	const uint64_t ones = 0x0101010101010101;
	uint64_t quote = word ^ ones * '"', backslash = word ^ ones * '\\';

	return (((word - ones * ' ') & ~word) | ((quote - ones) & ~quote) | ((backslash - ones) & ~backslash)) &
	       ones * 0x80;
}

static uint64_t copy_word(char *to, const char *from)
{
	uint64_t word;

	memcpy(&word, from, sizeof(word));
	memcpy(to, &word, sizeof(word));
	return special_bytes(word);
}

/* Copies the text and says whether it may stand in JSON as it is. Most texts are so short that a call of memcpy and a
 * second look at the bytes would cost more than all the rest. */
static bool copy_plain(char *to, struct slice text)
{
	const size_t step = sizeof(uint64_t);
	uint64_t special = 0;

	if (text.size < step) {
		for (size_t i = 0; i < text.size; i++) {
			to[i] = text.data[i];
			special |= is_special((unsigned char)text.data[i]);
		}
		return !special;
	}
	for (size_t at = 0; at < text.size - step; at += step)
		special |= copy_word(to + at, text.data + at);
	/* The last word overlaps the one before it. */
	return !(special | copy_word(to + text.size - step, text.data + text.size - step));
}

static void append_special_string(struct buffer *buffer, struct slice text)
{
	size_t start = 0;

	buffer_append_char(buffer, '"');
	for (size_t i = 0; i < text.size; i++) {
		if (!is_special((unsigned char)text.data[i]))
			continue;
		buffer_append(buffer, (struct slice){ text.data + start, i - start });
		append_escaped(buffer, (unsigned char)text.data[i]);
		start = i + 1;
	}
	if (start < text.size)
		buffer_append(buffer, (struct slice){ text.data + start, text.size - start });
	buffer_append_char(buffer, '"');
}

void buffer_append_json_string(struct buffer *buffer, struct slice text)
{
	char *at = reserve(buffer, text.size + 2);

	if (!copy_plain(at + 1, text)) {
		append_special_string(buffer, text);
		return;
	}
	at[0] = at[text.size + 1] = '"';
	buffer->size += text.size + 2;
}

void buffer_append_time(struct buffer *buffer, int64_t ms)
{
	const int64_t day_ms = 86400000;
	int64_t days = ms / day_ms - (ms % day_ms < 0);
	int rest = (int)(ms % day_ms + (ms % day_ms < 0 ? day_ms : 0));
	struct date date = date_of(days);
	const struct {
		int number, digits;
		char mark;
	} parts[] = { { date.month, 2, '-' },        { date.day, 2, 'T' },         { rest / 3600000, 2, ':' },
		      { rest / 60000 % 60, 2, ':' }, { rest / 1000 % 60, 2, '.' }, { rest % 1000, 3, 'Z' } };
	char text[64], *at = text;

	if (date.year >= 0 && date.year <= 9999)
		at = put_digits(at, (uint64_t)date.year, 4);
	else
		at += snprintf(text, 32, "%04lld", (long long)date.year);
	*at++ = '-';
	for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++) {
		at = put_digits(at, (uint64_t)parts[i].number, parts[i].digits);
		*at++ = parts[i].mark;
	}
	buffer_append(buffer, (struct slice){ text, (size_t)(at - text) });
}

struct slice buffer_end(struct buffer *buffer)
{
	arena_trim(buffer->arena, buffer->data, buffer->capacity, buffer->size);
	buffer->capacity = buffer->size;
	return buffer_slice(buffer);
}

struct slice buffer_slice(const struct buffer *buffer)
{
	return (struct slice){ buffer->data, buffer->size };
}
