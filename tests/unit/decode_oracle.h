/* SPDX-License-Identifier: Apache-2.0 */
/* A second opinion on event_decode(): the same rules written again, slowly and plainly, over a jansson tree. */
#pragma once
#include <jansson.h>
#include "rider_event.h"

/* What the record should come to. Texts lie in the trees or in the arena. */
struct opinion {
	json_t *value, *attributes; /* owned trees */
	json_t *envelope, *data;
	bool cloudevent, known; /* known: false when jansson cannot tell */
	enum reason reason;
	const char *field;
	struct rider_event event;
	struct arena arena;
};

/* Overwrites opinion. The record's bytes must live as long as it. */
void opinion_form(struct opinion *opinion, const struct input_record *record);
void opinion_forget(struct opinion *opinion);
