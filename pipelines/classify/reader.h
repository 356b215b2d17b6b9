/* SPDX-License-Identifier: Apache-2.0 */
/* Reads values out of a rule file; every mistake becomes a problem with its line, and reading goes on with a fallback.
 */
#pragma once
#include <jansson.h>
#include "arena.h"
#include "json_file.h"
#include "verdict.h"

struct reader {
	struct json_file *file;
	struct problems *problems;
	struct arena *arena; /* where texts are copied to */
};

/* A place in the file: "rules[3]". */
struct place {
	char path[160];
	json_t *value;
};

/* A closed list of names. */
struct names {
	const char *const *list;
	size_t count;
};
#define NAMES(array) ((struct names){ array, sizeof(array) / sizeof((array)[0]) })

extern const struct names category_names, severity_names;

void reader_fail(const struct reader *reader, const char *path, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* The root; all members must be among names. value is NULL when it is no object. */
struct place reader_root(const struct reader *reader, struct names members);
/* The member, whose value is NULL when it is missing (a problem if required). */
struct place reader_member(const struct reader *reader, const struct place *object, const char *key, bool required);
/* Items of an array member; 0 when it is missing or no array. */
size_t reader_count(const struct reader *reader, const struct place *array);
struct place reader_item(const struct place *array, size_t index);
/* Is it an object with members among names only? Says what is wrong otherwise. */
bool reader_object(const struct reader *reader, const struct place *place, struct names members);
/* A non-empty text, copied to the arena and NUL-terminated there; absent when missing or wrong. */
struct slice reader_text(const struct reader *reader, const struct place *place);
int64_t reader_integer(const struct reader *reader, const struct place *object, const char *key, int64_t fallback,
		       int64_t low, int64_t high);
/* Index in names, or -1. */
int reader_name(const struct reader *reader, const struct place *place, struct names names, const char *what);
/* Bit set of the names in an array. */
uint8_t reader_set(const struct reader *reader, const struct place *array, struct names names, const char *what);
