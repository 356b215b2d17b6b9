/* SPDX-License-Identifier: Apache-2.0 */
#include "decode/scan.h"
#include <stdlib.h>

/* Up to this many keys of an object are compared pair by pair; more are sorted, so that no input costs quadratic time.
 */
#define PAIRWISE_MAX 16

static bool refuse(struct scan *scan, enum reason reason, const char *at)
{
	scan->reason = reason;
	scan->position = (size_t)(at - scan->start);
	return false;
}

/* The byte at scan->at does not belong there; what it is says what went wrong. */
static bool refuse_here(struct scan *scan)
{
	int length;

	if (scan->at == scan->end)
		return refuse(scan, REASON_TRUNCATED, scan->at);
	if (*scan->at == '\0')
		return refuse(scan, REASON_NUL_BYTE, scan->at);
	length = utf8_sequence(scan->at, scan->end);
	if (length < 0)
		return refuse(scan, REASON_TRUNCATED, scan->at);
	return refuse(scan, length ? REASON_NOT_JSON : REASON_INVALID_UTF8, scan->at);
}

static uint64_t little_endian(const char *bytes)
{
	uint64_t word;

	memcpy(&word, bytes, sizeof(word));
	return __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? word : __builtin_bswap64(word);
}

int scan_peek(const struct scan *scan)
{
	return scan->at < scan->end ? (unsigned char)*scan->at : -1;
}

/* Skips white space and returns the byte behind it, or -1 at the end. */
static int next_byte(struct scan *scan)
{
	const char *at = scan->at;

	while (at < scan->end && (unsigned char)*at <= ' ' && (*at == ' ' || *at == '\n' || *at == '\r' || *at == '\t'))
		at++;
	scan->at = at;
	return scan_peek(scan);
}

/* ---- repeated keys ---- */

void scan_repeated(struct scan *scan, const struct scan_key *key)
{
	if (key->position < scan->repeated_key)
		scan->repeated_key = key->position;
}

void scan_add_key(struct scan *scan, const struct scan_key *key)
{
	if (scan->key_count == scan->key_capacity) {
		struct scan_key *keys = arena_alloc(scan->arena, 2 * scan->key_capacity * sizeof(*keys));

		memcpy(keys, scan->keys, scan->key_count * sizeof(*keys));
		scan->keys = keys;
		scan->key_capacity *= 2;
	}
	scan->keys[scan->key_count++] = *key;
}

static int compare_keys(const void *left, const void *right)
{
	const struct scan_key *a = left, *b = right;
	int order;

	if (a->text.size != b->text.size)
		return a->text.size < b->text.size ? -1 : 1;
	order = memcmp(a->text.data, b->text.data, a->text.size);
	if (order != 0)
		return order;
	return a->position < b->position ? -1 : 1;
}

/* Compares the keys of the object that ends here, and forgets them. */
static void close_keys(struct scan *scan, size_t mark)
{
	struct scan_key *keys = scan->keys + mark;
	size_t count = scan->key_count - mark;

	scan->key_count = mark;
	if (count <= PAIRWISE_MAX) {
		for (size_t i = 1; i < count; i++)
			for (size_t j = 0; j < i; j++)
				if (slice_equal(keys[i].text, keys[j].text))
					scan_repeated(scan, &keys[i]);
		return;
	}
	qsort(keys, count, sizeof(*keys), compare_keys);
	for (size_t i = 1; i < count; i++)
		if (slice_equal(keys[i].text, keys[i - 1].text))
			scan_repeated(scan, &keys[i]);
}

/* ---- UTF-8 ---- */

int utf8_sequence(const char *at, const char *end)
{
	/* First byte from..to, length, range of the second byte; the commonest (Chinese) first. */
	static const struct {
		unsigned char from, to, length, low, high;
	} rows[] = {
		{ 0xe1, 0xec, 3, 0x80, 0xbf }, { 0xee, 0xef, 3, 0x80, 0xbf }, { 0x00, 0x7f, 1, 0, 0 },
		{ 0xc2, 0xdf, 2, 0x80, 0xbf }, { 0xe0, 0xe0, 3, 0xa0, 0xbf }, { 0xed, 0xed, 3, 0x80, 0x9f },
		{ 0xf0, 0xf0, 4, 0x90, 0xbf }, { 0xf1, 0xf3, 4, 0x80, 0xbf }, { 0xf4, 0xf4, 4, 0x80, 0x8f },
	};
	const unsigned char *bytes = (const unsigned char *)at;
	size_t left = (size_t)(end - at);

	for (size_t row = 0; row < sizeof(rows) / sizeof(*rows); row++) {
		if (bytes[0] < rows[row].from || bytes[0] > rows[row].to)
			continue;
		for (size_t i = 1; i < rows[row].length; i++) {
			if (i == left)
				return -1;
			if (bytes[i] < (i == 1 ? rows[row].low : 0x80) || bytes[i] > (i == 1 ? rows[row].high : 0xbf))
				return 0;
		}
		return rows[row].length;
	}
	return 0;
}

