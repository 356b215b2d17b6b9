/* SPDX-License-Identifier: Apache-2.0 */
#include "decode/text_forms.h"
#include <math.h>
#include <stdlib.h>

#define YEAR_MIN 2015
#define YEAR_MAX 2100

/* ---- time ---- */

/* The number that count digits make, or -1. */
static int number_at(const char *at, size_t count)
{
	int number = 0;

	for (size_t i = 0; i < count; i++) {
		if (at[i] < '0' || at[i] > '9')
			return -1;
		number = number * 10 + (at[i] - '0');
	}
	return number;
}

static bool is_leap(int year)
{
	return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

/* "2026-11-25" to days since 1970-01-01. */
static bool read_date(const char *at, int *days)
{
	static const int days_before[] = { 0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334, 365 };
	int year = number_at(at, 4), month = number_at(at + 5, 2), day = number_at(at + 8, 2), length;

	/* An offset may move the instant across a year's end, so that the range is checked on the instant. */
	if (at[4] != '-' || at[7] != '-' || year < YEAR_MIN - 1 || year > YEAR_MAX + 1 || month < 1 || month > 12)
		return false;
	length = days_before[month] - days_before[month - 1] + (month == 2 && is_leap(year));
	if (day < 1 || day > length)
		return false;
	*days = 365 * (year - 1970) + (year - 1969) / 4 - (year - 1901) / 100 + (year - 1601) / 400;
	*days += days_before[month - 1] + (month > 2 && is_leap(year)) + day - 1;
	return true;
}

/* "08:50:31" to seconds since midnight. */
static bool read_clock(const char *at, int *seconds)
{
	int hour = number_at(at, 2), minute = number_at(at + 3, 2), second = number_at(at + 6, 2);

	if (at[2] != ':' || at[5] != ':' || hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 ||
	    second > 60)
		return false;
	*seconds = (hour * 60 + minute) * 60 + second;
	return true;
}

/* Takes ".123", of any length, off the front of text; *ms is 0 when there is none. */
static bool take_fraction(struct slice *text, int *ms)
{
	size_t size = 1;

	*ms = 0;
	if (text->size == 0 || text->data[0] != '.')
		return true;
	for (int unit = 100; size < text->size && number_at(text->data + size, 1) >= 0; unit /= 10)
		*ms += unit * number_at(text->data + size++, 1);
	*text = (struct slice){ text->data + size, text->size - size };
	return size > 1;
}

/* "Z" or "+08:00" to minutes east of Greenwich. */
static bool read_offset(struct slice text, int *minutes)
{
	int hour, minute;

	*minutes = 0;
	if (text.size == 1)
		return text.data[0] == 'Z' || text.data[0] == 'z';
	if (text.size != 6 || (text.data[0] != '+' && text.data[0] != '-') || text.data[3] != ':')
		return false;
	hour = number_at(text.data + 1, 2);
	minute = number_at(text.data + 4, 2);
	*minutes = (text.data[0] == '-' ? -1 : 1) * (hour * 60 + minute);
	return hour >= 0 && hour <= 23 && minute >= 0 && minute <= 59;
}

bool read_time(struct slice text, int64_t *ms)
{
	const int64_t earliest = 1420070400000; /* 2015-01-01T00:00:00Z */
	const int64_t latest = 4133980799999;   /* 2100-12-31T23:59:59.999Z */
	const size_t clock_at = sizeof("2026-11-25T") - 1, rest_at = sizeof("2026-11-25T08:50:31") - 1;
	int days, seconds, fraction, offset;
	struct slice rest;

	if (text.size <= rest_at || !read_date(text.data, &days) || !read_clock(text.data + clock_at, &seconds))
		return false;
	if (text.data[clock_at - 1] != 'T' && text.data[clock_at - 1] != 't' && text.data[clock_at - 1] != ' ')
		return false;
	rest = (struct slice){ text.data + rest_at, text.size - rest_at };
	if (!take_fraction(&rest, &fraction) || !read_offset(rest, &offset))
		return false;
	*ms = days * (int64_t)86400000 + seconds * 1000 + fraction - offset * 60000;
	return *ms >= earliest && *ms <= latest;
}

/* ---- numbers ---- */

/* In 16 bytes there are at most 15 digits beside a point: exact as a double, so that one division rounds just once, as
 * strtod does. That is every ordinary coordinate. */
static bool read_short_double(struct slice number, double *result)
{
	static const double powers[] = { 1e0, 1e1, 1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
					 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15 };
	bool negative = number.data[0] == '-', point = false;
	int64_t digits = 0;
	int decimals = 0;

	if (number.size > 16)
		return false;
	for (size_t i = negative; i < number.size; i++) {
		if (number.data[i] == '.') {
			point = true;
			continue;
		}
		if (number.data[i] < '0' || number.data[i] > '9')
			return false;
		digits = digits * 10 + (number.data[i] - '0');
		decimals += point;
	}
	*result = (double)digits / powers[decimals];
	if (negative)
		*result = -*result;
	return true;
}

bool read_double(struct slice number, double *result)
{
	/* strtod stops at the byte behind the number: in a complete JSON object there always is one. The program never
	 * leaves the C locale. */
	if (!read_short_double(number, result))
		*result = strtod(number.data, NULL);
	return isfinite(*result);
}

/* ---- trace context ---- */

/* Lower-case hexadecimal digits, with one that is not 0 where that is asked for. Without a way out half way: so it is
 * done for many bytes at once. */
static bool is_hex(const char *text, size_t size, bool nonzero)
{
	unsigned char wrong = 0, bits = 0;

	for (size_t i = 0; i < size; i++) {
		unsigned char c = (unsigned char)text[i];

		wrong |= (unsigned char)(c - '0') > 9 && (unsigned char)(c - 'a') > 5;
		bits |= c ^ '0';
	}
	return !wrong && (!nonzero || bits);
}

bool is_traceparent(struct slice text)
{
	const char *at = text.data;

	return text.size == 55 && at[2] == '-' && at[35] == '-' && at[52] == '-' && memcmp(at, "ff", 2) != 0 &&
	       is_hex(at, 2, false) && is_hex(at + 3, 32, true) && is_hex(at + 36, 16, true) &&
	       is_hex(at + 53, 2, false);
}

/* ---- base64 ---- */

static int base64_digit(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

bool read_base64(struct slice text, struct arena *arena, struct slice *bytes)
{
	size_t padding = 0, size = 0;
	uint32_t bits = 0;
	char *out;

	if (text.size == 0 || text.size % 4 != 0)
		return false;
	while (padding < 2 && text.data[text.size - 1 - padding] == '=')
		padding++;
	out = arena_alloc(arena, text.size / 4 * 3);
	for (size_t i = 0; i < text.size - padding; i++) {
		int digit = base64_digit(text.data[i]);

		if (digit < 0)
			return false;
		bits = bits << 6 | (uint32_t)digit;
		if (i % 4 != 0)
			out[size++] = (char)(bits >> (6 - i % 4 * 2));
	}
	*bytes = (struct slice){ out, size };
	return true;
}

/* ---- media types ---- */

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool equal_any_case(struct slice a, struct slice b)
{
	if (a.size != b.size)
		return false;
	for (size_t i = 0; i < a.size; i++)
		if (a.data[i] != b.data[i] && ((a.data[i] ^ b.data[i]) != 0x20 || !is_letter(a.data[i])))
			return false;
	return true;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static struct slice without_parameters(struct slice text)
{
	const char *end = memchr(text.data, ';', text.size);

	if (end)
		text.size = (size_t)(end - text.data);
	while (text.size > 0 && is_blank(text.data[0]))
		text = (struct slice){ text.data + 1, text.size - 1 };
	while (text.size > 0 && is_blank(text.data[text.size - 1]))
		text.size--;
	return text;
}

enum media_type media_type_of(struct slice text)
{
	const struct slice family = SLICE("application/cloudevents"), suffix = SLICE("+json");

	/* As they are spelled nearly always. */
	if (text.size == 0 || slice_equal(text, SLICE("application/json")))
		return MEDIA_TYPE_JSON;
	if (slice_equal(text, SLICE("application/cloudevents+json")))
		return MEDIA_TYPE_CLOUDEVENT;
	text = without_parameters(text);
	if (equal_any_case(text, SLICE("application/cloudevents+json")))
		return MEDIA_TYPE_CLOUDEVENT;
	if (text.size >= family.size && equal_any_case((struct slice){ text.data, family.size }, family))
		return MEDIA_TYPE_OTHER; /* batches, Avro, Protobuf */
	if (equal_any_case(text, SLICE("application/json")) || equal_any_case(text, SLICE("text/json")))
		return MEDIA_TYPE_JSON;
	if (text.size > suffix.size && memchr(text.data, '/', text.size) &&
	    equal_any_case((struct slice){ text.data + text.size - suffix.size, suffix.size }, suffix))
		return MEDIA_TYPE_JSON;
	return MEDIA_TYPE_OTHER;
}
