/* SPDX-License-Identifier: Apache-2.0 */
/* rider.report.reviewed.v1: a human's or an agency's decision on an earlier report. */
#include "job.h"
#include "must.h"

const char *decision_name(enum decision decision)
{
	static const char *const names[DECISION_COUNT] = {
		[DECISION_UPHELD] = "upheld",
		[DECISION_REJECTED] = "rejected",
		[DECISION_DUPLICATE] = "duplicate",
		[DECISION_FRAUD] = "fraud",
	};
	MUST((unsigned)decision < DECISION_COUNT);
	return names[decision];
}

/* The report's state is in Redis; so is the arithmetic of changing one decision into another. */
static enum step_result step_review(struct job *job)
{
	const struct rider_event *event = &job->event;
	effects_review(job->chunk->effects, event->rider_id, identity_report(event->rider_id, event->review.report_id),
		       event->review.decision);
	return STEP_NEXT;
}

const struct step review_steps[] = {
	{ "check key", step_check_key },
	{ "drop duplicate", step_drop_duplicate },
	{ "heard", step_heard },
	{ "review", step_review },
	{ NULL, NULL },
};