enum reason utf8_check(struct slice text)
{
	const char *end = text.data + text.size;

	for (const char *at = text.data; at < end;) {
		int length = utf8_sequence(at, end);

		if (*at == '\0')
			return REASON_NUL_BYTE;
		if (length <= 0)
			return REASON_INVALID_UTF8;
		at += length;
	}
	return REASON_NONE;
}

/* ---- strings ---- */

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The four digits at `at`, already checked. */
static unsigned hex_unit(const char *at)
{
	unsigned unit = 0;

	for (int i = 0; i < 4; i++)
		unit = unit << 4 | (unsigned)hex_digit(at[i]);
	return unit;
}

/* \uXXXX with scan->at on the backslash. */
static bool check_unicode_escape(struct scan *scan, unsigned *unit)
{
	scan->at += 2;
	for (int i = 0; i < 4; i++, scan->at++)
		if (scan->at == scan->end || hex_digit(*scan->at) < 0)
			return refuse_here(scan);
	*unit = hex_unit(scan->at - 4);
	return true;
}

/* The second half of a surrogate pair. */
static bool check_low_surrogate(struct scan *scan, const char *escape)
{
	unsigned unit;

	if (scan->at == scan->end || (*scan->at == '\\' && scan->at + 1 == scan->end))
		return refuse(scan, REASON_TRUNCATED, scan->end);
	if (*scan->at != '\\' || scan->at[1] != 'u')
		return refuse(scan, REASON_INVALID_UTF8, escape);
	if (!check_unicode_escape(scan, &unit))
		return false;
	if (unit < 0xdc00 || unit > 0xdfff)
		return refuse(scan, REASON_INVALID_UTF8, escape);
	return true;
}

static bool check_escape(struct scan *scan)
{
	const char *escape = scan->at;
	unsigned unit;

	if (escape + 1 == scan->end)
		return refuse(scan, REASON_TRUNCATED, scan->end);
	if (escape[1] != 'u') {
		scan->at = escape + 1;
		if (escape[1] == '\0' || !strchr("\"\\/bfnrt", escape[1]))
			return refuse_here(scan);
		scan->at++;
		return true;
	}
	if (!check_unicode_escape(scan, &unit))
		return false;
	if (unit == 0)
		return refuse(scan, REASON_NUL_BYTE, escape);
	if (unit >= 0xdc00 && unit <= 0xdfff)
		return refuse(scan, REASON_INVALID_UTF8, escape);
	if (unit >= 0xd800 && unit <= 0xdbff)
		return check_low_surrogate(scan, escape);
	return true;
}

static char *write_utf8(char *out, unsigned code)
{
	if (code < 0x80) {
		*out++ = (char)code;
	} else if (code < 0x800) {
		*out++ = (char)(0xc0 | code >> 6);
		*out++ = (char)(0x80 | (code & 0x3f));
	} else if (code < 0x10000) {
		*out++ = (char)(0xe0 | code >> 12);
		*out++ = (char)(0x80 | (code >> 6 & 0x3f));
		*out++ = (char)(0x80 | (code & 0x3f));
	} else {
		*out++ = (char)(0xf0 | code >> 18);
		*out++ = (char)(0x80 | (code >> 12 & 0x3f));
		*out++ = (char)(0x80 | (code >> 6 & 0x3f));
		*out++ = (char)(0x80 | (code & 0x3f));
	}
	return out;
}

/* The escapes of raw are already checked; an escape is never shorter than what it stands for. */
static struct slice unescape(struct arena *arena, struct slice raw)
{
	static const char meaning[128] = { ['b'] = '\b', ['f'] = '\f', ['n'] = '\n', ['r'] = '\r', ['t'] = '\t' };
	const char *at = raw.data, *end = raw.data + raw.size;
	char *text = arena_alloc(arena, raw.size), *out = text;

