/* SPDX-License-Identifier: Apache-2.0 */
/* The alert topics as cards: a thread of its own reads them, read_committed and without a group, from some hours back.
 */
#pragma once
#include <event2/event.h>
#include "card.h"
#include "config.h"

struct feed;

struct feed_callbacks {
	void (*on_card)(void *context, struct card *card); /* takes the card over */
	void (*on_turn)(void *context);                    /* after the last card of a turn */
};

/* As of now; numbers since the start. */
struct feed_state {
	bool connected;            /* all topics are being read */
	bool caught_up;            /* every partition was read to its end once */
	int32_t input_partitions;  /* of topics.reports; 0: not known yet */
	int64_t records, refused;  /* refused: no alerts */
	int64_t dead_letters_hour; /* written in the last hour */
};

struct feed *feed_new(struct event_base *base, const struct config *config, const struct feed_callbacks *callbacks,
		      void *context);
/* Waits for the thread. NULL is accepted. */
void feed_free(struct feed **feed);
void feed_state(struct feed *feed, struct feed_state *state);
