/* SPDX-License-Identifier: Apache-2.0 */
/* JSON files that people write: comments and trailing commas allowed, every mistake reported with file and line. */
#pragma once
#include <stddef.h>
#include "must.h"

/* A list of messages "file:line: what is wrong; what to do". Grows as needed. */
struct problems {
	char **texts;
	size_t count;
};

void problems_add(struct problems *problems, const char *format, ...) __attribute__((format(printf, 2, 3)));
void problems_fini(struct problems *problems);

struct json_t;
struct json_file; /* parsed tree plus the source text, to find lines again */

/* Reads and parses path. Comments (C, C++ and shell style) and trailing commas are blanked out, so lines stay right; duplicate keys
 * are refused.
 * Returns NULL and adds problems on any failure. */
struct json_file *json_file_load(const char *path, struct problems *problems);
void json_file_free(struct json_file **file);
struct json_t *json_file_root(const struct json_file *file);
const char *json_file_path(const struct json_file *file);
/* Source bytes as read (for hashing). */
const char *json_file_text(const struct json_file *file, size_t *size);
/* Line of the key at a path such as "kafka.brokers" or "rules[3].phrases[0]"; 1-based, 0 when there is no such path.
 * Walks the source text each time: for messages. */
int json_file_line(const struct json_file *file, const char *json_path);
/* The name among count names nearest to word by edit distance, or NULL when none is near (distance > 3, or more than
 * half of the longer one differs). */
const char *nearest_name(const char *word, const char *const *names, size_t count);
