/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/micro_events.h"
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include "alloc.h"
#include "must.h"

#define EVENT_BYTES_MAX (1 << 20)

static struct slice text_of(struct micro_events *events, const json_t *value)
{
	struct slice text = { json_string_value(value), json_string_length(value) };
	return arena_copy(&events->arena, text);
}

static void take_headers(struct micro_events *events, struct micro_event *event, const json_t *headers)
{
	size_t i;
	json_t *header;

	json_array_foreach(headers, i, header)
	{
		MUST(i < MICRO_HEADERS_MAX);
		event->headers[i].name = text_of(events, json_array_get(header, 0));
		event->headers[i].value = text_of(events, json_array_get(header, 1));
	}
	event->record.headers = event->headers;
	event->record.header_count = json_array_size(headers);
}

/* One line of the generator. */
static void take(struct micro_events *events, const json_t *line)
{
	struct micro_event *event = arena_zalloc(&events->arena, sizeof(*event));
	const char *topic = json_string_value(json_object_get(line, "topic"));
	struct fault fault;

	MUST(topic);
	event->record = (struct input_record){
		.input = strstr(topic, "deliveries") ? INPUT_DELIVERIES : INPUT_REPORTS,
		.partition = (int32_t)json_integer_value(json_object_get(line, "partition")),
		.offset = json_integer_value(json_object_get(line, "offset")),
		.timestamp_ms = json_integer_value(json_object_get(line, "timestamp")),
		.key = text_of(events, json_object_get(line, "key")),
		.value = text_of(events, json_object_get(line, "value")),
	};
	take_headers(events, event, json_object_get(line, "headers"));
	if (event_decode(&event->record, EVENT_BYTES_MAX, &events->arena, &event->event, &fault) == REASON_NONE)
		events->list[events->count++] = event;
}

static void fail(const char *what, const char *command)
{
	fprintf(stderr, "micro: %s: %s; make builds the generator\n", command, what);
	exit(70);
}

void micro_events_generate(struct micro_events *events, const char *generator, const char *options)
{
	char command[512], *line = NULL;
	size_t size = 0, capacity = 0;

	snprintf(command, sizeof(command), "%s --quiet %s", generator, options);
	FILE *pipe = popen(command, "re");
	if (!pipe)
		fail("cannot be run", command);
	*events = (struct micro_events){ 0 };
	arena_init(&events->arena);
	while (getline(&line, &size, pipe) > 0) {
		json_t *json = json_loads(line, 0, NULL);
		if (events->count == capacity) {
			capacity = capacity ? 2 * capacity : 1024;
			events->list = alloc_resize(events->list, capacity * sizeof(*events->list));
		}
		take(events, json);
		json_decref(json);
	}
	free(line);
	if (pclose(pipe) != 0 || events->count == 0)
		fail("ended with an error", command);
}

struct micro_events micro_events_select(struct micro_events *all, bool (*wanted)(const struct micro_event *event),
					size_t most)
{
	struct micro_events some = { .list = arena_alloc(&all->arena, most * sizeof(*some.list)) };

	for (size_t i = 0; i < all->count && some.count < most; i++) {
		if (wanted(all->list[i]))
			some.list[some.count++] = all->list[i];
	}
	return some;
}
