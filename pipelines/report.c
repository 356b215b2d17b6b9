/* SPDX-License-Identifier: Apache-2.0 */
/* rider.report.created.v1: what happens to a report, from top to bottom of the table. */
#include "alert.h"
#include "job.h"

static const enum counter counter_by_category[CATEGORY_COUNT] = {
	[CATEGORY_EMERGENCY] = COUNTER_REPORTS_EMERGENCY,
	[CATEGORY_FIRE] = COUNTER_REPORTS_FIRE,
	[CATEGORY_FOOD] = COUNTER_REPORTS_FOOD,
	[CATEGORY_OTHER] = COUNTER_REPORTS_OTHER,
};

static enum step_result step_classify(struct job *job)
{
	ruleset_classify(job->ruleset, &job->event.report, &job->verdict);
	if (job->verdict.unsure)
		job->chunk->outcomes[OUTCOME_UNSURE]++;
	return STEP_NEXT;
}

static enum step_result step_tally_report(struct job *job)
{
	const struct rider_event *event = &job->event;
	enum counter by_category = counter_by_category[job->verdict.category];
	effects_count(job->chunk->effects, event->rider_id, event->report.jurisdiction_id, COUNTER_REPORTS, 1);
	effects_count(job->chunk->effects, event->rider_id, event->report.jurisdiction_id, by_category, 1);
	return STEP_NEXT;
}

/* What is granted is computed in Redis, where the day's caps are known. */
static enum step_result step_stake_points(struct job *job)
{
	const struct rider_event *event = &job->event;
	uint64_t report_key = identity_report(event->rider_id, event->id);
	effects_report(job->chunk->effects, event->rider_id, event->report.jurisdiction_id, report_key, job->verdict.category,
		       ruleset_points(job->ruleset, &job->verdict));
	return STEP_NEXT;
}

/* An alert for each category of the verdict that has somebody to tell. */
static enum step_result step_route_and_alert(struct job *job)
{
	if (job->muted)
		return STEP_NEXT;
	for (enum category category = 0; category < CATEGORY_OTHER; category++) {
		if (job->verdict.category == category || job->verdict.also >> category & 1)
			alert_add(job, category);
	}
	return STEP_NEXT;
}

const struct step report_steps[] = {
	{ "check key", step_check_key },
	{ "drop duplicate", step_drop_duplicate },
	{ "heard", step_heard },
	{ "classify", step_classify },
	{ "tally", step_tally_report },
	{ "stake points", step_stake_points },
	{ "route and alert", step_route_and_alert },
	{ NULL, NULL },
};
