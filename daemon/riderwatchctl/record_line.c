/* SPDX-License-Identifier: Apache-2.0 */
#include "record_line.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

bool record_line_open(struct record_line *lines, const struct command_line *line, const struct config *config,
		      const char *path, int64_t time_ms)
{
	*lines = (struct record_line){ .config = config, .time_ms = time_ms };
	lines->file = strcmp(path, "-") == 0 ? stdin : fopen(path, "re");
	if (!lines->file)
		command_fail(line, EX_NOINPUT, "%s: %s", path, strerror(errno));
	return lines->file != NULL;
}

void record_line_close(struct record_line *lines)
{
	json_decref(lines->json);
	free(lines->buffer);
	if (lines->file && lines->file != stdin)
		fclose(lines->file);
	*lines = (struct record_line){ 0 };
}

static struct slice text_of(const json_t *value)
{
	return (struct slice){ json_string_value(value), json_string_length(value) };
}

static bool is_whole_record(const json_t *object)
{
	return json_is_object(object) && json_is_string(json_object_get(object, "topic")) &&
	       json_is_integer(json_object_get(object, "partition")) &&
	       json_is_integer(json_object_get(object, "offset")) && json_object_get(object, "payload");
}

/* kcat writes them as one list: name, value, name, value. */
static void read_headers(struct record_line *lines, const json_t *list)
{
	size_t count = json_array_size(list) / 2;

	if (count > RECORD_LINE_HEADERS_MAX)
		count = RECORD_LINE_HEADERS_MAX;
	for (size_t i = 0; i < count; i++)
		lines->headers[i] = (struct header){ text_of(json_array_get(list, 2 * i)),
						     text_of(json_array_get(list, 2 * i + 1)) };
	lines->record.headers = lines->headers;
	lines->record.header_count = count;
}

static void read_whole(struct record_line *lines)
{
	const json_t *json = lines->json, *time = json_object_get(json, "ts");
	const char *topic = json_string_value(json_object_get(json, "topic"));

	lines->whole = true;
	lines->record = (struct input_record){
		.input = strcmp(topic, lines->config->topics_deliveries) == 0 ? INPUT_DELIVERIES : INPUT_REPORTS,
		.partition = (int32_t)json_integer_value(json_object_get(json, "partition")),
		.offset = json_integer_value(json_object_get(json, "offset")),
		.timestamp_ms = json_is_integer(time) ? json_integer_value(time) : lines->time_ms,
		.key = text_of(json_object_get(json, "key")),
		.value = text_of(json_object_get(json, "payload")),
	};
	read_headers(lines, json_object_get(json, "headers"));
}

static void read_line(struct record_line *lines, size_t size)
{
	json_decref(lines->json);
	lines->json = json_loadb(lines->buffer, size, JSON_ALLOW_NUL, NULL);
	if (is_whole_record(lines->json)) {
		read_whole(lines);
		return;
	}
	lines->whole = false;
	lines->record = (struct input_record){ .offset = lines->number - 1,
					       .timestamp_ms = lines->time_ms,
					       .value = { lines->buffer, size } };
}

bool record_line_next(struct record_line *lines)
{
	ssize_t size;

	while ((size = getline(&lines->buffer, &lines->room, lines->file)) > 0) {
		lines->number++;
		while (size > 0 && strchr("\r\n", lines->buffer[size - 1]))
			size--;
		if (size == 0)
			continue;
		read_line(lines, (size_t)size);
		return true;
	}
	return false;
}
