/* SPDX-License-Identifier: Apache-2.0 */
/* Events of the generator, as records read from Kafka and as decoded. */
#pragma once
#include "rider_event.h"

#define MICRO_HEADERS_MAX 12

struct micro_event {
	struct input_record record;
	struct header headers[MICRO_HEADERS_MAX];
	struct rider_event event; /* borrows from the record and the arena */
};

struct micro_events {
	struct micro_event **list;
	size_t count;
	struct arena arena; /* owns all */
};

/* Runs the generator with these options and keeps what it prints. Says what is wrong and ends the program when it
 * cannot. */
void micro_events_generate(struct micro_events *events, const char *generator, const char *options);
/* Those that are wanted, at most so many. Borrowed from all, whose arena holds the list. */
struct micro_events micro_events_select(struct micro_events *all, bool (*wanted)(const struct micro_event *event),
					size_t most);
