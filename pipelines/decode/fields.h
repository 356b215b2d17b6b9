/* SPDX-License-Identifier: Apache-2.0 */
/* What one pass over a record's JSON keeps: the values of known names, and the media. */
#pragma once
#include "rider_event.h"
#include "decode/scan.h"

enum field {
#define FIELD(symbol, name, scope) FIELD_##symbol,
#include "decode/fields.def"
#undef FIELD
	FIELD_COUNT
};

/* Bit set of the objects in which a name counts. */
enum scope { SCOPE_ENVELOPE = 1, SCOPE_DATA = 2, SCOPE_SITE = 4, SCOPE_MEDIUM = 8 };

/* The field of that name in these scopes, or FIELD_COUNT. */
enum field field_find(struct slice name, unsigned scopes);

struct fields {
	uint64_t present; /* bit set over enum field: which values are filled in */
	size_t media_count, label_count;
	bool media_unusable; /* a part of media was not as documented and is left out */
	struct value values[FIELD_COUNT];
	struct media media[MEDIA_MAX];
	struct slice labels[LABELS_MAX];
};

void fields_init(struct fields *fields);
/* NULL when the field is missing or null. */
const struct value *fields_get(const struct fields *fields, enum field field);
/* A value that came from elsewhere, such as a header. */
void fields_set(struct fields *fields, enum field field, struct value value);
/* Is any of the names that count in scope there? */
bool fields_have(const struct fields *fields, enum scope scope);

struct document {
	struct fields top;  /* the members of the value itself */
	struct fields data; /* the members of its `data` */
	struct scan scan;
};

/* Reads text, which lies in the record's value, into document->top (and ->data), or, when it is the data of an event
 * whose envelope is elsewhere, into ->data alone. False: scan.reason and scan.position say why. */
MUST_CHECK bool document_read(struct document *document, const char *start, struct slice text, struct arena *arena);
MUST_CHECK bool document_read_data(struct document *document, const char *start, struct slice text,
				   struct arena *arena);
