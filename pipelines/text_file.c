/* SPDX-License-Identifier: Apache-2.0 */
#include "text_file.h"
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include "alloc.h"
#include "json_file_text.h"

enum { FILE_MAX_BYTES = 16 << 20 };

static char *read_bytes(const char *path, size_t *size, struct problems *problems)
{
	FILE *stream = fopen(path, "rbe");
	if (!stream) {
		problems_add(problems, "%s: cannot be opened: %s; check the path and its permissions", path,
			     strerror(errno));
		return NULL;
	}
	struct stat status;
	bool sized = fstat(fileno(stream), &status) == 0 && status.st_size > 0 && status.st_size <= FILE_MAX_BYTES;
	char *text = NULL;
	size_t capacity = sized ? (size_t)status.st_size + 1 : 32768, used = 0;
	for (;; capacity *= 2) {
		text = alloc_resize(text, capacity + 1);
		used += fread(text + used, 1, capacity - used, stream);
		if (used < capacity || capacity > FILE_MAX_BYTES)
			break;
	}
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

/* Eight bytes of ASCII without a NUL, as most are: no byte's highest bit is set, neither before nor after one is taken
 * from each. */
static bool eight_plain(const char *text)
{
	uint64_t bytes;

	memcpy(&bytes, text, sizeof(bytes));
	return ((bytes | (bytes - 0x0101010101010101u)) & 0x8080808080808080u) == 0;
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
		if (size - i >= 8 && eight_plain(text + i)) {
			i += 8;
			continue;
		}
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

char *text_file_read(const char *path, size_t *size, struct problems *problems)
{
	char *text = read_bytes(path, size, problems);

	if (text && !check_bytes(path, text, *size, problems)) {
		free(text);
		return NULL;
	}
	return text;
}
