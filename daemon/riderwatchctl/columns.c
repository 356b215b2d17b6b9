/* SPDX-License-Identifier: Apache-2.0 */
#include "columns.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include "alloc.h"
#include "must.h"

struct columns {
	const char *const *headers;
	size_t count; /* columns */
	char **cells; /* row after row */
	bool *is_number;
	size_t cell_count, room;
};

/* ---- text ---- */

/* Decodes one character; returns its bytes, 0 for what is not UTF-8. */
static size_t decode(const char *text, uint32_t *character)
{
	const unsigned char *at = (const unsigned char *)text;
	size_t size = at[0] < 0x80 ? 1 : at[0] >> 5 == 6 ? 2 : at[0] >> 4 == 14 ? 3 : at[0] >> 3 == 30 ? 4 : 0;
	if (size == 0)
		return 0;
	*character = size == 1 ? at[0] : at[0] & (0x7fu >> size);
	for (size_t i = 1; i < size; i++) {
		if (at[i] >> 6 != 2)
			return 0;
		*character = *character << 6 | (at[i] & 0x3f);
	}
	return size;
}

/* The ranges that terminals draw over two columns (East Asian wide and full width), as far as riders write them. */
static size_t width_of(uint32_t c)
{
	static const uint32_t wide[][2] = {
		{ 0x1100, 0x115f },   { 0x2e80, 0x303e },   { 0x3041, 0xa4cf },   { 0xac00, 0xd7a3 },
		{ 0xf900, 0xfaff },   { 0xfe30, 0xfe6f },   { 0xff00, 0xff60 },   { 0xffe0, 0xffe6 },
		{ 0x1f300, 0x1f64f }, { 0x1f680, 0x1f6ff }, { 0x1f900, 0x1f9ff }, { 0x20000, 0x3fffd },
	};
	if ((c >= 0x300 && c <= 0x36f) || c == 0x200b || c == 0x200d || (c >= 0xfe00 && c <= 0xfe0f))
		return 0;
	for (size_t i = 0; i < sizeof(wide) / sizeof(*wide); i++)
		if (c >= wide[i][0] && c <= wide[i][1])
			return 2;
	return 1;
}

static bool is_control(uint32_t c)
{
	return c < 0x20 || (c >= 0x7f && c < 0xa0) || (c >= 0x202a && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069);
}

size_t text_width(const char *text)
{
	size_t width = 0, size;
	for (uint32_t c; *text; text += size) {
		size = decode(text, &c);
		width += size ? width_of(c) : 1;
		size = size ? size : 1;
	}
	return width;
}

static char *clean_copy(const char *text)
{
	char *copy = alloc_text(text), *out = copy;
	size_t size;
	for (uint32_t c; *text; text += size) {
		size = decode(text, &c);
		if (size == 0 || is_control(c)) {
			size = size ? size : 1;
			*out++ = '?';
		} else {
			memcpy(out, text, size);
			out += size;
		}
	}
	*out = '\0';
	return copy;
}

/* Where the first so many columns of the text end. */
static size_t prefix_size(const char *text, size_t columns)
{
	size_t size = 0, used = 0, next;
	for (uint32_t c; text[size]; size += next) {
		next = decode(text + size, &c);
		used += next ? width_of(c) : 1;
		if (used > columns)
			break;
		next = next ? next : 1;
	}
	return size;
}

char *text_cut(const char *text, size_t columns)
{
	char *copy = clean_copy(text);
	if (text_width(copy) > columns) {
		size_t size = prefix_size(copy, columns > 2 ? columns - 2 : 0);
		copy = alloc_resize(copy, size + 3);
		strcpy(copy + size, columns > 2 ? ".." : "");
	}
	return copy;
}

char *text_fit(const char *text, size_t columns)
{
	char *copy = text_cut(text, columns);
	size_t size = strlen(copy), missing = columns - text_width(copy);
	copy = alloc_resize(copy, size + missing + 1);
	memset(copy + size, ' ', missing);
	copy[size + missing] = '\0';
	return copy;
}

const char *text_number(int64_t number, char text[32])
{
	char digits[24], *out = text;
	int size = snprintf(digits, sizeof(digits), "%lld", (long long)number);
	for (int i = 0; i < size; i++) {
		*out++ = digits[i];
		int left = size - 1 - i;
		if (left && left % 3 == 0 && digits[i] != '-')
			*out++ = ',';
	}
	*out = '\0';
	return text;
}

/* ---- cells ---- */

struct columns *columns_new(const char *const *headers)
{
	struct columns *columns = alloc_zeroed(1, sizeof(*columns));
	columns->headers = headers;
	while (headers[columns->count])
		columns->count++;
	MUST(columns->count);
	return columns;
}

void columns_free(struct columns **columns)
{
	if (!*columns)
		return;
	for (size_t i = 0; i < (*columns)->cell_count; i++)
		free((*columns)->cells[i]);
	free((*columns)->cells);
	free((*columns)->is_number);
	free(*columns);
	*columns = NULL;
}

static void add(struct columns *columns, char *text, bool is_number)
{
	if (columns->cell_count == columns->room) {
		columns->room = columns->room ? 2 * columns->room : 64;
		columns->cells = alloc_resize(columns->cells, columns->room * sizeof(*columns->cells));
		columns->is_number = alloc_resize(columns->is_number, columns->room * sizeof(*columns->is_number));
	}
	columns->is_number[columns->cell_count] = is_number;
	columns->cells[columns->cell_count++] = text;
}

void columns_text(struct columns *columns, const char *text)
{
	add(columns, clean_copy(text), false);
}

void columns_format(struct columns *columns, const char *format, ...)
{
	va_list arguments;
	char *text;
	va_start(arguments, format);
	MUST(vasprintf(&text, format, arguments) >= 0);
	va_end(arguments);
	columns_text(columns, text);
	free(text);
}

void columns_number(struct columns *columns, int64_t number)
{
	char text[32];
	add(columns, alloc_text(text_number(number, text)), true);
}

/* ---- printing ---- */

/* Width of a column, and whether numbers stand in it. */
static size_t measure(const struct columns *columns, size_t column, bool *numbers)
{
	size_t width = text_width(columns->headers[column]);
	*numbers = false;
	for (size_t i = column; i < columns->cell_count; i += columns->count) {
		size_t cell = text_width(columns->cells[i]);
		width = cell > width ? cell : width;
		*numbers |= columns->is_number[i];
	}
	return width;
}

static void print_cell(FILE *out, const char *text, size_t width, bool right, bool last)
{
	size_t space = width - text_width(text);
	fprintf(out, "%*s%s", right ? (int)space : 0, "", text);
	if (!last)
		fprintf(out, "%*s", (right ? 0 : (int)space) + 2, "");
}

void columns_print(const struct columns *columns, FILE *out)
{
	size_t *widths = alloc_zeroed(columns->count, sizeof(*widths));
	bool *right = alloc_zeroed(columns->count, sizeof(*right));
	for (size_t c = 0; c < columns->count; c++)
		widths[c] = measure(columns, c, &right[c]);
	for (size_t row = 0; row <= columns->cell_count / columns->count; row++) {
		for (size_t c = 0; c < columns->count; c++) {
			const char *text = row ? columns->cells[(row - 1) * columns->count + c] : columns->headers[c];
			print_cell(out, text, widths[c], right[c], c + 1 == columns->count);
		}
		fputc('\n', out);
	}
	free(widths);
	free(right);
}
