/* SPDX-License-Identifier: Apache-2.0 */
#include "byte_scan.h"
#include <stdint.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the first byte of a word is its lowest");

static const struct slice wanted = { "description", sizeof("description") - 1 };

/* Length of the sequence at `at`, 0 when it is none. Overlong forms pass: a floor may be a little too low. */
static size_t sequence(const unsigned char *at, const unsigned char *end)
{
	size_t length = *at < 0xc2 ? 0 : *at < 0xe0 ? 2 : *at < 0xf0 ? 3 : *at < 0xf5 ? 4 : 0;

	if (length > (size_t)(end - at))
		return 0;
	for (size_t i = 1; i < length; i++)
		if ((at[i] & 0xc0) != 0x80)
			return 0;
	return length;
}

#define EACH(byte) (0x0101010101010101u * (byte))

/* The high bit of bytes that are quotes, backslashes or not ASCII; behind the first of them also of others. */
static uint64_t stops(const unsigned char *at)
{
	uint64_t word, quote, slash;

	memcpy(&word, at, sizeof(word));
	quote = word ^ EACH('"');
	slash = word ^ EACH('\\');
	return (((quote - EACH(1)) & ~quote) | ((slash - EACH(1)) & ~slash) | word) & EACH(0x80);
}

/* The next byte of a string that needs a look. */
static const unsigned char *skip_plain(const unsigned char *at, const unsigned char *end)
{
	for (; end - at >= 8; at += 8) {
		uint64_t found = stops(at);
		if (found)
			return at + __builtin_ctzll(found) / 8;
	}
	while (at < end && *at < 0x80 && *at != '"' && *at != '\\')
		at++;
	return at;
}

/* From behind a string's opening quote to its closing one, or to the end. */
static const unsigned char *scan_string(const unsigned char *at, const unsigned char *end, bool *valid)
{
	while ((at = skip_plain(at, end)) < end && *at != '"') {
		if (*at == '\\') {
			at += 2;
			if (at >= end)
				return end;
			continue;
		}
		while (at < end && *at >= 0x80) {
			size_t length = sequence(at, end);
			*valid &= length != 0;
			at += length ? length : 1;
		}
	}
	return at;
}

struct slice byte_scan(struct slice record, bool *valid)
{
	const unsigned char *at = (const unsigned char *)record.data, *end = at + record.size;
	struct slice text = { 0 };
	bool is_key = false, next = false;

	*valid = true;
	while (at < end) {
		if (*at != '"') {
			is_key |= *at == '{' || *at == ',';
			at++;
			continue;
		}
		const unsigned char *close = scan_string(++at, end, valid);
		struct slice string = { (const char *)at, (size_t)(close - at) };
		if (next)
			text = string;
		next = is_key && slice_equal(string, wanted);
		is_key = false;
		at = close + 1;
	}
	return text;
}
