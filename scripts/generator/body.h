/* SPDX-License-Identifier: Apache-2.0 */
/* The data fields of valid events. */
#pragma once
#include "event.h"
#include "phrases.h"
#include "random.h"
#include "riders.h"

#define JURISDICTION_COUNT 8
#define JURISDICTION_NONE JURISDICTION_COUNT

/* SOURCE_BARE: bare JSON that names no source; SOURCE_MIRROR sends reports that another source already sent. */
enum { SOURCE_BARE, SOURCE_APP, SOURCE_PARTNER, SOURCE_MIRROR, SOURCE_COUNT };

extern const char *const jurisdiction_codes[JURISDICTION_COUNT];
extern const char *const source_names[SOURCE_COUNT];

struct body {
	const struct phrases *phrases;
	const struct riders *riders;
	struct random *random;
	uint64_t first_id; /* id of event number 0 */
	bool complete;     /* members that may be left out are there */
	struct text data, words;
};

void body_free(struct body *body);
/* The CloudEvents id of event number. */
void body_append_id(const struct body *body, struct text *text, uint32_t number);
/* A rider's words around one sentence of the table. */
void body_append_words(struct body *body, struct text *text, const struct phrase *phrase);
/* Writes the data object's fields, without its braces, into body->data. May clear the facts' jurisdiction. */
void body_write_data(struct body *body, struct facts *facts);
