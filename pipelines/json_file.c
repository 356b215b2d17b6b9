/* SPDX-License-Identifier: Apache-2.0 */
#include "json_file.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <jansson.h>
#include "alloc.h"
#include "json_file_text.h"
#include "text_file.h"

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
	char *text = text_file_read(path, &size, problems);
	if (!text)
		return NULL;
	struct json_file *file = alloc_zeroed(1, sizeof(*file));
	file->path = alloc_text(path);
	file->text = text;
	file->size = size;
	if (!parse(file, problems))
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
