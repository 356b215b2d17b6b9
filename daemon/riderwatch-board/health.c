/* SPDX-License-Identifier: Apache-2.0 */
#include "health.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "alloc.h"
#include "board.h"
#include "input_record.h"

#define ASK_SECONDS 2
/* Answers are asked for while somebody looks, and a little longer. */
#define LOOKED_MS 30000
#define AGES 256
#define AGE_WINDOW_MS 60000
#define PARTITIONS_MAX 4096

enum side { SIDE_KAFKA, SIDE_REDIS, SIDE_COUNT };

/* One question under way at each side. */
struct question {
	struct job job;
	struct board *board;
	enum side side;
	bool asked, ok, answered;
	int32_t partitions;
	int64_t *offsets; /* INPUT_COUNT * partitions: log ends, or applied offsets */
	char error[512];
};

struct health {
	struct board *board;
	struct event *timer;
	struct question questions[SIDE_COUNT];
	/* The last complete answers. */
	bool up[SIDE_COUNT];
	char errors[SIDE_COUNT][512];
	int32_t partitions;
	int64_t *offsets[SIDE_COUNT];
	int64_t looked_ms;
	struct {
		int64_t at_ms, age_ms;
	} ages[AGES];
	size_t age_next;
};

static const char *topic_of(const struct board *board, int input)
{
	return input == INPUT_REPORTS ? board->config->topics_reports : board->config->topics_deliveries;
}

/* ---- questions ---- */

static int ask_kafka(struct question *question, int input, int64_t *offsets)
{
	struct kafka_reads *reads = question->board->kafka_reads;
	int status = kafka_reads_ends(reads, topic_of(question->board, input), question->partitions, offsets);
	if (status)
		snprintf(question->error, sizeof question->error, "%s", kafka_reads_error(reads));
	return status;
}

static int ask_redis(struct question *question, int input, int64_t *offsets)
{
	struct redis_reads *reads = question->board->redis_reads;
	int status = redis_reads_applied(reads, topic_of(question->board, input), question->partitions, offsets);
	if (status)
		snprintf(question->error, sizeof question->error, "%s", redis_reads_error(reads));
	return status;
}

static void work(struct job *job)
{
	static int (*const asks[])(struct question * question, int input, int64_t *offsets) = { ask_kafka, ask_redis };
	struct question *question = (struct question *)job;
	question->ok = true;
	for (int input = 0; input < INPUT_COUNT && question->ok; input++)
		question->ok =
			asks[question->side](question, input, question->offsets + input * question->partitions) == 0;
}

static void done(struct job *job, bool ran)
{
	struct question *question = (struct question *)job;
	struct health *health = question->board->health;
	question->asked = false;
	if (!ran)
		return;
	question->answered = true;
	health->up[question->side] = question->ok;
	snprintf(health->errors[question->side], sizeof health->errors[0], "%s", question->ok ? "" : question->error);
	if (!question->ok)
		return;
	free(health->offsets[question->side]);
	health->offsets[question->side] = question->offsets;
	health->partitions = question->partitions;
	question->offsets = NULL;
}

static void ask(struct health *health, enum side side, int32_t partitions)
{
	struct question *question = &health->questions[side];
	struct worker *worker = side == SIDE_KAFKA ? health->board->kafka_worker : health->board->redis_worker;
	if (question->asked)
		return;
	free(question->offsets);
	question->offsets = alloc_zeroed((size_t)partitions * INPUT_COUNT, sizeof *question->offsets);
	question->partitions = partitions;
	question->asked = worker_submit(worker, &question->job);
}

static void ask_both(struct health *health)
{
	struct feed_state state;
	feed_state(health->board->feed, &state);
	/* Redis can be asked before Kafka told how many partitions there are: then it only has to answer. */
	int32_t partitions = state.input_partitions < PARTITIONS_MAX ? state.input_partitions : PARTITIONS_MAX;
	if (partitions != health->partitions) {
		free(health->offsets[SIDE_KAFKA]);
		free(health->offsets[SIDE_REDIS]);
		health->offsets[SIDE_KAFKA] = health->offsets[SIDE_REDIS] = NULL;
	}
	ask(health, SIDE_REDIS, partitions);
	if (partitions)
		ask(health, SIDE_KAFKA, partitions);
}

/* ---- what they say ---- */

