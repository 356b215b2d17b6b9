/* SPDX-License-Identifier: Apache-2.0 */
#include "log_line.h"
#include <ctype.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include "must.h"

/* Bytes that UTF-8 never uses. */
enum { MARK_PAIR = '\xfe', MARK_TEXT = '\xff', MARK_NUMBER = '\xfd' };

static const char marks[] = { MARK_PAIR, MARK_TEXT, MARK_NUMBER, '\0' };

/* ---- characters ---- */

/* Decodes one character; *size is its length in bytes. Returns 0xfffd, and size 1, for a byte that is not UTF-8. */
static uint32_t decode(const unsigned char *text, size_t *size)
{
	static const uint32_t smallest[] = { 0, 0, 0x80, 0x800, 0x10000 };
	*size = 1;
	if (*text < 0x80)
		return *text;
	size_t length = *text >= 0xf0 ? 4 : *text >= 0xe0 ? 3 : 2;
	uint32_t code = *text & (0xffU >> (length + 1));
	if (*text < 0xc2 || *text > 0xf4)
		return 0xfffd;
	for (size_t i = 1; i < length; i++) {
		if ((text[i] & 0xc0) != 0x80) /* also stops at the NUL */
			return 0xfffd;
		code = code << 6 | (text[i] & 0x3fU);
	}
	if (code < smallest[length] || code > 0x10ffff || (code >= 0xd800 && code < 0xe000))
		return 0xfffd;
	*size = length;
	return code;
}

/* Pairs are left out when a line is nearly full, and long texts stop a bit later: what was begun can always be ended.
 */
enum { ROOM_FOR_PAIR = 1024, ROOM_FOR_END = 512 };

static bool has_room(const struct log_line *line, size_t room)
{
	return line->size + room <= sizeof(line->data);
}

static void put(struct log_line *line, const char *bytes, size_t size)
{
	if (!has_room(line, size + 2))
		return;
	memcpy(line->data + line->size, bytes, size);
	line->size += size;
}

static void put_text(struct log_line *line, const char *text)
{
	put(line, text, strlen(text));
}

/* Control characters, C1 ones and line separators included, do not reach the terminal or break the line. */
static bool must_be_escaped(uint32_t code)
{
	return code < 0x20 || (code >= 0x7f && code < 0xa0) || code == 0x2028 || code == 0x2029;
}

static void put_escaped(struct log_line *line, const char *text)
{
	static const char short_escapes[] = "\"\"\\\\\nn\rr\tt";
	for (size_t size; *text && has_room(line, ROOM_FOR_END); text += size) {
		uint32_t code = decode((const unsigned char *)text, &size);
		const char *escape = NULL;
		for (const char *pair = short_escapes; *pair && !escape; pair += 2)
			escape = (uint32_t)*pair == code ? pair : NULL;
		char escaped[8] = { '\\', escape ? escape[1] : 'u', '\0' };
		if (!escape && must_be_escaped(code))
			snprintf(escaped, sizeof(escaped), "\\u%04x", (unsigned)(code & 0xffff));
		if (escape || must_be_escaped(code))
			put_text(line, escaped);
		else if (code == 0xfffd)
			put_text(line, "\xef\xbf\xbd");
		else
			put(line, text, size);
	}
}

static bool needs_quotes(const char *text)
{
	if (!*text)
		return true;
	for (size_t size; *text; text += size) {
		uint32_t code = decode((const unsigned char *)text, &size);
		if (strchr(" =\"\\", *text) || must_be_escaped(code) || code == 0xfffd)
			return true;
	}
	return false;
}

/* ---- pairs ---- */

static void put_name(struct log_line *line, const char *name)
{
	if (!line->empty)
		put_text(line, line->json ? "," : " ");
	line->empty = false;
	put_text(line, line->json ? "\"" : "");
	put_text(line, name);
	put_text(line, line->json ? "\":" : "=");
}

void log_line_start(struct log_line *line, bool json, char priority)
{
	line->json = json;
	line->empty = true;
	line->size = 0;
	if (priority) {
		char prefix[] = { '<', priority, '>' };
		put(line, prefix, sizeof(prefix));
	}
	if (json)
		put_text(line, "{");
}

