/* SPDX-License-Identifier: Apache-2.0 */
#include "reply_text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static const char *element_end(const char *at)
{
	int depth = 0;

	do {
		if (*at == '\'')
			at = strchr(at + 1, '\'');
		depth += *at == '[';
		depth -= *at == ']';
		at++;
	} while (depth > 0 || (*at && *at != ' ' && *at != ']'));
	return at;
}

static const char *write_element(FILE *out, const char *at)
{
	const char *end = element_end(at);
	int count = 0;

	if (*at == '[') {
		for (const char *inner = at + 1; *inner != ']'; inner += *inner == ' ', count++)
			inner = element_end(inner);
		fprintf(out, "*%d\r\n", count);
		for (const char *inner = at + 1; *inner != ']'; inner += *inner == ' ')
			inner = write_element(out, inner);
	} else if (*at == '\'') {
		fprintf(out, "$%d\r\n%.*s\r\n", (int)(end - at - 2), (int)(end - at - 2), at + 1);
	} else if (*at == '!') {
		bool quoted = at[1] == '\'';
		fprintf(out, "-%.*s\r\n", (int)(end - at - (quoted ? 3 : 1)), at + (quoted ? 2 : 1));
	} else if (*at == 'n') {
		fputs("$-1\r\n", out);
	} else {
		fprintf(out, ":%.*s\r\n", (int)(end - at), at);
	}
	return end;
}

redisReply *reply_of(const char *text)
{
	char *bytes;
	size_t size;
	FILE *out = open_memstream(&bytes, &size);
	redisReader *reader = redisReaderCreate();
	void *reply = NULL;

	write_element(out, text);
	fclose(out);
	redisReaderFeed(reader, bytes, size);
	if (redisReaderGetReply(reader, &reply) != REDIS_OK || !reply)
		fail_msg("%s is no reply: %s", text, reader->errstr);
	redisReaderFree(reader);
	free(bytes);
	return reply;
}
