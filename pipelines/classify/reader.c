/* SPDX-License-Identifier: Apache-2.0 */
#include "classify/reader.h"
#include <stdarg.h>
#include <stdio.h>

static const char *const category_list[] = { "emergency", "fire", "food", "other" };
static const char *const severity_list[] = { "None", "Minor", "Moderate", "Severe", "Extreme" };
const struct names category_names = { category_list, CATEGORY_COUNT };
const struct names severity_names = { severity_list, SEVERITY_COUNT };

void reader_fail(const struct reader *reader, const char *path, const char *format, ...)
{
	char text[400];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	int line = path[0] ? json_file_line(reader->file, path) : 1;
	problems_add(reader->problems, "%s:%d: %s", json_file_path(reader->file), line, text);
}

struct place reader_root(const struct reader *reader, struct names members)
{
	struct place root = { "", json_file_root(reader->file) };

	if (!reader_object(reader, &root, members))
		root.value = NULL;
	return root;
}

struct place reader_member(const struct reader *reader, const struct place *object, const char *key, bool required)
{
	struct place place = { .value = json_object_get(object->value, key) };

	if (snprintf(place.path, sizeof(place.path), "%s%s%s", object->path, object->path[0] ? "." : "", key) < 0)
		place.path[0] = '\0';
	if (required && !place.value && object->value)
		reader_fail(reader, object->path, "\"%s\" is missing; add it", key);
	return place;
}

size_t reader_count(const struct reader *reader, const struct place *array)
{
	if (!array->value)
		return 0;
	if (!json_is_array(array->value))
		reader_fail(reader, array->path, "must be a list: [ ... ]");
	return json_array_size(array->value);
}

struct place reader_item(const struct place *array, size_t index)
{
	struct place place = { .value = json_array_get(array->value, index) };

	if (snprintf(place.path, sizeof(place.path), "%s[%zu]", array->path, index) < 0)
		place.path[0] = '\0';
	return place;
}

static void fail_unknown(const struct reader *reader, const char *path, const char *what, const char *word,
			 struct names names)
{
	const char *near = nearest_name(word, names.list, names.count);

	if (near)
		reader_fail(reader, path, "unknown %s \"%s\"; did you mean \"%s\"?", what, word, near);
	else
		reader_fail(reader, path, "unknown %s \"%s\"; see README.md beside it for those that exist", what,
			    word);
}

static int index_of(struct names names, const char *word)
{
	for (size_t i = 0; i < names.count; i++) {
		if (strcmp(names.list[i], word) == 0)
			return (int)i;
	}
	return -1;
}

bool reader_object(const struct reader *reader, const struct place *place, struct names members)
{
	const char *key;
	json_t *value;

	if (!json_is_object(place->value)) {
		reader_fail(reader, place->path, "must be an object: { ... }");
		return false;
	}
	json_object_foreach(place->value, key, value)
	{
		if (index_of(members, key) < 0) {
			struct place at = reader_member(reader, place, key, false);
			fail_unknown(reader, at.path, "key", key, members);
		}
	}
	return true;
}

struct slice reader_text(const struct reader *reader, const struct place *place)
{
	if (!place->value)
		return (struct slice){ 0 };
	if (!json_is_string(place->value) || json_string_length(place->value) == 0) {
		reader_fail(reader, place->path, "must be a text that is not empty");
		return (struct slice){ 0 };
	}
	struct slice text = slice_of(json_string_value(place->value));
	text.size++; /* the NUL comes along: messages print it as a string */
	text = arena_copy(reader->arena, text);
	text.size--;
	return text;
}

int64_t reader_integer(const struct reader *reader, const struct place *object, const char *key, int64_t fallback,
		       int64_t low, int64_t high)
{
	struct place place = reader_member(reader, object, key, false);

	if (!place.value)
		return fallback;
	json_int_t number = json_integer_value(place.value);
	if (json_is_integer(place.value) && number >= low && number <= high)
		return number;
	reader_fail(reader, place.path, "\"%s\" must be a whole number from %lld to %lld", key, (long long)low,
		    (long long)high);
	return fallback;
}

int reader_name(const struct reader *reader, const struct place *place, struct names names, const char *what)
{
	if (!place->value)
		return -1;
	if (!json_is_string(place->value)) {
		reader_fail(reader, place->path, "must be the name of a %s", what);
		return -1;
	}
	int index = index_of(names, json_string_value(place->value));
	if (index < 0)
		fail_unknown(reader, place->path, what, json_string_value(place->value), names);
	return index;
}

uint8_t reader_set(const struct reader *reader, const struct place *array, struct names names, const char *what)
{
	uint8_t set = 0;

	for (size_t i = 0; i < reader_count(reader, array); i++) {
		struct place item = reader_item(array, i);
		int index = reader_name(reader, &item, names, what);
		if (index >= 0)
			set |= (uint8_t)(1u << index);
	}
	return set;
}
