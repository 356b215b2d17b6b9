/* SPDX-License-Identifier: Apache-2.0 */
/* Tables for people: words to the left, numbers to the right; Chinese characters take two columns. */
#pragma once
#include <stdint.h>
#include <stdio.h>

struct columns;

/* headers: NULL-terminated; kept by pointer. */
struct columns *columns_new(const char *const *headers);
void columns_free(struct columns **columns);
/* Cells of the current row, from left to right; the row ends by itself when it is full. Texts are copied; what a
 * terminal would obey (control bytes, bad UTF-8) is shown as '?'. */
void columns_text(struct columns *columns, const char *text);
void columns_format(struct columns *columns, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* With a thin separator: 1,234,567. */
void columns_number(struct columns *columns, int64_t number);
void columns_print(const struct columns *columns, FILE *out);

/* Columns on a terminal that the UTF-8 text takes. */
size_t text_width(const char *text);
/* A copy of at most so many columns, with ".." where something was left out; what a terminal would obey is shown as
 * '?'. text_fit also fills up with blanks to exactly that many. The caller frees it. */
char *text_cut(const char *text, size_t columns);
char *text_fit(const char *text, size_t columns);
/* Writes 1,234,567. */
const char *text_number(int64_t number, char text[32]);
