/* SPDX-License-Identifier: Apache-2.0 */
/* Questions to Redis and Kafka: a worker's thread asks, the loop answers the browser. */
#include "api.h"
#include "board.h"
#include "listing.h"
#include "pseudonym.h"

#include <stdlib.h>
#include <string.h>
#include "alloc.h"
#include "arena.h"
#include "effects.h"

#define DAYS_MAX 31
#define TOP_MAX 500
#define RECENT_MAX 20
#define ID_SIZE 1024

/* One request that waits for its answer. */
struct lookup {
	struct job job;
	struct board *board;
	struct evhttp_request *request;
	bool reveal; /* board.show_riders */
	/* What is asked for; each kind uses its own. */
	char rider[ID_SIZE], reporter[PSEUDONYM_SIZE], topic[256], month[8];
	int32_t partitions, partition;
	int64_t offset;
	int number;
	/* What came of it: json, or code and error. */
	json_t *json;
	int code;
	char error[512];
};

static void fail(struct lookup *lookup, int code, const char *text)
{
	lookup->code = code;
	snprintf(lookup->error, sizeof lookup->error, "%s", text);
}

/* ---- on the workers' threads ---- */

static void ask_totals(struct job *job)
{
	struct lookup *lookup = (struct lookup *)job;
	struct redis_reads *reads = lookup->board->redis_reads;
	lookup->json = redis_reads_totals(reads, lookup->partitions, lookup->number);
	if (!lookup->json)
		fail(lookup, 502, redis_reads_error(reads));
}

/* The name a rider goes by: the pseudonym, and the id where it may be shown. Very long ids are hashes in Redis, which
 * tell neither. */
static void name_rider(const struct lookup *lookup, json_t *row)
{
	struct arena arena;
	char pseudonym[PSEUDONYM_SIZE] = "";
	arena_init(&arena);
	struct slice id = rider_id_of_key(slice_of(json_string_value(json_object_get(row, "key"))), &arena);
	if (id.data)
		pseudonym_of(lookup->board->config, id.data, pseudonym);
	json_object_set_new(row, "reporter_ref", json_string(pseudonym));
	json_t *name = id.data && lookup->reveal ? json_stringn(id.data, id.size) : NULL;
	if (name)
		json_object_set_new(row, "rider", name);
	if (!lookup->reveal)
		json_object_del(row, "key");
	arena_fini(&arena);
}

static void name_riders(const struct lookup *lookup, json_t *top)
{
	size_t i;
	json_t *row;
	json_array_foreach(json_object_get(top, "riders"), i, row) name_rider(lookup, row);
}

static void ask_top(struct job *job)
{
	struct lookup *lookup = (struct lookup *)job;
	struct redis_reads *reads = lookup->board->redis_reads;
	lookup->json = redis_reads_top(reads, lookup->month, lookup->number);
	if (lookup->json)
		name_riders(lookup, lookup->json);
	else
		fail(lookup, 502, redis_reads_error(reads));
}

static void ask_rider(struct job *job)
{
	struct lookup *lookup = (struct lookup *)job;
	struct redis_reads *reads = lookup->board->redis_reads;
	lookup->json = redis_reads_rider(reads, lookup->rider, lookup->partitions);
	if (!lookup->json) {
		fail(lookup, 502, redis_reads_error(reads));
		return;
	}
	if (!*lookup->reporter)
		pseudonym_of(lookup->board->config, lookup->rider, lookup->reporter);
	json_object_set_new(lookup->json, "reporter_ref", json_string(lookup->reporter));
	if (lookup->reveal)
		json_object_set_new(lookup->json, "rider", json_string(lookup->rider));
	else
		json_object_del(lookup->json, "key"); /* it holds the id */
}

static void ask_raw(struct job *job)
{
	struct lookup *lookup = (struct lookup *)job;
	struct kafka_reads *reads = lookup->board->kafka_reads;
	lookup->json = kafka_reads_record(reads, lookup->topic, lookup->partition, lookup->offset);
	if (!lookup->json)
		fail(lookup, 502, kafka_reads_error(reads));
}

/* ---- back on the loop ---- */

static void finish(struct lookup *lookup, bool ran)
{
	if (!ran)
		answer_error(lookup->request, 503, "the board is being stopped");
	else if (lookup->json)
		answer_json(lookup->request, 200, json_incref(lookup->json));
	else
		answer_error(lookup->request, lookup->code, "%s", lookup->error);
	json_decref(lookup->json);
	free(lookup);
}

static void done(struct job *job, bool ran)
{
	finish((struct lookup *)job, ran);
}

/* The rider's alerts that the board holds. */
static void add_recent(struct lookup *lookup)
{
	struct filter filter = { 0 };
	struct listing listing;
	json_t *recent = json_array();
	snprintf(filter.reporter, sizeof filter.reporter, "%s", lookup->reporter);
	if (*lookup->reporter) {
		listing_make(&listing, lookup->board->ring, &filter, false, 0, RECENT_MAX);
		for (size_t i = 0; i < listing.count; i++)
			json_array_append_new(recent, json_loads(listing.rows[i].card->summary, JSON_ALLOW_NUL, NULL));
		listing_fini(&listing);
	}
	json_object_set_new(lookup->json, "recent", recent);
	caps_add(&lookup->board->caps, lookup->json);
}

static void rider_done(struct job *job, bool ran)
{
	struct lookup *lookup = (struct lookup *)job;
	if (ran && lookup->json)
		add_recent(lookup);
	finish(lookup, ran);
}

