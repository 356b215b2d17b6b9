/* SPDX-License-Identifier: Apache-2.0 */
/* Records from anywhere. Whatever is in them, decoding ends, keeps its promises, and agrees with an independent reading
 * of the same bytes. Input: lines "name:value" are headers, up to an empty line; the rest is the value. */
#include <stdio.h>
#include "fuzz/fuzz_input.h"
#include "unit/decode_compare.h"

#define HEADERS_MAX 8
#define VALUE_MAX (1 << 16)

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

int FUZZ_FUNCTION(decode)(const uint8_t *data, size_t size)
{
	struct slice rest = { (const char *)data, size };
	struct header headers[HEADERS_MAX];
	struct input_record record = { .timestamp_ms = -1, .headers = headers };
	const char *problem;
	char *value;

	while (size > 0 && record.header_count < HEADERS_MAX && take_header(&rest, &headers[record.header_count]))
		record.header_count++;
	value = fuzz_copy(rest);
	record.value = (struct slice){ value, rest.size };
	problem = decode_disagreement(&record, VALUE_MAX);
	if (!problem)
		problem = decode_broken_promise(&record, VALUE_MAX);
	if (problem)
		fprintf(stderr, "%s\n", problem);
	MUST(!problem);
	free(value);
	return 0;
}