	while (at < end) {
		const char *escape = memchr(at, '\\', (size_t)(end - at));
		size_t plain = (size_t)((escape ? escape : end) - at);
		unsigned code;

		memcpy(out, at, plain);
		out += plain;
		at += plain;
		if (at == end)
			break;
		if (at[1] != 'u') {
			*out++ = meaning[(unsigned char)at[1]] ? meaning[(unsigned char)at[1]] : at[1];
			at += 2;
			continue;
		}
		code = hex_unit(at + 2);
		at += 6;
		if (code >= 0xd800 && code <= 0xdbff) {
			code = 0x10000 + ((code & 0x3ff) << 10 | (hex_unit(at + 2) & 0x3ff));
			at += 6;
		}
		out = write_utf8(out, code);
	}
	return (struct slice){ text, (size_t)(out - text) };
}

/* Three bytes whose second may be any of 80..bf: nearly all Chinese. */
static const char *skip_plain_threes(const char *at, const char *end)
{
	while (end - at >= 3) {
		const unsigned char *bytes = (const unsigned char *)at;

		if ((bytes[0] & 0xf0) != 0xe0 || bytes[0] == 0xe0 || bytes[0] == 0xed || (bytes[1] & 0xc0) != 0x80 ||
		    (bytes[2] & 0xc0) != 0x80)
			break;
		at += 3;
	}
	return at;
}

static bool check_utf8(struct scan *scan)
{
	while ((scan->at = skip_plain_threes(scan->at, scan->end)) < scan->end && (unsigned char)*scan->at >= 0x80) {
		int length = utf8_sequence(scan->at, scan->end);

		if (length <= 0)
			return refuse_here(scan);
		scan->at += length;
	}
	return true;
}

/* Not zero when one of the eight bytes is a quote, a backslash, a control character or no ASCII. The lowest bit that is
 * set is the top bit of the first such byte; what stands above it means nothing (subtractions borrow). */
static uint64_t special_bytes(uint64_t word)
{
	const uint64_t ones = 0x0101010101010101;
	uint64_t quote = word ^ ones * '"', backslash = word ^ ones * '\\';

	return (word | (word - ones * ' ') | (quote - ones) | (backslash - ones)) & ones * 0x80;
}

/* Goes over printable ASCII other than quote and backslash. */
static const char *skip_plain(const char *at, const char *end)
{
	for (; end - at >= (ptrdiff_t)sizeof(uint64_t); at += sizeof(uint64_t)) {
		uint64_t special = special_bytes(little_endian(at));

		if (special)
			return at + __builtin_ctzll(special) / 8;
	}
	while (at < end && (signed char)*at >= ' ' && *at != '"' && *at != '\\')
		at++;
	return at;
}

/* The rest of a string that holds more than printable ASCII, with scan->at on the first such byte. Out of line, so
 * that the others do not pay for its registers. */
__attribute__((noinline)) static bool read_special_string(struct scan *scan, const char *content, struct slice *text)
{
	bool escaped = false;

	for (; scan->at < scan->end && *scan->at != '"'; scan->at = skip_plain(scan->at, scan->end)) {
		if (*scan->at == '\\') {
			escaped = true;
			if (!check_escape(scan))
				return false;
		} else if ((unsigned char)*scan->at < 0x80) {
			return refuse_here(scan); /* control character */
		} else if (!check_utf8(scan)) {
			return false;
		}
	}
	if (scan->at == scan->end)
		return refuse_here(scan);
	if (text) {
		*text = (struct slice){ content, (size_t)(scan->at - content) };
		if (escaped)
			*text = unescape(scan->arena, *text);
	}
	scan->at++;
	return true;
}

/* With scan->at on the opening quote. text: filled in with the content without escapes; NULL when it is not wanted. */
static inline bool read_string(struct scan *scan, struct slice *text)
{
	const char *content = scan->at + 1, *at = skip_plain(content, scan->end);

	scan->at = at;
	if (at == scan->end || *at != '"')
		return read_special_string(scan, content, text);
	scan->at = at + 1;
	if (text)
		*text = (struct slice){ content, (size_t)(at - content) };
	return true;
}

/* ---- numbers and literals ---- */

static bool read_digits(struct scan *scan)
{
	const char *first = scan->at;

	while (scan->at < scan->end && *scan->at >= '0' && *scan->at <= '9')
		scan->at++;
	return scan->at > first || refuse_here(scan);
}

static bool read_number(struct scan *scan, struct value *value)
{
	const char *first = scan->at;

	value->kind = VALUE_INTEGER;
	if (*scan->at == '-')
		scan->at++;
	if (scan_peek(scan) == '0')
		scan->at++;
	else if (!read_digits(scan))
		return false;
	if (scan_peek(scan) == '.') {
		value->kind = VALUE_REAL;
		scan->at++;
		if (!read_digits(scan))
			return false;
	}
	if (scan_peek(scan) == 'e' || scan_peek(scan) == 'E') {
		value->kind = VALUE_REAL;
		scan->at++;
		if (scan_peek(scan) == '+' || scan_peek(scan) == '-')
			scan->at++;
		if (!read_digits(scan))
			return false;
	}
	value->text = (struct slice){ first, (size_t)(scan->at - first) };
	return true;
}