/* Events in the log that are not counted in Redis yet; -1: not known. */
static int64_t lag_of(const struct health *health)
{
	const int64_t *ends = health->offsets[SIDE_KAFKA], *applied = health->offsets[SIDE_REDIS];
	int64_t lag = 0;
	if (!ends || !applied || !health->up[SIDE_KAFKA] || !health->up[SIDE_REDIS])
		return -1;
	for (int32_t i = 0; i < INPUT_COUNT * health->partitions; i++) {
		int64_t behind = ends[i] - (applied[i] < 0 ? 0 : applied[i]);
		lag += behind > 0 ? behind : 0;
	}
	return lag;
}

/* The oldest that an event was, in the last minute, when its alert came here; -1: there was none. */
static int64_t age_of(const struct health *health, int64_t now_ms)
{
	int64_t worst = -1;
	for (int i = 0; i < AGES; i++) {
		if (health->ages[i].at_ms > now_ms - AGE_WINDOW_MS && health->ages[i].age_ms > worst)
			worst = health->ages[i].age_ms;
	}
	return worst;
}

static json_t *number_or_null(int64_t number)
{
	return number < 0 ? json_null() : json_integer(number);
}

static json_t *state_of(bool up, const char *error)
{
	json_t *state = json_object();
	json_object_set_new(state, "up", json_boolean(up));
	json_object_set_new(state, "error", json_string(error));
	return state;
}

static json_t *describe(const struct health *health)
{
	struct board *board = health->board;
	struct feed_state feed;
	int64_t now = board_now_ms();
	feed_state(board->feed, &feed);
	bool kafka = feed.connected && (health->up[SIDE_KAFKA] || !health->questions[SIDE_KAFKA].answered);
	json_t *all = json_object();
	json_object_set_new(all, "epoch", json_string(board->epoch));
	json_object_set_new(all, "time_ms", json_integer(now));
	json_object_set_new(all, "kafka", state_of(kafka, health->errors[SIDE_KAFKA]));
	json_object_set_new(all, "redis", state_of(health->up[SIDE_REDIS], health->errors[SIDE_REDIS]));
	json_object_set_new(all, "caught_up", json_boolean(feed.caught_up));
	json_object_set_new(all, "lag", number_or_null(lag_of(health)));
	json_object_set_new(all, "event_age_ms", number_or_null(age_of(health, now)));
	json_object_set_new(all, "dead_letters_hour", json_integer(feed.dead_letters_hour));
	json_object_set_new(all, "alerts",
			    json_integer((json_int_t)(ring_last(board->ring) - ring_first(board->ring) + 1)));
	json_object_set_new(all, "clients", json_integer((json_int_t)streams_counts(board->streams).open));
	json_object_set_new(all, "show_riders", json_boolean(board->config->board_show_riders));
	return all;
}

json_t *health_json(struct health *health)
{
	health->looked_ms = board_now_ms();
	return describe(health);
}

static void on_timer(evutil_socket_t fd, short what, void *context)
{
	struct health *health = context;
	(void)fd, (void)what;
	bool watched = streams_counts(health->board->streams).open > 0;
	if (!watched && board_now_ms() - health->looked_ms > LOOKED_MS)
		return;
	ask_both(health);
	if (!watched)
		return;
	json_t *all = describe(health);
	char *text = json_dumps(all, JSON_COMPACT);
	streams_tell(health->board->streams, "status", text);
	free(text);
	json_decref(all);
}

void health_card(struct health *health, const struct card *card)
{
	size_t slot = health->age_next++ % AGES;
	health->ages[slot].at_ms = card->place.seen_ms;
	health->ages[slot].age_ms = card->place.seen_ms - card->sent_ms;
}

/* ---- life ---- */

struct health *health_new(struct board *board)
{
	struct health *health = alloc_zeroed(1, sizeof *health);
	health->board = board;
	health->looked_ms = board_now_ms();
	for (int side = 0; side < SIDE_COUNT; side++) {
		health->questions[side] = (struct question){ .board = board, .side = (enum side)side };
		health->questions[side].job = (struct job){ .work = work, .done = done };
	}
	health->timer = event_new(board->base, -1, EV_PERSIST, on_timer, health);
	event_add(health->timer, &(struct timeval){ ASK_SECONDS, 0 });
	return health;
}

void health_free(struct health **pointer)
{
	struct health *health = *pointer;
	if (!health)
		return;
	event_free(health->timer);
	for (int side = 0; side < SIDE_COUNT; side++) {
		free(health->questions[side].offsets);
		free(health->offsets[side]);
	}
	free(health);
	*pointer = NULL;
}
