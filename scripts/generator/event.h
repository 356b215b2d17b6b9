/* SPDX-License-Identifier: Apache-2.0 */
/* One record to send, and the facts that the expected result follows from. */
#pragma once
#include <stdbool.h>
#include "text.h"

enum topic { TOPIC_REPORTS, TOPIC_DELIVERIES, TOPIC_COUNT };
enum kind { KIND_REPORT, KIND_REVIEW, KIND_DELIVERY, KIND_MALFORMED };
enum shape { SHAPE_STRUCTURED, SHAPE_BINARY, SHAPE_BARE, SHAPE_COUNT };
enum decision { DECISION_UPHELD, DECISION_REJECTED, DECISION_DUPLICATE, DECISION_FRAUD, DECISION_COUNT };

extern const char *const decision_names[DECISION_COUNT];
extern const char *const type_names[KIND_MALFORMED]; /* event types by kind */

#define NO_EVENT UINT32_MAX
#define HEADERS_MAX 12

/* What an event means. Events of one run are numbered from 0; repeats carry the facts of the first. */
struct facts {
	uint32_t number; /* of the first event with this source and id */
	uint32_t report; /* report, review: number of the first report with that rider and id; NO_EVENT: unknown */
	uint32_t rider;
	int32_t partition;
	uint16_t phrase;      /* report */
	uint8_t kind;         /* enum kind */
	uint8_t topic;        /* enum topic */
	uint8_t source;       /* index into source_names */
	uint8_t jurisdiction; /* index into jurisdiction_codes; JURISDICTION_NONE: none that counts */
	uint8_t decision;     /* review */
	uint8_t charity;      /* delivery */
	const char *reason;   /* malformed: why; NULL otherwise */
	bool dead_letter;     /* malformed: false for a tombstone, which is passed over */
};

struct header_text {
	const char *name;  /* static text */
	size_t from, size; /* of the value in header_values */
};

struct event {
	struct facts facts;
	bool has_key, has_value;
	struct text key, value;
	struct header_text headers[HEADERS_MAX];
	size_t header_count;
	struct text header_values;
};

void event_clear(struct event *event);
void event_free(struct event *event);
void event_copy(struct event *to, const struct event *from);
void event_add_header(struct event *event, const char *name, const void *value, size_t size);
