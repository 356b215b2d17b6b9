/* SPDX-License-Identifier: Apache-2.0 */
/* The source text of a JSON file: turning what people write into plain JSON, and finding places in it again. */
#pragma once
#include <stdbool.h>
#include <stddef.h>

/* Overwrites comments and trailing commas with spaces, in place: lines and columns stay. Returns false, with the
 * position of the comment's start, when a comment never ends. */
bool json_text_blank(char *text, size_t size, size_t *open_comment);
/* 1-based line of a byte position. */
int json_text_line(const char *text, size_t position);
/* The last string that ends at or before position, without its quotes, escapes as written; "" when there is none. */
const char *json_text_last_string(const char *text, size_t position, size_t *size);
/* Where the key (or array element) of a path starts; NULL when there is none. text: valid plain JSON, NUL-terminated.
 */
const char *json_text_find(const char *text, const char *json_path);
