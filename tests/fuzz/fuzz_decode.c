/* SPDX-License-Identifier: Apache-2.0 */
/* libFuzzer target: records from anywhere. Whatever is in them, decoding ends, keeps its promises, and agrees with an
 * independent reading of the same bytes. Input: lines "name:value" are headers, up to an empty line; the rest is the
 * value. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* The target is built from this one file and pipelines/. */
#include "../unit/decode_oracle.c"
#include "../unit/decode_compare.c"

#define HEADERS_MAX 8

/* Takes a header line off the front of rest; false when the headers have ended. */
static bool take_header(struct slice *rest, struct header *header)
{
	const char *end = memchr(rest->data, '\n', rest->size), *colon;
	struct slice line;

	if (!end)
		return false;
	line = (struct slice){ rest->data, (size_t)(end - rest->data) };
	colon = memchr(line.data, ':', line.size);
	if (line.size > 0 && !colon)
		return false;
	*rest = (struct slice){ end + 1, rest->size - line.size - 1 };
	if (line.size == 0)
		return false;
	header->name = (struct slice){ line.data, (size_t)(colon - line.data) };
	header->value = (struct slice){ colon + 1, line.size - header->name.size - 1 };
	return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice rest = { (const char *)data, size };
	struct header headers[HEADERS_MAX];
	struct input_record record = { .timestamp_ms = -1, .headers = headers };
	const char *problem;
	char *value;

	while (record.header_count < HEADERS_MAX && take_header(&rest, &headers[record.header_count]))
		record.header_count++;
	value = malloc(rest.size ? rest.size : 1); /* of just that size: the sanitizer sees every overrun */
	memcpy(value, rest.data, rest.size);
	record.value = (struct slice){ value, rest.size };
	problem = decode_disagreement(&record, 1 << 16);
	if (!problem)
		problem = decode_broken_promise(&record, 1 << 16);
	if (problem)
		fprintf(stderr, "%s\n", problem);
	MUST(!problem);
	free(value);
	return 0;
}
