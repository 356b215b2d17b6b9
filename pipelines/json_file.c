/* SPDX-License-Identifier: Apache-2.0 */
#include "json_file.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <jansson.h>
#include "alloc.h"
#include "json_file_text.h"

enum { FILE_MAX_BYTES = 16 << 20 };

struct json_file {
	char *path;
	char *text;  /* as read, NUL-terminated */
	char *plain; /* same size: comments and trailing commas blanked */
	size_t size;
	json_t *root;
};

/* What to do about each kind of parse failure; NULL text means that jansson's own words are shown. */
static const struct {
	enum json_error_code code;
	const char *what, *advice;
} parse_failures[] = {
	{ json_error_premature_end_of_input, "the file ends in the middle of a value",
	  "close every quote, bracket and brace that is open" },
	{ json_error_end_of_input_expected, "text after the end of the JSON value",
	  "a file holds one object: remove what follows it" },
	{ json_error_invalid_utf8, NULL, "save the file as UTF-8" },
	{ json_error_null_character, "a string holds \\u0000", "remove it" },
	{ json_error_null_byte_in_key, "a key holds \\u0000", "remove it" },
	{ json_error_numeric_overflow, "a number is too large", "write a smaller one" },
	{ json_error_stack_overflow, "nested too deep", "flatten it" },
};

int json_text_line(const char *text, size_t position)
{
	int line = 1;
	for (size_t i = 0; i < position; i++)
		line += text[i] == '\n';
	return line;
}

static char *read_bytes(const char *path, size_t *size, struct problems *problems)
{
	FILE *stream = fopen(path, "rbe");
	if (!stream) {
		problems_add(problems, "%s: cannot be opened: %s; check the path and its permissions", path,
			     strerror(errno));
		return NULL;
	}
	char *text = NULL;
	size_t capacity = 16384, used = 0;
	do {
		capacity *= 2;
		text = alloc_resize(text, capacity + 1);
		used += fread(text + used, 1, capacity - used, stream);
	} while (used == capacity && capacity <= FILE_MAX_BYTES);
	int error = ferror(stream) ? errno : 0;
	fclose(stream);
	text[used] = '\0';
	*size = used;
	if (!error && used <= FILE_MAX_BYTES)
		return text;

	if (error)
		problems_add(problems, "%s: cannot be read: %s; give the name of a readable file", path,
			     strerror(error));
	else
		problems_add(problems, "%s: larger than %d MiB; split it or remove what is not needed", path,
			     FILE_MAX_BYTES >> 20);
	free(text);
	return NULL;
}

/* Length of the UTF-8 character at text (shortest form, no surrogates), 0 when there is none. */
static size_t character_size(const unsigned char *text, size_t left)
{
	static const struct {
		unsigned char first, last, second_first, second_last;
		size_t size;
	} forms[] = {
		{ 0x00, 0x7f, 0, 0, 1 },       { 0xc2, 0xdf, 0x80, 0xbf, 2 }, { 0xe0, 0xe0, 0xa0, 0xbf, 3 },
		{ 0xe1, 0xec, 0x80, 0xbf, 3 }, { 0xed, 0xed, 0x80, 0x9f, 3 }, { 0xee, 0xef, 0x80, 0xbf, 3 },
		{ 0xf0, 0xf0, 0x90, 0xbf, 4 }, { 0xf1, 0xf3, 0x80, 0xbf, 4 }, { 0xf4, 0xf4, 0x80, 0x8f, 4 },
	};
	for (size_t i = 0; i < sizeof(forms) / sizeof(*forms); i++) {
		if (*text < forms[i].first || *text > forms[i].last)
			continue;
		if (forms[i].size > left)
			return 0;
		if (forms[i].size > 1 && (text[1] < forms[i].second_first || text[1] > forms[i].second_last))
			return 0;
		for (size_t j = 2; j < forms[i].size; j++)
			if ((text[j] & 0xc0) != 0x80)
				return 0;
		return forms[i].size;
	}
	return 0;
}

