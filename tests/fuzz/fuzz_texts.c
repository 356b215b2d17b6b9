/* SPDX-License-Identifier: Apache-2.0 */
/* Small forms, each against another way to say the same: rider keys, times, trace contexts, base64, numbers, media
 * types, masks. */
#include <ctype.h>
#include <math.h>
#include <openssl/evp.h>
#include <openssl/sha.h>
#include <regex.h>
#include <stdio.h>
#include <time.h>
#include "buffer.h"
#include "decode/text_forms.h"
#include "effects.h"
#include "fuzz/fuzz_checks.h"
#include "fuzz/fuzz_input.h"
#include "mask.h"

/* ---- rider keys: harmless inside a Redis key, and one id for each ---- */

static size_t unescape(struct slice key, char *out)
{
	size_t size = 0;
	for (size_t i = 0; i < key.size; i++) {
		char hex[3] = { 0 };
		if (key.data[i] != '%') {
			out[size++] = key.data[i];
			continue;
		}
		MUST(i + 2 < key.size);
		memcpy(hex, key.data + i + 1, 2);
		MUST(isxdigit((unsigned char)hex[0]) && isxdigit((unsigned char)hex[1]) &&
		     !islower((unsigned char)hex[0]));
		out[size++] = (char)strtol(hex, NULL, 16);
		i += 2;
	}
	return size;
}

static void check_rider_key(struct slice id, struct arena *arena)
{
	static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-%~";
	struct slice key = rider_key(id, arena);
	char out[128];
	MUST(key.size <= 128 && (id.size == 0 || key.size > 0));
	for (size_t i = 0; i < key.size; i++)
		MUST(key.data[i] && strchr(allowed, key.data[i]) && (key.data[i] != '~' || i == 0));
	if (key.size > 0 && key.data[0] == '~') {
		unsigned char digest[SHA256_DIGEST_LENGTH];
		char text[36] = "~";
		SHA256((const unsigned char *)id.data, id.size, digest);
		for (int i = 0; i < 16; i++)
			snprintf(text + 1 + 2 * i, 3, "%02x", digest[i]);
		MUST(slice_equal(key, slice_of(text)) && id.size > 128 / 3);
	} else {
		MUST(slice_equal((struct slice){ out, unescape(key, out) }, id));
	}
}

/* ---- times ---- */

#define TIME_FORM                                                                                                      \
	"^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])[Tt ]([01][0-9]|2[0-3]):[0-5][0-9]:([0-5][0-9]|60)"         \
	"([.][0-9]+)?([Zz]|[+-]([01][0-9]|2[0-3]):[0-5][0-9])$"

static bool matches(const char *form, regex_t *compiled, const char *text)
{
	if (!compiled->re_nsub)
		MUST(regcomp(compiled, form, REG_EXTENDED) == 0);
	return regexec(compiled, text, 0, NULL, 0) == 0;
}

/* The C library's calendar. */
static bool model_time(const char *text, int64_t *ms)
{
	static regex_t compiled;
	struct tm tm = { 0 };
	if (!matches(TIME_FORM, &compiled, text))
		return false;
	sscanf(text, "%4d-%2d-%2d%*c%2d:%2d:%2d", &tm.tm_year, &tm.tm_mon, &tm.tm_mday, &tm.tm_hour, &tm.tm_min,
	       &tm.tm_sec);
	int day = tm.tm_mday, hours = 0, minutes = 0, fraction = 0;
	tm.tm_year -= 1900;
	tm.tm_mon--;
	struct tm date = { .tm_year = tm.tm_year, .tm_mon = tm.tm_mon, .tm_mday = day, .tm_hour = 12 };
	if (timegm(&date) == -1 || date.tm_mday != day)
		return false;
	const char *rest = text + 19;
	if (*rest == '.') {
		rest++;
		for (int unit = 100; isdigit((unsigned char)*rest); rest++, unit /= 10)
			fraction += (*rest - '0') * unit;
	}
	if (*rest == '+' || *rest == '-')
		sscanf(rest + 1, "%2d:%2d", &hours, &minutes);
	int64_t seconds = timegm(&tm) - (*rest == '-' ? -1 : 1) * (hours * 3600 + minutes * 60);
	*ms = seconds * 1000 + fraction;
	return *ms >= 1420070400000 && *ms < 4133980800000;
}

static void check_time(struct slice text, const char *string, struct arena *arena)
{
	int64_t ms, expected, again;
	bool read = read_time(text, &ms);
	MUST(read == (strlen(string) == text.size && model_time(string, &expected)));
	if (!read)
		return;
	MUST(ms == expected);
	struct buffer out;
	buffer_init(&out, arena, 32);
	buffer_append_time(&out, ms);
	MUST(buffer_slice(&out).size == 24 && read_time(buffer_slice(&out), &again) && again == ms);
}

static void check_trace(struct slice text, const char *string)
{
	static regex_t compiled, zeros;
	bool form = matches("^([0-9a-f]{2})-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$", &compiled, string) &&
		    !matches("^(ff|..-0{32}|..-.{32}-0{16})", &zeros, string);
	MUST(is_traceparent(text) == (form && text.size == 55));
}

