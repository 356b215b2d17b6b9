/* SPDX-License-Identifier: Apache-2.0 */
/* The ledger against tests/cases/apply.tsv, and against the Redis function itself on random events. */
#include "ledger.h"
#include "case_file.h"
#include "redis_server.h"
#include "stream.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>
#include <hiredis/hiredis.h>
#include "unit/words.h"

#define CASES "tests/cases/apply.tsv"
#define START_MS 1795572000000LL /* 2026-11-25T02:00:00Z, ten in the morning in Shanghai */

static const struct points_limits limits = { 1000, 20, 5000, 2, -50 };
static const char *const decisions[] = { "upheld", "rejected", "duplicate", "fraud" };

/* ---- the table ---- */

static int64_t number_at(const struct words *words, size_t at)
{
	return at < words->count ? strtoll(words->list[at], NULL, 10) : 0;
}

static enum decision decision_of(const char *name)
{
	enum decision decision = 0;
	while (strcmp(decisions[decision], name) != 0)
		decision++;
	return decision;
}

/* A ledger and what is to be added to it. */
struct book {
	struct ledger *ledger;
	struct arena arena;
	struct effects *effects;
	int64_t time_ms;
};

static void book_init(struct book *book)
{
	*book = (struct book){ .ledger = ledger_new(&limits, (struct slice){ 0 }), .time_ms = START_MS };
	arena_init(&book->arena);
	book->effects = effects_new(&book->arena);
}

static void book_fini(struct book *book)
{
	arena_fini(&book->arena);
	ledger_free(&book->ledger);
}

static void book_apply(struct book *book)
{
	ledger_apply(book->ledger, book->effects, book->time_ms);
	arena_fini(&book->arena);
	book->effects = effects_new(&book->arena);
}

static void step_report(struct book *book, const struct words *words)
{
	struct slice rider = word_at(words, 1), area = word_at(words, 5);
	effects_heard(book->effects, rider, book->time_ms);
	effects_count(book->effects, rider, area, COUNTER_REPORTS, 1);
	effects_report(book->effects, rider, area, (uint64_t)number_at(words, 2), CATEGORY_FIRE,
		       (struct points){ number_at(words, 3), number_at(words, 4) });
}

static void step_review(struct book *book, const struct words *words)
{
	effects_review(book->effects, word_at(words, 1), (uint64_t)number_at(words, 2), decision_of(words->list[3]));
}

static void step_delivery(struct book *book, const struct words *words)
{
	effects_heard(book->effects, word_at(words, 1), book->time_ms);
	effects_count(book->effects, word_at(words, 1), word_at(words, 2), COUNTER_DELIVERIES, 1);
}

static void step_charity(struct book *book, const struct words *words)
{
	step_delivery(book, words);
	effects_count(book->effects, word_at(words, 1), word_at(words, 2), COUNTER_DELIVERIES_CHARITY, 1);
	effects_count(book->effects, word_at(words, 1), word_at(words, 2), COUNTER_SCORE, 2);
}

static void step_hour(struct book *book, const struct words *words)
{
	bool none = strcmp(words->list[1], "none") == 0;
	book->time_ms = none ? STREAM_TIME_NONE : START_MS + HOUR_MS * number_at(words, 1);
}

static void step_times(struct book *book, const struct words *words)
{
	for (uint64_t i = 0; i < (uint64_t)number_at(words, 1); i++)
		effects_report(book->effects, SLICE("r"), SLICE(""), 1000 + i, CATEGORY_FOOD,
			       (struct points){ number_at(words, 2), 5 });
}

static void step_nothing(struct book *book, const struct words *words)
{
	(void)book, (void)words;
}

static void run_step(struct book *book, char *text)
{
	static const struct {
		const char *name;
		void (*run)(struct book *book, const struct words *words);
	} steps[] = { { "report", step_report },  { "review", step_review }, { "delivery", step_delivery },
		      { "hour", step_hour },      { "times", step_times },   { "apply", step_nothing },
		      { "journal", step_nothing }, { "charity", step_charity } };
	struct words words = words_split(text, " ");
	for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
		if (strcmp(words.list[0], steps[i].name) == 0) {
			steps[i].run(book, &words);
			book_apply(book);
			return;
		}
	}
	fail_msg("%s: unknown step '%s'", CASES, words.list[0]);
}

/* ---- fields by name, as Redis would hold them ---- */

