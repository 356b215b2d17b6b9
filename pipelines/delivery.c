/* SPDX-License-Identifier: Apache-2.0 */
/* rider.delivery.completed.v1: a finished order. */
#include "job.h"

static enum step_result step_tally_delivery(struct job *job)
{
	const struct rider_event *event = &job->event;
	struct slice jurisdiction = event->delivery.jurisdiction_id;
	effects_count(job->chunk->effects, event->rider_id, jurisdiction, COUNTER_DELIVERIES, 1);
	if (event->delivery.charity) {
		struct points_limits limits = ruleset_points_limits(job->ruleset);
		effects_count(job->chunk->effects, event->rider_id, jurisdiction, COUNTER_DELIVERIES_CHARITY, 1);
		effects_count(job->chunk->effects, event->rider_id, jurisdiction, COUNTER_SCORE, limits.charity_score);
	}
	return STEP_NEXT;
}

const struct step delivery_steps[] = {
	{ "check key", step_check_key },
	{ "drop duplicate", step_drop_duplicate },
	{ "heard", step_heard },
	{ "tally", step_tally_delivery },
	{ NULL, NULL },
};
