/* SPDX-License-Identifier: Apache-2.0 */
/* The stream of events: which comes next, whose it is, and what repeats what. */
#pragma once
#include "malformed.h"

#define REPORTS_REMEMBERED 4096 /* earlier reports that a review may be about */
#define EVENTS_REMEMBERED 256   /* earlier events that may come again */

struct source_settings {
	uint64_t seed;
	uint64_t first_id;
	uint64_t complete; /* 1: every delivery says whether it was for charity, every report where it is */
	uint32_t riders;
	uint32_t partitions;
	/* in millionths: */
	uint32_t deliveries; /* of all events */
	uint32_t repeats;
	uint32_t malformed;
	uint32_t reviews;    /* of what is not a delivery */
	uint32_t structured; /* of valid events; of the rest five parts are binary, three bare */
};

struct past_report {
	uint32_t number, rider;
	uint8_t decision; /* DECISION_COUNT: not reviewed */
	bool twin;        /* was sent again by another source */
};

struct source {
	struct source_settings settings;
	struct random random;
	struct phrases phrases;
	struct riders riders;
	struct body body;
	uint32_t next_number;
	uint32_t hazards, *hazard_rows; /* phrases that are not "other", and those that are */
	uint32_t chats, *chat_rows;
	struct past_report reports[REPORTS_REMEMBERED];
	uint32_t report_count;
	struct event past[EVENTS_REMEMBERED];
	uint32_t past_count;
	struct event fresh;
};

struct source *source_new(const struct source_settings *settings);
void source_free(struct source **source);
/* The next event; valid until the next call. */
const struct event *source_next(struct source *source);
