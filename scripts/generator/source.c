/* SPDX-License-Identifier: Apache-2.0 */
#include "source.h"
#include <stdlib.h>

#define MILLION 1000000

/* In millionths. */
#define CHAT_OF_REPORTS 200000    /* harmless sentences */
#define AGAIN_OF_REVIEWS 150000   /* prefer a report that was reviewed before */
#define UNKNOWN_OF_REVIEWS 30000  /* of a report that nobody sent */
#define STRANGERS_OF_REVIEWS 5000 /* in the name of another rider */
#define TWINS_OF_REPORTS 3000     /* same rider and id as an earlier report, from another source */
#define CHARITY 50000
#define WRONG_KEYS 200 /* key missing, or not the rider's id */

static void sort_phrases(struct source *source)
{
	const struct phrases *phrases = &source->phrases;

	source->hazard_rows = calloc(phrases->count, sizeof(*source->hazard_rows));
	source->chat_rows = calloc(phrases->count, sizeof(*source->chat_rows));
	if (!source->hazard_rows || !source->chat_rows)
		abort();
	for (uint32_t i = 0; i < phrases->count; i++)
		if (phrases->phrases[i].category == CATEGORY_OTHER)
			source->chat_rows[source->chats++] = i;
		else
			source->hazard_rows[source->hazards++] = i;
}

struct source *source_new(const struct source_settings *settings)
{
	struct source *source = calloc(1, sizeof(*source));

	if (!source)
		abort();
	source->settings = *settings;
	source->random.state = settings->seed * 0x2545f4914f6cdd1du + settings->first_id;
	phrases_load(&source->phrases);
	riders_init(&source->riders, settings->riders, settings->partitions);
	sort_phrases(source);
	source->body = (struct body){
		.phrases = &source->phrases,
		.riders = &source->riders,
		.random = &source->random,
		.first_id = settings->first_id,
		.complete = settings->complete != 0,
	};
	return source;
}

void source_free(struct source **source)
{
	struct source *old = *source;

	*source = NULL;
	if (!old)
		return;
	riders_fini(&old->riders);
	body_free(&old->body);
	for (uint32_t i = 0; i < EVENTS_REMEMBERED; i++)
		event_free(&old->past[i]);
	event_free(&old->fresh);
	free(old->hazard_rows);
	free(old->chat_rows);
	free(old);
}

static enum shape pick_shape(struct source *source)
{
	uint32_t part = random_below(&source->random, MILLION), structured = source->settings.structured;

	if (part < structured)
		return SHAPE_STRUCTURED;
	return part < structured + (MILLION - structured) / 8 * 5 ? SHAPE_BINARY : SHAPE_BARE;
}

static uint8_t pick_source(struct random *random, enum shape shape)
{
	if (shape == SHAPE_BARE && random_below(random, 2))
		return SOURCE_BARE;
	return random_below(random, 10) ? SOURCE_APP : SOURCE_PARTNER;
}

static void remember_report(struct source *source, const struct facts *facts)
{
	uint32_t at = source->report_count < REPORTS_REMEMBERED ? source->report_count++
								: random_below(&source->random, REPORTS_REMEMBERED);

	source->reports[at] = (struct past_report){ facts->number, facts->rider, DECISION_COUNT, false };
}

/* The key is the rider's id, but for a few records whose partition then follows from another key, or from none. */
static void set_key(struct source *source, struct event *event)
{
	const struct rider *rider = &source->riders.riders[event->facts.rider];
	uint32_t partitions = source->settings.partitions;

	event->facts.partition = rider->partition;
	if (!random_chance(&source->random, WRONG_KEYS)) {
		text_append(&event->key, rider->id.data, rider->id.size);
		return;
	}
	if (random_below(&source->random, 2)) {
		event->has_key = false;
		event->facts.partition = (int32_t)random_below(&source->random, partitions);
		return;
	}
	TEXT_LITERAL(&event->key, "order-");
	text_append_number(&event->key, random_below(&source->random, 1000000));
	event->facts.partition = partition_of((struct piece){ event->key.data, event->key.size }, partitions);
}

/* The same id and rider as an earlier report, but from another source: another event, the same report. Once a report.
 */
static bool plan_twin(struct source *source, struct facts *facts)
{
	struct past_report *past;

	if (source->report_count < 100 || !random_chance(&source->random, TWINS_OF_REPORTS))
		return false;
	past = &source->reports[random_below(&source->random, source->report_count)];
	if (past->twin)
		return false;
	past->twin = true;
	facts->report = past->number;
	facts->rider = past->rider;
	facts->source = SOURCE_MIRROR;
	return true;
}

