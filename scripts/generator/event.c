/* SPDX-License-Identifier: Apache-2.0 */
#include "event.h"
#include <assert.h>

const char *const decision_names[DECISION_COUNT] = { "upheld", "rejected", "duplicate", "fraud" };
const char *const type_names[KIND_MALFORMED] = { "rider.report.created.v1", "rider.report.reviewed.v1",
						 "rider.delivery.completed.v1" };

void event_clear(struct event *event)
{
	event->facts = (struct facts){ 0 };
	event->has_key = event->has_value = true;
	event->header_count = 0;
	text_clear(&event->key);
	text_clear(&event->value);
	text_clear(&event->header_values);
}

void event_free(struct event *event)
{
	text_free(&event->key);
	text_free(&event->value);
	text_free(&event->header_values);
}

static void copy_text(struct text *to, const struct text *from)
{
	text_clear(to);
	text_append(to, from->data, from->size);
}

void event_copy(struct event *to, const struct event *from)
{
	to->facts = from->facts;
	to->has_key = from->has_key;
	to->has_value = from->has_value;
	to->header_count = from->header_count;
	for (size_t i = 0; i < from->header_count; i++)
		to->headers[i] = from->headers[i];
	copy_text(&to->key, &from->key);
	copy_text(&to->value, &from->value);
	copy_text(&to->header_values, &from->header_values);
}

void event_add_header(struct event *event, const char *name, const void *value, size_t size)
{
	assert(event->header_count < HEADERS_MAX);
	event->headers[event->header_count++] = (struct header_text){ name, event->header_values.size, size };
	text_append(&event->header_values, value, size);
}