static bool counter_value(const int64_t *counters, const char *field, int64_t *value)
{
	for (enum counter counter = 0; counter < COUNTER_COUNT; counter++) {
		if (strcmp(counter_field(counter), field) == 0) {
			*value = counters[counter];
			return true;
		}
	}
	return false;
}

/* "440305:reports", "reports" or "reviews_unmatched" of the sums of a day. */
static int64_t sum_value(const struct ledger *ledger, uint32_t day, const char *field)
{
	const char *colon = strchr(field, ':');
	int32_t adcode = colon ? adcode_of((struct slice){ field, (size_t)(colon - field) }) : ADCODE_NONE;
	if (colon && adcode == ADCODE_NONE)
		return 0;
	const struct ledger_sum *sum = ledger_find_sum(ledger, day, adcode);
	int64_t value = 0;
	if (sum && strcmp(field, "reviews_unmatched") == 0)
		return sum->unmatched;
	if (sum)
		assert_true(counter_value(sum->counters, colon ? colon + 1 : field, &value));
	return value;
}

static void report_text(const struct ledger_report *report, const char *field, char text[64])
{
	snprintf(text, 64, "absent");
	if (!report)
		return;
	if (strcmp(field, "rider") == 0)
		snprintf(text, 64, "%.*s", (int)report->rider->key.size, report->rider->key.data);
	else if (strcmp(field, "category") == 0)
		snprintf(text, 64, "%s", category_name(report->category));
	else if (strcmp(field, "state") == 0)
		snprintf(text, 64, "%s", ledger_state_name(report->state));
	else if (strcmp(field, "jurisdiction") == 0)
		snprintf(text, 64, report->adcode == ADCODE_NONE ? "%.0d" : "%06d",
			 report->adcode == ADCODE_NONE ? 0 : report->adcode);
	else
		snprintf(text, 64, "%lld",
			 (long long)(strcmp(field, "points") == 0   ? report->points
				     : strcmp(field, "score") == 0  ? report->score
				     : strcmp(field, "scored") == 0 ? report->scored
								    : report->until_hour));
}

static void rider_text(const struct ledger *ledger, char *name, const char *field, char text[64])
{
	char *colon = strchr(name, ':');
	int64_t value = 0;
	if (colon)
		*colon = '\0';
	const struct ledger_rider *rider = ledger_find_rider(ledger, slice_of(name));
	const struct ledger_day *day =
		colon && rider ? ledger_find_day(ledger, rider, (uint32_t)atoi(colon + 1)) : NULL;
	if (colon)
		value = !day ? 0 : strcmp(field, "paid") == 0 ? day->paid : day->points;
	else if (rider && strcmp(field, "last_ms") == 0)
		value = rider->last_ms < 0 ? 0 : rider->last_ms;
	else if (rider)
		assert_true(counter_value(rider->counters, field, &value));
	snprintf(text, 64, "%lld", (long long)value);
}

/* False: not for the ledger to know. Absent numbers read as 0. */
static bool text_of(const struct ledger *ledger, char *key, const char *field, char text[64])
{
	if (strcmp(field, "expires") == 0 || strcmp(field, "exists") == 0 || strcmp(field, "size") == 0)
		return false;
	if (strncmp(key, "rider:", 6) == 0)
		rider_text(ledger, key + 6, field, text);
	else if (strncmp(key, "report:", 7) == 0)
		report_text(ledger_find_report(ledger, strtoull(key + 7, NULL, 16)), field, text);
	else if (strncmp(key, "totals", 6) == 0)
		snprintf(text, 64, "%lld",
			 (long long)sum_value(ledger, key[6] ? (uint32_t)atoi(key + 7) : LEDGER_DAY_ALL, field));
	else
		return false;
	return true;
}

static int check_expectation(const struct ledger *ledger, const char *name, char *text, int *checked)
{
	struct words words = words_split(text, " ");
	int wrong = 0;
	for (size_t i = 1; i < words.count; i++) {
		char found[64], key[256], *value = strchr(words.list[i], '=');
		assert_non_null(value);
		*value++ = '\0';
		snprintf(key, sizeof key, "%s", words.list[0]);
		if (!text_of(ledger, key, words.list[i], found))
			continue;
		++*checked;
		if (strcmp(value, "absent") == 0 && strcmp(found, "0") == 0)
			continue;
		if (strcmp(found, value) != 0) {
			print_error("%s: %s: %s %s is %s, not %s\n", CASES, name, words.list[0], words.list[i], found,
				    value);
			wrong++;
		}
	}
	return wrong;
}

