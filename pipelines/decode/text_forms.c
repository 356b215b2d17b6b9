/* SPDX-License-Identifier: Apache-2.0 */
#include "decode/text_forms.h"
#include <math.h>
#include <stdlib.h>
#include <strings.h>

#define YEAR_MIN 2015
#define YEAR_MAX 2100

/* ---- time ---- */

/* Takes count digits off the front of text. */
static bool take_number(struct slice *text, size_t count, int *number)
{
	*number = 0;
	if (text->size < count)
		return false;
	for (size_t i = 0; i < count; i++) {
		if (text->data[i] < '0' || text->data[i] > '9')
			return false;
		*number = *number * 10 + (text->data[i] - '0');
	}
	*text = (struct slice){ text->data + count, text->size - count };
	return true;
}

/* Takes one byte that is among these. */
static bool take_byte(struct slice *text, const char *among, char *byte)
{
	if (text->size == 0 || text->data[0] == '\0' || !strchr(among, text->data[0]))
		return false;
	*byte = text->data[0];
	*text = (struct slice){ text->data + 1, text->size - 1 };
	return true;
}

static bool is_leap(int year)
{
	return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

/* Days since 1970-01-01, for the years 1970 and later. */
static bool read_date(struct slice *text, int *days)
{
	static const int days_before[] = { 0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334, 365 };
	int year, month, day, length;
	char dash;

	if (!take_number(text, 4, &year) || !take_byte(text, "-", &dash) || !take_number(text, 2, &month) ||
	    !take_byte(text, "-", &dash) || !take_number(text, 2, &day))
		return false;
	/* An offset may move the instant across a year's end, so that the range is checked on the instant. */
	if (year < YEAR_MIN - 1 || year > YEAR_MAX + 1 || month < 1 || month > 12)
		return false;
	length = days_before[month] - days_before[month - 1] + (month == 2 && is_leap(year));
	if (day < 1 || day > length)
		return false;
	*days = 365 * (year - 1970) + (year - 1969) / 4 - (year - 1901) / 100 + (year - 1601) / 400;
	*days += days_before[month - 1] + (month > 2 && is_leap(year)) + day - 1;
	return true;
}

/* Milliseconds since midnight. */
static bool read_clock(struct slice *text, int *ms)
{
	int hour, minute, second, digit;
	char mark;

	if (!take_number(text, 2, &hour) || !take_byte(text, ":", &mark) || !take_number(text, 2, &minute) ||
	    !take_byte(text, ":", &mark) || !take_number(text, 2, &second))
		return false;
	if (hour > 23 || minute > 59 || second > 60)
		return false;
	*ms = ((hour * 60 + minute) * 60 + second) * 1000;
	if (!take_byte(text, ".", &mark))
		return true;
	if (!take_number(text, 1, &digit))
		return false;
	for (int unit = 100;; unit /= 10) {
		*ms += digit * unit;
		if (!take_number(text, 1, &digit))
			return true;
	}
}

/* Minutes east of Greenwich. */
static bool read_offset(struct slice *text, int *minutes)
{
	int hour, minute;
	char sign;

	*minutes = 0;
	if (take_byte(text, "Zz", &sign))
		return true;
	if (!take_byte(text, "+-", &sign) || !take_number(text, 2, &hour) || hour > 23)
		return false;
	if (!take_byte(text, ":", &(char){ 0 }) || !take_number(text, 2, &minute) || minute > 59)
		return false;
	*minutes = (sign == '-' ? -1 : 1) * (hour * 60 + minute);
	return true;
}

bool read_time(struct slice text, int64_t *ms)
{
	const int64_t earliest = 1420070400000; /* 2015-01-01T00:00:00Z */
	const int64_t latest = 4133980799999;   /* 2100-12-31T23:59:59.999Z */
	int days, clock, offset;
	char separator;

	if (!read_date(&text, &days) || !take_byte(&text, "Tt ", &separator) || !read_clock(&text, &clock) ||
	    !read_offset(&text, &offset) || text.size > 0)
		return false;
	*ms = days * (int64_t)86400000 + clock - offset * 60000;
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

/* Lower-case hexadecimal digits, with one that is not 0 where that is asked for. */
static bool is_hex(const char *text, size_t size, bool nonzero)
{
	for (size_t i = 0; i < size; i++) {
		if (!((text[i] >= '0' && text[i] <= '9') || (text[i] >= 'a' && text[i] <= 'f')))
			return false;
		nonzero = nonzero && text[i] == '0';
	}
	return !nonzero;
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

static bool equal_any_case(struct slice a, struct slice b)
{
	return a.size == b.size && strncasecmp(a.data, b.data, a.size) == 0;
}

static struct slice without_parameters(struct slice text)
{
	const char *end = memchr(text.data, ';', text.size);

	if (end)
		text.size = (size_t)(end - text.data);
	while (text.size > 0 && strchr(" \t", text.data[0]) && text.data[0])
		text = (struct slice){ text.data + 1, text.size - 1 };
	while (text.size > 0 && strchr(" \t", text.data[text.size - 1]) && text.data[text.size - 1])
		text.size--;
	return text;
}

enum media_type media_type_of(struct slice text)
{
	static const char family[] = "application/cloudevents", suffix[] = "+json";
	const size_t family_size = sizeof(family) - 1, suffix_size = sizeof(suffix) - 1;

	if (text.size == 0)
		return MEDIA_TYPE_JSON;
	text = without_parameters(text);
	if (equal_any_case(text, SLICE("application/cloudevents+json")))
		return MEDIA_TYPE_CLOUDEVENT;
	if (text.size >= family_size && strncasecmp(text.data, family, family_size) == 0)
		return MEDIA_TYPE_OTHER; /* batches, Avro, Protobuf */
	if (equal_any_case(text, SLICE("application/json")) || equal_any_case(text, SLICE("text/json")))
		return MEDIA_TYPE_JSON;
	if (text.size > suffix_size && memchr(text.data, '/', text.size) &&
	    strncasecmp(text.data + text.size - suffix_size, suffix, suffix_size) == 0)
		return MEDIA_TYPE_JSON;
	return MEDIA_TYPE_OTHER;
}
