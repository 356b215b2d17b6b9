/* SPDX-License-Identifier: Apache-2.0 */
/* A decoded event. All slices point into the record's bytes or into the chunk's arena; all text is valid UTF-8 without
 * NUL. */
#pragma once
#include <stdint.h>
#include "slice.h"
#include "reasons.h"
#include "arena.h"
#include "input_record.h"

enum event_type { EVENT_REPORT_CREATED, EVENT_REPORT_REVIEWED, EVENT_DELIVERY_COMPLETED, EVENT_TYPE_COUNT };

enum crs { CRS_UNKNOWN, CRS_WGS84, CRS_GCJ02, CRS_BD09 };
enum decision { DECISION_UPHELD, DECISION_REJECTED, DECISION_DUPLICATE, DECISION_FRAUD, DECISION_COUNT };
/* As in events and in Redis: "upheld". */
const char *decision_name(enum decision decision);
enum service_code { SERVICE_NONE, SERVICE_FIRE, SERVICE_FOOD, SERVICE_EMERGENCY, SERVICE_OTHER };

enum dropped_field {
#define DROPPED_FIELD(symbol, name) DROPPED_##symbol,
#include "event_fields.def"
#undef DROPPED_FIELD
	DROPPED_FIELD_COUNT
};
const char *dropped_field_name(enum dropped_field field);

#define EVENT_TIME_NONE INT64_MIN
#define MEDIA_MAX 8  /* further media of a report are ignored */
#define LABELS_MAX 8 /* further labels of all media together are ignored */

struct media {
	struct slice url, sha256;
};

struct report {
	struct slice description; /* present, may be empty */
	enum service_code service_code;
	bool has_position; /* lat and long are in range and not 0,0 */
	double lat, lon;
	enum crs crs;
	struct slice jurisdiction_id; /* six digits, or absent */
	struct slice address_string;
	struct slice shop_id, community_id, grid_id, building;
	struct media media[MEDIA_MAX];
	size_t media_count;
	struct slice labels[LABELS_MAX]; /* photo labels over all media */
	size_t label_count;
};

struct review {
	struct slice report_id;
	enum decision decision;
};

struct delivery {
	struct slice order_id;
	bool charity;
	struct slice jurisdiction_id; /* six digits, or absent */
};

struct rider_event {
	enum event_type type;
	struct slice id;          /* present, not empty */
	struct slice source;      /* empty for bare JSON that names none */
	struct slice rider_id;    /* present, not empty; integers are written in decimal */
	struct slice traceparent; /* valid W3C form, or absent; the record's header counts in reports only */
	int64_t time_ms;          /* event time, EVENT_TIME_NONE when missing or dropped */
	uint32_t dropped;         /* bit set over enum dropped_field */
	union {                   /* only the member of its type is filled in */
		struct report report;
		struct review review;
		struct delivery delivery;
	};
};

/* Where and why a record could not be decoded. */
struct fault {
	enum reason reason;
	const char *field; /* dotted name of the field at fault ("data.rider_id"), static text, or NULL */
	size_t position;   /* byte offset in the value */
};

/* Reads one record: CloudEvents structured, CloudEvents binary, or bare JSON. max_bytes bounds the value.
 * Returns REASON_NONE and fills event, or the reason (also in fault) why it is not an event. Escaped strings are
 * unescaped into the arena. Pure: the same record always gives the same result. */
enum reason event_decode(const struct input_record *record, size_t max_bytes, struct arena *arena,
			 struct rider_event *event, struct fault *fault) __attribute__((warn_unused_result));