/* ---- base64 ---- */

static void check_base64(struct slice text, struct arena *arena)
{
	struct slice bytes;
	unsigned char *again = arena_alloc(arena, text.size + 4);
	if (read_base64(text, arena, &bytes)) {
		int size = EVP_DecodeBlock(again, (const unsigned char *)text.data, (int)text.size);
		MUST(size >= (int)bytes.size && size <= (int)bytes.size + 2 &&
		     memcmp(again, bytes.data, bytes.size) == 0);
	}
	/* And what the other library encodes is read back. */
	if (text.size == 0)
		return;
	unsigned char *encoded = arena_alloc(arena, (text.size + 2) / 3 * 4 + 1);
	int size = EVP_EncodeBlock(encoded, (const unsigned char *)text.data, (int)text.size);
	MUST(read_base64((struct slice){ (char *)encoded, (size_t)size }, arena, &bytes) && slice_equal(bytes, text));
}

/* ---- numbers ---- */

static void check_double(struct slice text, const char *string)
{
	static regex_t compiled;
	double number;
	if (!matches("^-?(0|[1-9][0-9]*)([.][0-9]+)?([eE][+-]?[0-9]+)?$", &compiled, string))
		return; /* asked for JSON numbers only */
	double expected = strtod(string, NULL);
	/* In a document there is always a byte behind a number. */
	MUST(read_double(text, &number) == !!isfinite(expected));
	if (isfinite(expected))
		MUST(memcmp(&number, &expected, sizeof number) == 0);
}

static void check_media_type(struct slice text)
{
	struct slice padded = text;
	enum media_type type = media_type_of(text);
	char *with_parameters;
	MUST(type <= MEDIA_TYPE_OTHER);
	if (text.size == 0 || memchr(text.data, ';', text.size))
		return;
	MUST(asprintf(&with_parameters, "\t %.*s ;charset=utf-8", (int)text.size, text.data) >= 0);
	padded = slice_of(with_parameters);
	MUST(strlen(with_parameters) != text.size + 17 || media_type_of(padded) == type);
	free(with_parameters);
}

/* ---- masks ---- */

/* Length in bytes of a digit at `at`, 0: none. */
static size_t digit(struct slice text, size_t at)
{
	if (at >= text.size)
		return 0;
	if (isdigit((unsigned char)text.data[at]))
		return 1;
	bool wide = text.size - at >= 3 && memcmp(text.data + at, "\xef\xbc", 2) == 0;
	return wide && (unsigned char)text.data[at + 2] >= 0x90 && (unsigned char)text.data[at + 2] <= 0x99 ? 3 : 0;
}

/* Digits in a row, with single separators between: no run of 11 that starts like a mobile number may be left, and none
 * of 18. */
static void check_no_number_left(struct slice text)
{
	for (size_t at = 0; at < text.size;) {
		size_t count = 0;
		char first[2] = { 0 };
		while (digit(text, at) ||
		       (count && at < text.size && strchr(" -", text.data[at]) && digit(text, at + 1))) {
			at += digit(text, at) ? 0 : 1;
			if (count < 2)
				first[count] =
					digit(text, at) == 1 ? text.data[at] : (char)(text.data[at + 2] - 0x90 + '0');
			at += digit(text, at);
			count++;
		}
		MUST(count != 18 && !(count == 11 && first[0] == '1' && first[1] >= '3'));
		at += count == 0;
	}
}

static void check_mask(struct slice text, struct arena *arena)
{
	struct slice masked = mask_numbers(text, arena), again = mask_numbers(masked, arena);
	MUST(masked.size == text.size && slice_equal(masked, again));
	MUST(!is_utf8(text) || is_utf8(masked));
	if (!memchr(text.data ? text.data : "", '\0', text.size))
		check_no_number_left(masked);
	for (size_t i = 0; i < text.size; i++)
		MUST(masked.data[i] == text.data[i] || masked.data[i] == '*' ||
		     memchr("\xef\xbc\x8a", masked.data[i], 3));
}

/* ---- JSON strings ---- */

static void check_json_string(struct slice text, struct arena *arena)
{
	struct buffer out;
	if (!is_utf8(text))
		return;
	buffer_init(&out, arena, 16);
	buffer_append_json_string(&out, text);
	json_t *value = json_loadb(out.data, out.size, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
	MUST(value && json_string_length(value) == text.size);
	MUST(memcmp(json_string_value(value), text.data ? text.data : "", text.size) == 0);
	json_decref(value);
}

int FUZZ_FUNCTION(texts)(const uint8_t *data, size_t size)
{
	struct slice input = { (const char *)data, size };
	char *string = fuzz_copy_text(input), *copy = fuzz_copy(input);
	struct slice text = { copy, size };
	struct arena arena;

	arena_init(&arena);
	check_rider_key(text, &arena);
	check_time(text, string, &arena);
	check_trace(text, string);
	check_base64(text, &arena);
	check_double((struct slice){ string, size }, string);
	check_media_type(text);
	check_mask(text, &arena);
	check_json_string(text, &arena);
	arena_fini(&arena);
	free(string);
	free(copy);
	return 0;
}