static void test_table(void **state)
{
	(void)state;
	char *fields[CASE_FIELDS_MAX];
	int wrong = 0, checked = 0;
	struct case_file *file = case_file_open(CASES);
	while (case_file_next(file, fields)) {
		if (strstr(fields[1], "redis "))
			continue; /* somebody else writes to Redis: nothing an event says */
		struct book book;
		book_init(&book);
		struct words steps = words_split(fields[1], ";"), expected = words_split(fields[2], ";");
		for (size_t i = 0; i < steps.count; i++)
			run_step(&book, steps.list[i]);
		for (size_t i = 0; i < expected.count; i++)
			wrong += check_expectation(book.ledger, fields[0], expected.list[i], &checked);
		book_fini(&book);
	}
	case_file_close(&file);
	assert_true(checked > 100);
	assert_int_equal(wrong, 0);
}

/* ---- the function itself ---- */

static redisContext *redis;

struct twin {
	struct ledger *ledger;
	struct arena arena;
	struct effects *effects;
	struct apply_target target;
	uint64_t dice;
};

static uint64_t roll(struct twin *twin, uint64_t sides)
{
	twin->dice = twin->dice * 6364136223846793005u + 1442695040888963407u;
	return (twin->dice >> 33) % sides;
}

static void twin_event(struct twin *twin)
{
	static const char *const riders[] = { "r", "q", "骑手 1", "{s}" }, *const areas[] = { "440305", "010203", "",
											      "44030a" };
	struct slice rider = slice_of(riders[roll(twin, 4)]), area = slice_of(areas[roll(twin, 4)]);
	uint64_t key = roll(twin, 60);
	twin->target.to++;
	effects_heard(twin->effects, rider, twin->target.stream_time_ms);
	if (roll(twin, 3) == 0) {
		enum decision decision = (enum decision)roll(twin, 4);
		effects_review(twin->effects, rider, key, decision);
		return;
	}
	struct points points = { (int64_t)(roll(twin, 8) * 200), (int64_t)roll(twin, 60) };
	enum category category = (enum category)roll(twin, CATEGORY_COUNT);
	effects_count(twin->effects, rider, area, COUNTER_REPORTS, 1);
	effects_report(twin->effects, rider, area, key, category, points);
}

static void twin_apply(struct twin *twin)
{
	struct slice command = effects_apply_command(twin->effects, &twin->target, &twin->arena);
	redisReply *reply = NULL;
	assert_int_equal(redisAppendFormattedCommand(redis, command.data, command.size), REDIS_OK);
	assert_int_equal(redisGetReply(redis, (void **)&reply), REDIS_OK);
	assert_int_equal(reply->type, REDIS_REPLY_ARRAY);
	assert_string_equal(reply->element[0]->str, "ok");
	freeReplyObject(reply);
	ledger_apply(twin->ledger, twin->effects, twin->target.stream_time_ms);
	arena_fini(&twin->arena);
	twin->effects = effects_new(&twin->arena);
	twin->target.from = twin->target.to;
	/* Mostly minutes, sometimes beyond the life of a report. */
	int64_t hours = roll(twin, 40) == 0 ? (int64_t)roll(twin, 3500) : (int64_t)roll(twin, 3);
	twin->target.stream_time_ms += hours * HOUR_MS;
}

static redisReply *ask(const char *format, const char *text)
{
	redisReply *reply = redisCommand(redis, format, text);
	assert_non_null(reply);
	assert_int_not_equal(reply->type, REDIS_REPLY_ERROR);
	return reply;
}

/* Every field of one key; returns how many were compared. */
static int compare_key(const struct ledger *ledger, const char *key)
{
	redisReply *hash = ask("HGETALL %s", key);
	int compared = 0;
	for (size_t i = 0; i + 1 < hash->elements; i += 2) {
		char name[256], found[64];
		snprintf(name, sizeof name, "%s", key + strlen("rw:{7}:"));
		if (!text_of(ledger, name, hash->element[i]->str, found))
			continue;
		if (strcmp(found, hash->element[i + 1]->str) != 0)
			fail_msg("%s %s: Redis %s, ledger %s", key, hash->element[i]->str, hash->element[i + 1]->str,
				 found);
		compared++;
	}
	freeReplyObject(hash);
	return compared;
}

static void twin_compare(const struct twin *twin)
{
	int compared = 0;
	size_t reports = 0;
	redisReply *keys = ask("KEYS %s", "rw:{7}:*");
	for (size_t i = 0; i < keys->elements; i++) {
		if (strcmp(keys->element[i]->str, "rw:{7}:unranked") == 0)
			continue;
		compared += compare_key(twin->ledger, keys->element[i]->str);
		reports += strncmp(keys->element[i]->str, "rw:{7}:report:", 14) == 0;
	}
	freeReplyObject(keys);
	assert_true(compared > 300);
	while (ledger_report_at(twin->ledger, reports))
		reports++;
	assert_null(ledger_report_at(twin->ledger, reports));
}

