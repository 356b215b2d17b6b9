/* SPDX-License-Identifier: Apache-2.0 */
/* From the values of a document to the members of an event: which fields there must be, of what type, and what an
 * unusable one leads to. */
#pragma once
#include "decode/fields.h"

/* Where an event's values are. */
struct event_source {
	const struct fields *envelope, *data;
	bool source_required;              /* CloudEvents */
	const struct input_record *record; /* whose header `traceparent` counts */
	struct arena *arena;
};

/* Writes why the record is refused and returns the reason. */
enum reason fault_set(struct fault *fault, enum reason reason, const char *field, size_t position);
/* event->type from the envelope. */
MUST_CHECK enum reason rules_read_type(const struct fields *envelope, struct rider_event *event, struct fault *fault);
/* id, source, time, traceparent. */
MUST_CHECK enum reason rules_read_envelope(const struct event_source *from, struct rider_event *event,
					   struct fault *fault);
/* The data of an event of event->type. */
MUST_CHECK enum reason rules_read_data(const struct event_source *from, struct rider_event *event, struct fault *fault);