void log_line_text(struct log_line *line, const char *name, const char *value)
{
	if (!has_room(line, ROOM_FOR_PAIR))
		return;
	put_name(line, name);
	if (!line->json && !needs_quotes(value)) {
		put_text(line, value);
		return;
	}
	put_text(line, "\"");
	put_escaped(line, value);
	put_text(line, "\"");
}

void log_line_number(struct log_line *line, const char *name, long long number)
{
	char text[24];
	if (!has_room(line, ROOM_FOR_PAIR))
		return;
	snprintf(text, sizeof(text), "%lld", number);
	put_name(line, name);
	put_text(line, text);
}

void log_line_end(struct log_line *line)
{
	MUST(line->size + 2 <= sizeof(line->data));
	if (line->json)
		line->data[line->size++] = '}';
	line->data[line->size++] = '\n';
}

/* ---- fields ---- */

/* Length of the pair's name, 0 when text does not start with a name and the mark that ends it. */
static size_t name_size(const char *text, const char *end_marks)
{
	size_t size = 0;
	while (isalnum((unsigned char)text[size]) || (text[size] && strchr("_.-", text[size])))
		size++;
	return size > 0 && text[size] && strchr(end_marks, text[size]) ? size : 0;
}

/* Where the next pair starts (its blank), or the end of the text. */
static const char *pair_end(const char *text)
{
	while (*text && !(*text == ' ' && name_size(text + 1, "=") > 0))
		text++;
	return text;
}

/* One conversion of a number and nothing else: such a value is a number in JSON too. */
static bool is_number_template(const char *value, size_t size)
{
	return size >= 2 && value[0] == '%' && strchr("diuf", value[size - 1]) && !memchr(value + 1, '%', size - 1) &&
	       strspn(value + 1, "0123456789.+-*hlzjtdiuf") >= size - 1;
}

void log_fields_mark(const char *fields, char *marked, size_t capacity)
{
	static const char nameless[] = "detail";
	MUST(strlen(fields) + sizeof(nameless) + 3 <= capacity);
	for (const char *pair = fields; *pair;) {
		size_t size = name_size(pair, "=");
		const char *value = size ? pair + size + 1 : pair, *end = pair_end(value);
		const char *name = size ? pair : nameless;
		size_t value_size = (size_t)(end - value);
		if (value_size >= 2 && value[0] == '"' && end[-1] == '"') {
			value++;
			value_size -= 2;
		}
		*marked++ = MARK_PAIR;
		marked = mempcpy(marked, name, size ? size : sizeof(nameless) - 1);
		*marked++ = is_number_template(value, value_size) ? MARK_NUMBER : MARK_TEXT;
		marked = mempcpy(marked, value, value_size);
		pair = *end ? end + 1 : end;
	}
	*marked = '\0';
}

/* "-5", "0.25"; no other number has that form in JSON. */
static bool is_json_number(const char *text)
{
	text += *text == '-';
	size_t digits = strspn(text, "0123456789");
	if (digits == 0 || (digits > 1 && *text == '0'))
		return false;
	text += digits;
	if (*text != '.')
		return *text == '\0';
	digits = strspn(text + 1, "0123456789");
	return digits > 0 && text[digits + 1] == '\0';
}

/* The format's next pair in the values, NULL when there is none. Pairs are looked for by name, in the format's order: a
 * value that holds marks makes no pair of its own. */
static char *find_pair(char *values, const char *marked)
{
	return marked && *marked ? memmem(values, strlen(values), marked, name_size(marked + 1, marks + 1) + 2) : NULL;
}

static void put_pair(struct log_line *line, char *pair)
{
	char *name = pair + 1, *value = name + name_size(name, marks + 1);
	bool number = *value == MARK_NUMBER;
	*value++ = '\0';
	if (number && is_json_number(value) && has_room(line, ROOM_FOR_PAIR)) {
		put_name(line, name);
		put_text(line, value);
	} else {
		log_line_text(line, name, value);
	}
}

void log_line_fields(struct log_line *line, const char *marked, char *values)
{
	for (char *pair = find_pair(values, marked), *next; pair; pair = next) {
		marked = strchr(marked + 1, MARK_PAIR);
		next = find_pair(pair + 1, marked);
		if (next)
			*next = '\0';
		put_pair(line, pair);
	}
}