/* What editors leave in files is told in plain words, before a parser stumbles over it. */
static bool check_bytes(const char *path, const char *text, size_t size, struct problems *problems)
{
	if (size >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) {
		problems_add(problems, "%s:1: starts with a byte order mark; save the file as UTF-8 without one", path);
		return false;
	}
	if (size >= 2 && (memcmp(text, "\xff\xfe", 2) == 0 || memcmp(text, "\xfe\xff", 2) == 0)) {
		problems_add(problems, "%s:1: this is UTF-16; save the file as UTF-8", path);
		return false;
	}
	for (size_t i = 0; i < size;) {
		size_t length = character_size((const unsigned char *)text + i, size - i);
		if (text[i] != '\0' && length > 0) {
			i += length;
			continue;
		}
		if (text[i] == '\0')
			problems_add(problems, "%s:%d: NUL byte; remove it, the file must be UTF-8 text", path,
				     json_text_line(text, i));
		else
			problems_add(problems, "%s:%d: byte 0x%02x is not UTF-8; save the file as UTF-8", path,
				     json_text_line(text, i), (unsigned char)text[i]);
		return false;
	}
	return true;
}

static void report_parse_failure(const struct json_file *file, const json_error_t *error, struct problems *problems)
{
	enum json_error_code code = json_error_code(error);
	if (code == json_error_duplicate_key) {
		size_t key_size;
		const char *key = json_text_last_string(file->plain, (size_t)error->position, &key_size);
		problems_add(problems, "%s:%d: key \"%.*s\" stands twice in one object; remove one of them", file->path,
			     error->line, (int)key_size, key);
		return;
	}
	const char *what = NULL;
	const char *advice = "look for a missing comma, quote or bracket here or just before";
	for (size_t i = 0; i < sizeof(parse_failures) / sizeof(*parse_failures); i++) {
		if (parse_failures[i].code != code)
			continue;
		what = parse_failures[i].what;
		advice = parse_failures[i].advice;
	}
	if (what)
		problems_add(problems, "%s:%d: %s; %s", file->path, error->line, what, advice);
	else
		problems_add(problems, "%s:%d: not JSON at column %d: %s; %s", file->path, error->line, error->column,
			     error->text, advice);
}

static bool parse(struct json_file *file, struct problems *problems)
{
	size_t open_comment;
	file->plain = alloc_zeroed(file->size + 1, 1);
	memcpy(file->plain, file->text, file->size);
	if (!json_text_blank(file->plain, file->size, &open_comment)) {
		problems_add(problems, "%s:%d: the comment that starts here never ends; add */", file->path,
			     json_text_line(file->text, open_comment));
		return false;
	}
	if (strspn(file->plain, " \t\r\n") == file->size) {
		problems_add(problems, "%s: holds no JSON value; write at least {}", file->path);
		return false;
	}
	json_error_t error;
	file->root = json_loadb(file->plain, file->size, JSON_REJECT_DUPLICATES, &error);
	if (!file->root)
		report_parse_failure(file, &error, problems);
	return file->root != NULL;
}

struct json_file *json_file_load(const char *path, struct problems *problems)
{
	size_t size;
	char *text = read_bytes(path, &size, problems);
	if (!text)
		return NULL;
	struct json_file *file = alloc_zeroed(1, sizeof(*file));
	file->path = alloc_text(path);
	file->text = text;
	file->size = size;
	if (!check_bytes(path, text, size, problems) || !parse(file, problems))
		json_file_free(&file);
	return file;
}

void json_file_free(struct json_file **file)
{
	if (!*file)
		return;
	json_decref((*file)->root);
	free((*file)->plain);
	free((*file)->text);
	free((*file)->path);
	free(*file);
	*file = NULL;
}

struct json_t *json_file_root(const struct json_file *file)
{
	return file->root;
}

const char *json_file_path(const struct json_file *file)
{
	return file->path;
}

const char *json_file_text(const struct json_file *file, size_t *size)
{
	*size = file->size;
	return file->text;
}

int json_file_line(const struct json_file *file, const char *json_path)
{
	const char *place = json_text_find(file->plain, json_path);
	return place ? json_text_line(file->plain, (size_t)(place - file->plain)) : 0;
}