static bool read_literal(struct scan *scan, const char *word)
{
	for (; *word; word++, scan->at++)
		if (scan->at == scan->end || *scan->at != *word)
			return refuse_here(scan);
	return true;
}

/* ---- values ---- */

static bool skip_member(struct scan *scan, const struct scan_key *key, void *context)
{
	(void)context;
	scan_add_key(scan, key);
	return scan_skip(scan);
}

static bool skip_element(struct scan *scan, void *context)
{
	(void)context;
	return scan_skip(scan);
}

static bool read_value(struct scan *scan, struct value *value, bool keep)
{
	value->position = (size_t)(scan->at - scan->start);
	value->text = (struct slice){ NULL, 0 };
	switch (scan_peek(scan)) {
	case '"':
		value->kind = VALUE_STRING;
		return read_string(scan, keep ? &value->text : NULL);
	case '{':
		value->kind = VALUE_OBJECT;
		return scan_object(scan, skip_member, NULL);
	case '[':
		value->kind = VALUE_ARRAY;
		return scan_array(scan, skip_element, NULL);
	case 't':
		value->kind = VALUE_TRUE;
		return read_literal(scan, "true");
	case 'f':
		value->kind = VALUE_FALSE;
		return read_literal(scan, "false");
	case 'n':
		value->kind = VALUE_NULL;
		return read_literal(scan, "null");
	case '-':
	case '0' ... '9':
		return read_number(scan, value);
	default:
		return refuse_here(scan);
	}
}

bool scan_value(struct scan *scan, struct value *value)
{
	return read_value(scan, value, true);
}

bool scan_skip(struct scan *scan)
{
	struct value value;

	return read_value(scan, &value, false);
}

static bool enter(struct scan *scan)
{
	if (scan->depth == SCAN_DEPTH_MAX)
		return refuse(scan, REASON_TOO_DEEP, scan->at);
	scan->depth++;
	scan->at++;
	return true;
}

static bool read_member(struct scan *scan, scan_member *member, void *context)
{
	struct scan_key key = { .position = (size_t)(scan->at - scan->start) };

	if (scan_peek(scan) != '"')
		return refuse_here(scan);
	if (!read_string(scan, &key.text))
		return false;
	if (next_byte(scan) != ':')
		return refuse_here(scan);
	scan->at++;
	next_byte(scan);
	return member(scan, &key, context);
}

bool scan_object(struct scan *scan, scan_member *member, void *context)
{
	size_t mark = scan->key_count;

	if (!enter(scan))
		return false;
	if (next_byte(scan) != '}') {
		for (;; scan->at++, next_byte(scan)) {
			if (!read_member(scan, member, context))
				return false;
			if (next_byte(scan) != ',')
				break;
		}
		if (scan_peek(scan) != '}')
			return refuse_here(scan);
	}
	close_keys(scan, mark);
	scan->at++;
	scan->depth--;
	return true;
}

bool scan_array(struct scan *scan, scan_element *element, void *context)
{
	if (!enter(scan))
		return false;
	if (next_byte(scan) != ']') {
		for (;; scan->at++, next_byte(scan)) {
			if (!element(scan, context))
				return false;
			if (next_byte(scan) != ',')
				break;
		}
		if (scan_peek(scan) != ']')
			return refuse_here(scan);
	}
	scan->at++;
	scan->depth--;
	return true;
}

bool scan_document(struct scan *scan, const char *start, struct slice text, struct arena *arena, scan_member *member,
		   void *context)
{
	scan->start = start;
	scan->at = text.data;
	scan->end = text.data + text.size;
	scan->arena = arena;
	scan->reason = REASON_NONE;
	scan->position = 0;
	scan->repeated_key = SIZE_MAX;
	scan->depth = 0;
	scan->keys = scan->few_keys;
	scan->key_count = 0;
	scan->key_capacity = SCAN_KEYS_FEW;
	if (next_byte(scan) != '{')
		return refuse_here(scan);
	if (!scan_object(scan, member, context))
		return false;
	if (next_byte(scan) != -1)
		return refuse_here(scan);
	if (scan->repeated_key != SIZE_MAX)
		return refuse(scan, REASON_DUPLICATE_KEY, start + scan->repeated_key);
	return true;
}
