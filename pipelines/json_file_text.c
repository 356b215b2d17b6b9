/* SPDX-License-Identifier: Apache-2.0 */
#include "json_file_text.h"
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* ---- blanking ---- */

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Position after the string that starts at position; a string ends with its line even when its quote is missing, since
 * the parser stops there anyway. */
static size_t string_end(const char *text, size_t size, size_t position)
{
	for (position++; position < size && text[position] != '\n'; position++) {
		if (text[position] == '"')
			return position + 1;
		if (text[position] == '\\' && position + 1 < size && text[position + 1] != '\n')
			position++;
	}
	return position;
}

/* Position after the comment that starts at position; position itself when none does; SIZE_MAX when it never ends. */
static size_t comment_end(const char *text, size_t size, size_t position)
{
	char next = position + 1 < size ? text[position + 1] : '\0';
	if (text[position] == '#' || (text[position] == '/' && next == '/')) {
		const char *end = memchr(text + position, '\n', size - position);
		return end ? (size_t)(end - text) : size;
	}
	if (text[position] == '/' && next == '*') {
		const char *end = memmem(text + position + 2, size - position - 2, "*/", 2);
		return end ? (size_t)(end - text) + 2 : SIZE_MAX;
	}
	return position;
}

static void blank(char *text, size_t from, size_t to)
{
	for (size_t i = from; i < to; i++)
		if (text[i] != '\n')
			text[i] = ' ';
}

bool json_text_blank(char *text, size_t size, size_t *open_comment)
{
	char last = '\0';         /* last byte that is neither space nor comment */
	char before_comma = '\0'; /* the one before it, when it is a comma */
	size_t comma = 0;
	for (size_t i = 0; i < size;) {
		size_t end = comment_end(text, size, i);
		if (end == SIZE_MAX) {
			*open_comment = i;
			return false;
		}
		if (end > i) {
			blank(text, i, end);
			i = end;
			continue;
		}
		char c = text[i];
		if (is_space(c)) {
			i++;
			continue;
		}
		/* Only a comma after a value is a trailing comma: [,] stays an error. */
		if ((c == '}' || c == ']') && last == ',' && !strchr("[{,:", before_comma))
			text[comma] = ' ';
		if (c == ',') {
			before_comma = last;
			comma = i;
		}
		last = c;
		i = c == '"' ? string_end(text, size, i) : i + 1;
	}
	return true;
}

const char *json_text_last_string(const char *text, size_t position, size_t *size)
{
	const char *string = "";
	*size = 0;
	for (size_t i = 0; i < position;) {
		if (text[i] != '"') {
			i++;
			continue;
		}
		size_t end = string_end(text, position, i);
		string = text + i + 1;
		*size = end - i - (text[end - 1] == '"' && end - i > 1 ? 2 : 1);
		i = end;
	}
	return string;
}

/* ---- finding a path again ---- */

static const char *skip_space(const char *at)
{
	while (is_space(*at))
		at++;
	return at;
}

static const char *skip_string(const char *at)
{
	for (at++; *at && *at != '"'; at++)
		if (*at == '\\' && at[1])
			at++;
	return *at ? at + 1 : at;
}

static const char *skip_value(const char *at)
{
	int depth = 0;
	do {
		if (*at == '"') {
			at = skip_string(at);
			continue;
		}
		if (*at == '{' || *at == '[')
			depth++;
		else if (*at == '}' || *at == ']')
			depth--;
		at++;
		/* Numbers and words: up to what may follow a value. */
		while (depth == 0 && *at && !is_space(*at) && !strchr(",]}", *at) && !strchr("]}", at[-1]))
			at++;
	} while (depth > 0 && *at);
	return at;
}

static size_t put_utf8(char *out, uint32_t code)
{
	if (code < 0x80) {
		out[0] = (char)code;
		return 1;
	}
	size_t size = code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
	static const unsigned char lead[] = { 0, 0, 0xc0, 0xe0, 0xf0 };
	for (size_t i = size - 1; i > 0; i--, code >>= 6)
		out[i] = (char)(0x80 | (code & 0x3f));
	out[0] = (char)(lead[size] | code);
	return size;
}

static uint32_t hex4(const char *at)
{
	char digits[5] = { 0 };
	memccpy(digits, at, '\0', 4);
	return (uint32_t)strtoul(digits, NULL, 16);
}

/* Decodes one character of a string (valid JSON) into at most 4 bytes; returns the place after it. */
static const char *decode_character(const char *at, char out[4], size_t *size)
{
	static const char escapes[] = "b\bf\fn\nr\rt\t";
	*size = 1;
	out[0] = *at;
	if (*at != '\\' || !at[1])
		return at + 1;
	if (at[1] != 'u') {
		const char *escape = strchr(escapes, at[1]);
		out[0] = escape ? escape[1] : at[1];
		return at + 2;
	}
	uint32_t code = hex4(at + 2);
	if (code >= 0xd800 && code < 0xdc00 && at[6] == '\\') {
		*size = put_utf8(out, 0x10000 + ((code - 0xd800) << 10) + (hex4(at + 8) - 0xdc00));
		return at + 12;
	}
	*size = put_utf8(out, code);
	return at + 6;
}

/* What is left of path after the key that starts (with its quote) at key; NULL when path does not start with it. */
static const char *match_key(const char *key, const char *path)
{
	for (key++; *key != '"';) {
		char decoded[4];
		size_t size;
		key = decode_character(key, decoded, &size);
		if (strncmp(path, decoded, size) != 0)
			return NULL;
		path += size;
	}
	return *path == '\0' || *path == '.' || *path == '[' ? path : NULL;
}

static const char *find_in_value(const char *value, const char *path);

/* Keys may hold dots themselves, so every key that path starts with is followed. */
static const char *find_in_object(const char *object, const char *path)
{
	for (const char *key = skip_space(object + 1); *key == '"';) {
		const char *value = skip_space(skip_space(skip_string(key)) + 1);
		const char *rest = match_key(key, path);
		if (rest && *rest == '\0')
			return key;
		const char *found = rest ? find_in_value(value, rest) : NULL;
		if (found)
			return found;
		const char *end = skip_space(skip_value(value));
		if (*end != ',')
			return NULL;
		key = skip_space(end + 1);
	}
	return NULL;
}

static const char *find_in_array(const char *array, const char *path)
{
	char *rest;
	unsigned long index = strtoul(path + 1, &rest, 10);
	if (rest == path + 1 || *rest != ']')
		return NULL;
	const char *element = skip_space(array + 1);
	if (*element == ']')
		return NULL;
	for (; index > 0; index--) {
		element = skip_space(skip_value(element));
		if (*element != ',')
			return NULL;
		element = skip_space(element + 1);
	}
	return find_in_value(element, rest + 1);
}

static const char *find_in_value(const char *value, const char *path)
{
	if (*path == '\0')
		return value;
	if (*path == '[' && *value == '[')
		return find_in_array(value, path);
	if (*path == '.' && *value == '{')
		return find_in_object(value, path + 1);
	return NULL;
}

const char *json_text_find(const char *text, const char *json_path)
{
	const char *root = skip_space(text);
	if (*json_path != '\0' && *root == '{')
		return find_in_object(root, json_path);
	return find_in_value(root, json_path);
}