static void submit(struct lookup *lookup, struct worker *worker)
{
	if (worker_submit(worker, &lookup->job))
		return;
	answer_error(lookup->request, 503, "too many questions wait for Redis or Kafka; try again");
	json_decref(lookup->json);
	free(lookup);
}

/* The report is here: its rider is asked for next. */
static void rider_found(struct job *job, bool ran)
{
	struct lookup *lookup = (struct lookup *)job;
	const json_t *value = json_object_get(lookup->json, "value");
	const json_t *data = json_object_get(value, "data");
	const char *rider = json_string_value(json_object_get(data ? data : value, "rider_id"));
	if (!ran || !lookup->json || !rider || strlen(rider) >= sizeof lookup->rider) {
		if (ran && lookup->json)
			fail(lookup, 502, "the report names no rider");
		json_decref(lookup->json);
		lookup->json = NULL;
		finish(lookup, ran);
		return;
	}
	strcpy(lookup->rider, rider);
	json_decref(lookup->json);
	lookup->json = NULL;
	lookup->job = (struct job){ .work = ask_rider, .done = rider_done };
	submit(lookup, lookup->board->redis_worker);
}

/* ---- handlers ---- */

static struct lookup *lookup_new(struct exchange *exchange, void (*work)(struct job *job),
				 void (*on_done)(struct job *job, bool ran))
{
	struct feed_state state;
	struct lookup *lookup = alloc_zeroed(1, sizeof *lookup);
	feed_state(exchange->board->feed, &state);
	*lookup = (struct lookup){ .board = exchange->board, .request = exchange->request };
	lookup->job = (struct job){ .work = work, .done = on_done };
	lookup->reveal = exchange->board->config->board_show_riders;
	lookup->partitions = state.input_partitions;
	return lookup;
}

/* A number from 1 to maximum, the fallback for anything else. */
static int number_of(const struct exchange *exchange, const char *name, int fallback, int maximum)
{
	const char *text = exchange_value(exchange, name);
	int number = text ? atoi(text) : fallback;
	return number >= 1 && number <= maximum ? number : fallback;
}

/* Until Kafka told how many partitions there are, no key of Redis can be named. */
static bool is_early(struct exchange *exchange)
{
	struct feed_state state;
	feed_state(exchange->board->feed, &state);
	if (!state.input_partitions)
		answer_error(exchange->request, 503, "Kafka was not reached yet: the number of shards is not known");
	return !state.input_partitions;
}

void api_totals(struct exchange *exchange)
{
	if (is_early(exchange))
		return;
	struct lookup *lookup = lookup_new(exchange, ask_totals, done);
	lookup->number = number_of(exchange, "days", 7, DAYS_MAX);
	submit(lookup, exchange->board->redis_worker);
}

void api_top(struct exchange *exchange)
{
	const char *month = exchange_value(exchange, "month");
	char today[9];
	redis_reads_day(0, today);
	if (month && *month && (strlen(month) != 6 || strspn(month, "0123456789") != 6)) {
		answer_error(exchange->request, HTTP_BADREQUEST, "month is \"%.20s\"; write six digits, such as 202611",
			     month);
		return;
	}
	struct lookup *lookup = lookup_new(exchange, ask_top, done);
	snprintf(lookup->month, sizeof lookup->month, "%.6s", month && *month ? month : today);
	lookup->number = number_of(exchange, "count", 50, TOP_MAX);
	submit(lookup, exchange->board->redis_worker);
}

void api_rider(struct exchange *exchange)
{
	if (strlen(exchange->id) >= ID_SIZE) {
		answer_error(exchange->request, HTTP_BADREQUEST, "the rider id is too long");
		return;
	}
	if (is_early(exchange))
		return;
	struct lookup *lookup = lookup_new(exchange, ask_rider, rider_done);
	strcpy(lookup->rider, exchange->id);
	submit(lookup, exchange->board->redis_worker);
}

/* The report that the alert was made from. */
static struct lookup *lookup_report(struct exchange *exchange, const struct card *card,
				    void (*on_done)(struct job *job, bool ran))
{
	json_t *event = json_loadb(card->payload, card->payload_size, JSON_ALLOW_NUL, NULL);
	const json_t *source = json_object_get(json_object_get(event, "data"), "source");
	const char *topic = json_string_value(json_object_get(source, "topic"));
	struct lookup *lookup = lookup_new(exchange, ask_raw, on_done);
	snprintf(lookup->topic, sizeof lookup->topic, "%s", topic ? topic : "");
	lookup->partition = (int32_t)json_integer_value(json_object_get(source, "partition"));
	lookup->offset = json_integer_value(json_object_get(source, "offset"));
	snprintf(lookup->reporter, sizeof lookup->reporter, "%s", card->reporter);
	json_decref(event);
	return lookup;
}

void api_raw(struct exchange *exchange)
{
	const struct card *card = api_card(exchange);
	if (!card)
		return;
	if (!exchange->board->config->board_show_riders) {
		answer_error(exchange->request, 403,
			     "raw reports name riders and phone numbers: board.show_riders is false");
		return;
	}
	submit(lookup_report(exchange, card, done), exchange->board->kafka_worker);
}

void api_alert_rider(struct exchange *exchange)
{
	const struct card *card = api_card(exchange);
	if (card && !is_early(exchange))
		submit(lookup_report(exchange, card, rider_found), exchange->board->kafka_worker);
}