static void plan_report(struct source *source, struct facts *facts)
{
	struct random *random = &source->random;

	facts->kind = KIND_REPORT;
	facts->report = facts->number;
	if (random_chance(random, CHAT_OF_REPORTS))
		facts->phrase = (uint16_t)source->chat_rows[random_below(random, source->chats)];
	else
		facts->phrase = (uint16_t)source->hazard_rows[random_below(random, source->hazards)];
}

static struct past_report *pick_past(struct source *source)
{
	struct past_report *past = &source->reports[random_below(&source->random, source->report_count)];

	if (!random_chance(&source->random, AGAIN_OF_REVIEWS))
		return past;
	for (int tries = 0; tries < 32 && past->decision == DECISION_COUNT; tries++)
		past = &source->reports[random_below(&source->random, source->report_count)];
	return past;
}

static void plan_review(struct source *source, struct facts *facts)
{
	struct random *random = &source->random;
	struct past_report *past;

	facts->kind = KIND_REVIEW;
	facts->report = NO_EVENT;
	facts->decision =
		(uint8_t)(random_below(random, 10) < 6 ? DECISION_UPHELD : random_below(random, DECISION_COUNT));
	if (!source->report_count || random_chance(random, UNKNOWN_OF_REVIEWS))
		return;
	past = pick_past(source);
	facts->report = past->number;
	facts->rider = past->rider;
	if (past->decision != DECISION_COUNT && random_below(random, 10))
		facts->decision =
			(uint8_t)((past->decision + 1 + random_below(random, DECISION_COUNT - 1)) % DECISION_COUNT);
	past->decision = facts->decision;
}

static void plan_delivery(struct source *source, struct facts *facts)
{
	facts->kind = KIND_DELIVERY;
	facts->topic = TOPIC_DELIVERIES;
	facts->charity = random_chance(&source->random, CHARITY);
}

static void plan(struct source *source, struct facts *facts)
{
	struct random *random = &source->random;

	facts->number = source->next_number;
	facts->rider = riders_pick(&source->riders, random);
	facts->jurisdiction = (uint8_t)random_below(random, JURISDICTION_COUNT);
	facts->topic = TOPIC_REPORTS;
	if (random_chance(random, source->settings.deliveries))
		plan_delivery(source, facts);
	else if (random_chance(random, source->settings.reviews))
		plan_review(source, facts);
	else
		plan_report(source, facts);
}

static const struct event *repeat(struct source *source)
{
	return &source->past[random_below(&source->random, source->past_count)];
}

/* Every 16th valid event may come again later. */
static void remember(struct source *source, const struct event *event)
{
	uint32_t at;

	if (random_below(&source->random, 16))
		return;
	at = source->past_count < EVENTS_REMEMBERED ? source->past_count++
						    : random_below(&source->random, EVENTS_REMEMBERED);
	event_copy(&source->past[at], event);
}

static const struct event *make_malformed(struct source *source, struct event *event)
{
	const struct rider *riders = source->riders.riders;

	while (riders[event->facts.rider].id.data[0] != 'r' || riders[event->facts.rider].id.size != 8)
		event->facts.rider = riders_pick(&source->riders, &source->random);
	event->facts.source = SOURCE_APP;
	set_key(source, event);
	malformed_write(&source->body, event);
	return event;
}

static const struct event *make_valid(struct source *source, struct event *event)
{
	enum shape shape = pick_shape(source);
	struct facts *facts = &event->facts;
	bool stranger = facts->kind == KIND_REVIEW && random_chance(&source->random, STRANGERS_OF_REVIEWS);

	facts->source = pick_source(&source->random, shape);
	if (facts->kind == KIND_REPORT && !plan_twin(source, facts))
		remember_report(source, facts);
	if (stranger)
		facts->rider = riders_pick(&source->riders, &source->random);
	set_key(source, event);
	shape_write(&source->body, event, shape);
	remember(source, event);
	return event;
}

const struct event *source_next(struct source *source)
{
	struct event *event = &source->fresh;
	bool again = source->past_count && random_chance(&source->random, source->settings.repeats);

	if (again) {
		source->next_number++;
		return repeat(source);
	}
	event_clear(event);
	plan(source, &event->facts);
	source->next_number++;
	if (random_chance(&source->random, source->settings.malformed))
		return make_malformed(source, event);
	return make_valid(source, event);
}