static void test_same_as_function(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 20; seed++) {
		struct twin twin = { .ledger = ledger_new(&limits, (struct slice){ 0 }), .dice = seed };
		freeReplyObject(ask("FLUSHALL%s", ""));
		freeReplyObject(ask("FCALL rw_load_v1 2 rw:{7}:log:reports rw:{7}:feeds create 0 %s "
				    "000102030405060708090a0b0c0d0e0f reports",
				    "aaaaaaaa-1111-4111-8111-aaaaaaaaaaaa"));
		arena_init(&twin.arena);
		twin.effects = effects_new(&twin.arena);
		twin.target = (struct apply_target){ .topic = SLICE("reports"),
						     .partition = 7,
						     .stream_time_ms = START_MS,
						     .dedup_hours = 24,
						     .limits = limits };
		memcpy(twin.target.store_uuid, "aaaaaaaa-1111-4111-8111-aaaaaaaaaaaa", STORE_UUID_SIZE);
		for (int chunk = 0; chunk < 60; chunk++) {
			for (uint64_t i = roll(&twin, 12) + 1; i > 0; i--)
				twin_event(&twin);
			twin_apply(&twin);
		}
		twin_compare(&twin);
		arena_fini(&twin.arena);
		ledger_free(&twin.ledger);
	}
}

/* ---- small things ---- */

static void test_days(void **state)
{
	(void)state;
	static const struct {
		uint32_t hour, day;
	} rows[] = { { 0, 19700101 },      { 15, 19700101 },
		     { 16, 19700102 },     { (uint32_t)(START_MS / HOUR_MS), 20261125 },
		     { 439472, 20200219 }, { 439728, 20200301 },
		     { 1139543, 20991231 } };
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		assert_int_equal(ledger_day_of(rows[i].hour), rows[i].day);
}

/* A new counter has to be put into them. */
static void test_sets_of_counters(void **state)
{
	(void)state;
	assert_int_equal(LEDGER_FROM_REPORTS | LEDGER_FROM_DELIVERIES, LEDGER_ALL_COUNTERS);
	assert_int_equal(LEDGER_FROM_REPORTS & LEDGER_FROM_DELIVERIES, 1u << COUNTER_SCORE);
	uint32_t plain = 0;
#define DAEMON 1
#define FUNCTION 0
#define COUNTER(symbol, field, who, help) plain |= (uint32_t)(who) << COUNTER_##symbol;
#include "counters.def"
#undef COUNTER
	assert_int_equal(LEDGER_PLAIN, plain & ~(1u << COUNTER_SCORE));
}

static void test_many_riders(void **state)
{
	(void)state;
	struct book book;
	char id[32];
	book_init(&book);
	for (int i = 0; i < 30000; i++) {
		snprintf(id, sizeof id, "rider-%d", i % 10000);
		effects_count(book.effects, slice_of(id), SLICE("440305"), COUNTER_DELIVERIES, 1);
		if (i % 700 == 0)
			book_apply(&book);
	}
	book_apply(&book);
	size_t riders = 0;
	for (struct ledger_rider *rider; (rider = ledger_rider_at(book.ledger, riders)); riders++)
		assert_int_equal(rider->counters[COUNTER_DELIVERIES], 3);
	assert_int_equal(riders, 10000);
	assert_int_equal(ledger_find_sum(book.ledger, LEDGER_DAY_ALL, 440305)->counters[COUNTER_DELIVERIES], 30000);
	assert_null(ledger_find_rider(book.ledger, SLICE("rider-10000")));
	book_fini(&book);
}

static struct redis_server server;

static int start_redis(void **state)
{
	(void)state;
	redis_server_start(&server, NULL);
	redis = redisConnectUnix(server.socket);
	assert_false(redis->err);
	freeReplyObject(ask("FUNCTION LOAD %s", redis_library_text));
	return 0;
}

static int stop_redis(void **state)
{
	(void)state;
	redisFree(redis);
	redis_server_stop(&server);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_days),
		cmocka_unit_test(test_sets_of_counters),
		cmocka_unit_test(test_many_riders),
		cmocka_unit_test_setup_teardown(test_same_as_function, start_redis, stop_redis),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
