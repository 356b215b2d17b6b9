/* SPDX-License-Identifier: Apache-2.0 */
/* One event on its way through its steps. */
#pragma once
#include "pipeline.h"

struct job {
	const struct pipeline_settings *settings;
	const struct ruleset *ruleset;
	struct stream *stream;
	const struct input_record *record;
	struct chunk *chunk; /* where effects and records go */
	bool muted;
	struct rider_event event;
	uint64_t id; /* identity_event() of it */
	struct verdict verdict; /* report created: filled by the classify step */
};

/* A step looks at the job, adds to it or to the chunk, and says whether the event goes on. It never calls another step. */
enum step_result { STEP_NEXT, STEP_DONE };
typedef enum step_result step_f(struct job *job);

struct step {
	const char *name;
	step_f *run;
};

/* The step tables, one per event type, each ended by a row without a function. */
extern const struct step report_steps[];
extern const struct step review_steps[];
extern const struct step delivery_steps[];

/* Steps that every event type shares. */
step_f step_check_key, step_drop_duplicate, step_heard;
