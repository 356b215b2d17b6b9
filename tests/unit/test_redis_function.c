/* SPDX-License-Identifier: Apache-2.0 */
/* The function library on a real Redis: tests/cases/apply.tsv says what each sequence of events leaves behind, the
 * tests below it what happens to chunks that come twice, too early or to the wrong store. */
#include "effects.h"
#include "redis_server.h"
#include "stream.h"

#include <setjmp.h>
#include <stdarg.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>
#include <hiredis/hiredis.h>
#include "unit/words.h"

#define CASES "tests/cases/apply.tsv"
#define UUID_A "aaaaaaaa-1111-4111-8111-aaaaaaaaaaaa"
#define UUID_B "bbbbbbbb-2222-4222-8222-bbbbbbbbbbbb"
#define KEY "000102030405060708090a0b0c0d0e0f"
#define LOG "rw:{7}:log:reports"
#define FEEDS "rw:{7}:feeds"
#define START_MS 1795572000000LL /* 2026-11-25T02:00:00Z, ten in the morning in Shanghai */
#define START_HOUR (START_MS / HOUR_MS)

static struct redis_server server;
static redisContext *redis;

static redisReply *run(const char *format, ...) __attribute__((format(printf, 1, 2)));
static redisReply *run(const char *format, ...)
{
	va_list list;
	va_start(list, format);
	redisReply *reply = redisvCommand(redis, format, list);
	va_end(list);
	if (!reply)
		fail_msg("%s: %s", format, redis->errstr);
	return reply;
}

static void run_free(redisReply *reply)
{
	freeReplyObject(reply);
}

/* Reply as text: the string, the number, "absent", the list with commas, or the error. */
static void text_of(const redisReply *reply, char *out, size_t size)
{
	if (reply->type == REDIS_REPLY_ARRAY) {
		out[0] = '\0';
		for (size_t i = 0, used = 0; i < reply->elements && used < size; i++)
			used += (size_t)snprintf(out + used, size - used, i ? ",%s" : "%s", reply->element[i]->str);
	} else if (reply->type == REDIS_REPLY_NIL)
		snprintf(out, size, "absent");
	else if (reply->type == REDIS_REPLY_INTEGER)
		snprintf(out, size, "%lld", reply->integer);
	else
		snprintf(out, size, "%s", reply->str ? reply->str : "");
}

/* ---- the world of one case ---- */

struct world {
	struct arena arena;
	struct effects *effects;
	struct apply_target target;
	char status[128];
	long long applied, conflicts, unmatched;
};

static const struct points_limits limits = { 1000, 20, 5000, 2, -50 };

static void world_begin(struct world *world)
{
	arena_init(&world->arena);
	world->effects = effects_new(&world->arena);
	world->target.from = world->target.to;
}

static void load(const char *mode, const char *uuid, int64_t create_at)
{
	redisReply *reply = run("FCALL rw_load_v1 2 %s %s %s %lld %s %s reports", LOG, FEEDS, mode,
				(long long)create_at, uuid, KEY);
	assert_int_equal(reply->type, REDIS_REPLY_ARRAY);
	run_free(reply);
}

static void world_init(struct world *world)
{
	run_free(run("FLUSHALL"));
	load("create", UUID_A, 0);
	memset(world, 0, sizeof *world);
	world->target = (struct apply_target){ .topic = SLICE("reports"),
					       .partition = 7,
					       .stream_time_ms = START_MS,
					       .dedup_hours = 24,
					       .limits = limits };
	memcpy(world->target.store_uuid, UUID_A, STORE_UUID_SIZE);
	world_begin(world);
}

static void read_status(struct world *world, redisReply *reply)
{
	world->applied = world->conflicts = world->unmatched = -99;
	if (reply->type != REDIS_REPLY_ARRAY) {
		text_of(reply, world->status, sizeof world->status);
		return;
	}
	assert_int_equal(reply->elements, 4);
	text_of(reply->element[0], world->status, sizeof world->status);
	world->applied = reply->element[1]->integer;
	world->conflicts = reply->element[2]->integer;
	world->unmatched = reply->element[3]->integer;
}

static void send_command(struct world *world, struct slice command)
{
	redisReply *reply = NULL;
	assert_int_equal(redisAppendFormattedCommand(redis, command.data, command.size), REDIS_OK);
	assert_int_equal(redisGetReply(redis, (void **)&reply), REDIS_OK);
	read_status(world, reply);
	run_free(reply);
}

static void world_apply(struct world *world)
{
	if (world->target.to == world->target.from)
		world->target.to++;
	send_command(world, effects_apply_command(world->effects, &world->target, &world->arena));
	arena_fini(&world->arena);
	world_begin(world);
}

/* ---- steps: what happens ---- */

static uint64_t number_word(const struct words *words, size_t at)
{
	return at < words->count ? strtoull(words->list[at], NULL, 10) : 0;
}

/* report <rider> <key> <points> <score> [area] */
static void step_report(struct world *world, const struct words *words)
{
	struct slice rider = slice_of(words->list[1]), area = word_at(words, 5);
	struct points points = { (int64_t)number_word(words, 3), (int64_t)number_word(words, 4) };
	world->target.to++;
	effects_heard(world->effects, rider, world->target.stream_time_ms);
	effects_count(world->effects, rider, area, COUNTER_REPORTS, 1);
	effects_report(world->effects, rider, area, number_word(words, 2), CATEGORY_FIRE, points);
}

/* review <rider> <key> <decision> */
static void step_review(struct world *world, const struct words *words)
{
	static const char *const names[] = { "upheld", "rejected", "duplicate", "fraud" };
	size_t decision = 0;
	while (decision < 4 && strcmp(names[decision], words->list[3]) != 0)
		decision++;
	assert_true(decision < 4);
	world->target.to++;
	effects_review(world->effects, slice_of(words->list[1]), number_word(words, 2), (enum decision)decision);
}

/* delivery <rider> [area] */
static void step_delivery(struct world *world, const struct words *words)
{
	struct slice rider = slice_of(words->list[1]);
	world->target.to++;
	effects_heard(world->effects, rider, world->target.stream_time_ms);
	effects_count(world->effects, rider, word_at(words, 2), COUNTER_DELIVERIES, 1);
}

/* charity <rider>: what such a delivery adds to the score */
static void step_charity(struct world *world, const struct words *words)
{
	struct slice rider = slice_of(words->list[1]);
	step_delivery(world, words);
	effects_count(world->effects, rider, word_at(words, 2), COUNTER_DELIVERIES_CHARITY, 1);
	effects_count(world->effects, rider, word_at(words, 2), COUNTER_SCORE, 2);
}

/* hour <hours since START_MS>, or hour none */
static void step_hour(struct world *world, const struct words *words)
{
	bool none = strcmp(words->list[1], "none") == 0;
	world->target.stream_time_ms = none ? -1 : START_MS + HOUR_MS * atoll(words->list[1]);
}

static void step_journal(struct world *world, const struct words *words)
{
	world->target.to++;
	effects_journal(world->effects, number_word(words, 1));
}

static void step_apply(struct world *world, const struct words *words)
{
	(void)words;
	world_apply(world);
}

/* times <count> <points>: that many reports of rider r, keys 1000... */
static void step_times(struct world *world, const struct words *words)
{
	for (uint64_t i = 0; i < number_word(words, 1); i++) {
		world->target.to++;
		effects_report(world->effects, SLICE("r"), (struct slice){ NULL, 0 }, 1000 + i, CATEGORY_FOOD,
			       (struct points){ (int64_t)number_word(words, 2), 5 });
	}
}

static void step_redis(struct world *world, const struct words *words)
{
	(void)world;
	redisReply *reply = redisCommandArgv(redis, (int)words->count - 1, (const char **)words->list + 1, NULL);
	assert_non_null(reply);
	assert_int_not_equal(reply->type, REDIS_REPLY_ERROR);
	run_free(reply);
}

static const struct step {
	const char *name;
	void (*run)(struct world *world, const struct words *words);
} steps[] = {
	{ "report", step_report },   { "review", step_review }, { "delivery", step_delivery },
	{ "hour", step_hour },       { "apply", step_apply },   { "times", step_times },
	{ "journal", step_journal }, { "redis", step_redis },   { "charity", step_charity },
};

static void run_step(struct world *world, char *text)
{
	struct words words = words_split(text, " ");
	for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
		if (strcmp(words.list[0], steps[i].name) == 0) {
			steps[i].run(world, &words);
			return;
		}
	}
	fail_msg("%s: unknown step '%s'", CASES, words.list[0]);
}

/* ---- expectations: what is there afterwards ---- */

static void read_value(const struct world *world, const char *key, const char *field, char *out, size_t size)
{
	if (strcmp(key, "reply") == 0) {
		long long number = strcmp(field, "conflicts") == 0 ? world->conflicts : world->unmatched;
		strcmp(field, "status") == 0 ? snprintf(out, size, "%s", world->status)
					     : snprintf(out, size, "%lld", number);
		return;
	}
	redisReply *reply;
	if (strcmp(field, "exists") == 0)
		reply = run("EXISTS rw:{7}:%s", key);
	else if (strcmp(field, "size") == 0)
		reply = run("STRLEN rw:{7}:%s", key);
	else if (strcmp(field, "members") == 0)
		reply = run("SORT rw:{7}:%s ALPHA", key);
	else if (strcmp(field, "expires") == 0)
		reply = run("EXPIRETIME rw:{7}:%s", key);
	else
		reply = run("HGET rw:{7}:%s %s", key, field);
	text_of(reply, out, size);
	run_free(reply);
}

/* <key> <field>=<value> ...; returns the number of differences. */
static int check_expectation(const struct world *world, const char *name, char *text)
{
	struct words words = words_split(text, " ");
	int wrong = 0;
	for (size_t i = 1; i < words.count; i++) {
		char found[256], *value = strchr(words.list[i], '=');
		assert_non_null(value);
		*value++ = '\0';
		read_value(world, words.list[0], words.list[i], found, sizeof found);
		if (strcmp(found, value) != 0) {
			print_error("%s: %s: %s %s is %s, not %s\n", CASES, name, words.list[0], words.list[i], found,
				    value);
			wrong++;
		}
	}
	return wrong;
}

static int run_case(char *line)
{
	struct words columns = words_split(line, "\t");
	struct world world;
	assert_int_equal(columns.count, 3);
	world_init(&world);
	struct words steps_of = words_split(columns.list[1], ";"), expected = words_split(columns.list[2], ";");
	int wrong = 0;
	for (size_t i = 0; i < steps_of.count; i++)
		run_step(&world, steps_of.list[i]);
	world_apply(&world);
	for (size_t i = 0; i < expected.count; i++)
		wrong += check_expectation(&world, columns.list[0], expected.list[i]);
	arena_fini(&world.arena);
	return wrong;
}

static void test_table(void **state)
{
	(void)state;
	char line[4096];
	int cases = 0, wrong = 0;
	FILE *file = fopen(CASES, "r");
	assert_non_null(file);
	while (fgets(line, sizeof line, file)) {
		line[strcspn(line, "\n")] = '\0';
		if (line[0] && line[0] != '#') {
			wrong += run_case(line);
			cases++;
		}
	}
	fclose(file);
	assert_true(cases > 30);
	assert_int_equal(wrong, 0);
}

/* ---- compare-and-set ---- */

static struct world apply_one(int64_t from, int64_t to, const char *uuid)
{
	struct world world;
	memset(&world, 0, sizeof world);
	world.target = (struct apply_target){ .topic = SLICE("reports"),
					      .partition = 7,
					      .stream_time_ms = START_MS,
					      .dedup_hours = 24,
					      .limits = limits,
					      .from = from,
					      .to = to };
	memcpy(world.target.store_uuid, uuid, STORE_UUID_SIZE);
	arena_init(&world.arena);
	world.effects = effects_new(&world.arena);
	effects_count(world.effects, SLICE("r"), (struct slice){ NULL, 0 }, COUNTER_DELIVERIES, 1);
	effects_journal(world.effects, 77);
	send_command(&world, effects_apply_command(world.effects, &world.target, &world.arena));
	arena_fini(&world.arena);
	return world;
}

static void assert_deliveries(const char *expected)
{
	char found[32];
	redisReply *reply = run("HGET rw:{7}:rider:r deliveries");
	text_of(reply, found, sizeof found);
	run_free(reply);
	assert_string_equal(found, expected);
}

static void test_compare_and_set(void **state)
{
	(void)state;
	static const struct {
		int64_t from, to;
		const char *uuid, *status;
		long long applied;
		const char *deliveries;
	} rows[] = {
		{ 100, 110, UUID_A, "ok", 110, "1" },      { 100, 110, UUID_A, "done", 110, "1" },
		{ 90, 100, UUID_A, "done", 110, "1" },     { 120, 130, UUID_A, "refused", 110, "1" },
		{ 105, 115, UUID_A, "refused", 110, "1" }, { 100, 115, UUID_A, "refused", 110, "1" },
		{ 110, 120, UUID_B, "foreign", 110, "1" }, { 90, 100, UUID_B, "foreign", 110, "1" },
		{ 110, 120, UUID_A, "ok", 120, "2" },
	};
	run_free(run("FLUSHALL"));
	assert_string_equal(apply_one(100, 110, UUID_A).status, "refused");
	assert_deliveries("absent");
	load("create", UUID_A, 100);
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct world world = apply_one(rows[i].from, rows[i].to, rows[i].uuid);
		assert_string_equal(world.status, rows[i].status);
		assert_int_equal(world.applied, rows[i].applied);
		assert_deliveries(rows[i].deliveries);
	}
}

static void test_lost_w_is_not_zero(void **state)
{
	(void)state;
	run_free(run("FLUSHALL"));
	load("create", UUID_A, 0);
	run_free(run("HDEL %s applied", LOG));
	struct world world = apply_one(0, 10, UUID_A);
	assert_string_equal(world.status, "refused");
	assert_int_equal(world.applied, -1);
}

static void assert_applied(const char *expected)
{
	char found[32];
	redisReply *reply = run("HGET %s applied", LOG);
	text_of(reply, found, sizeof found);
	run_free(reply);
	assert_string_equal(found, expected);
}

#define GOOD_KEYS                                                                                                      \
	LOG " rw:{7}:totals rw:{7}:totals:20261125 rw:{7}:seen:reports:1 rw:{7}:rider:r "                              \
	    "rw:{7}:rider:r rw:{7}:rider:r:20261125 rw:{7}:report:01 "
#define GOOD_ARGUMENTS                                                                                                 \
	UUID_A " 0 1 -1 1 24 1000 20 5000 -50 hashhash 1 reports 1 1 1 1 reports 1 5 1 report fire 300 10 440305"
#define FIRST_ARGUMENT 11

/* Any text is valid in these: uuid, journal, two fields, category, area. */
static bool is_free_text(size_t argument)
{
	static const size_t list[] = { 11, 21, 23, 28, 33, 36 };
	for (size_t i = 0; i < sizeof list / sizeof list[0]; i++) {
		if (list[i] == argument)
			return true;
	}
	return false;
}

/* Each argument in turn is broken; then nothing may be written. */
static void test_bad_arguments_write_nothing(void **state)
{
	(void)state;
	char text[] = "FCALL rw_apply_v1 8 " GOOD_KEYS GOOD_ARGUMENTS, broken[] = "1x";
	struct words words = words_split(text, " ");
	assert_int_equal(words.count, 37);
	run_free(run("FLUSHALL"));
	load("create", UUID_A, 0);
	for (size_t i = FIRST_ARGUMENT; i < words.count; i++) {
		char *good = words.list[i];
		words.list[i] = broken;
		redisReply *reply = redisCommandArgv(redis, (int)words.count, (const char **)words.list, NULL);
		words.list[i] = good;
		if (is_free_text(i)) {
			assert_int_equal(reply->type, REDIS_REPLY_ARRAY);
			run_free(run("HSET %s applied 0", LOG));
		} else {
			assert_int_equal(reply->type, REDIS_REPLY_ERROR);
			assert_memory_equal(reply->str, "RWARGS", 6);
			assert_applied("0");
		}
		run_free(reply);
	}
}

/* ---- load ---- */

static void assert_load(const char *mode, const char *uuid, int64_t create_at, const char *status,
			const char *found_uuid)
{
	char text[128];
	redisReply *reply = run("FCALL rw_load_v1 2 %s %s %s %lld %s %s reports", LOG, FEEDS, mode,
				(long long)create_at, uuid, KEY);
	text_of(reply->type == REDIS_REPLY_ARRAY ? reply->element[0] : reply, text, sizeof text);
	text[strcspn(text, " ")] = '\0';
	assert_string_equal(text, status);
	if (found_uuid) {
		assert_string_equal(reply->element[1]->str, found_uuid);
		assert_string_equal(reply->element[2]->str, KEY);
	}
	run_free(reply);
}

static void test_load_creates_once(void **state)
{
	(void)state;
	run_free(run("FLUSHALL"));
	assert_load("read", UUID_A, 0, "missing", NULL);
	assert_load("create", UUID_A, 42, "created", UUID_A);
	assert_load("create", UUID_B, 99, "ok", UUID_A);
	assert_string_equal(apply_one(42, 50, UUID_A).status, "ok");
	redisReply *reply = run("FCALL rw_load_v1 2 %s %s read 0 x x reports", LOG, FEEDS);
	assert_int_equal(reply->element[3]->integer, 42);
	assert_int_equal(reply->element[4]->integer, 50);
	assert_int_equal(reply->element[5]->integer, START_MS);
	assert_int_equal(atoll(reply->element[6]->str), START_HOUR);
	assert_int_equal(reply->element[7]->integer, 8);
	run_free(reply);
}

static void test_rebuild_needs_an_empty_shard(void **state)
{
	(void)state;
	run_free(run("FLUSHALL"));
	assert_load("rebuild", UUID_A, 10, "created", UUID_A);
	assert_load("rebuild", UUID_B, 10, "created", UUID_B); /* nothing was counted yet */
	assert_string_equal(apply_one(10, 20, UUID_B).status, "ok");
	assert_load("rebuild", UUID_A, 10, "RWNOTEMPTY", NULL);
	assert_deliveries("1");
	run_free(run("DEL %s", LOG));
	assert_load("rebuild", UUID_A, 10, "RWNOTEMPTY", NULL); /* the counters are still there */
	assert_load("create", UUID_A, 10, "RWNOTEMPTY", NULL);
	run_free(run("FLUSHALL"));
	assert_load("rebuild", UUID_A, 10, "created", UUID_A);
}

static void test_state_reads_only(void **state)
{
	(void)state;
	run_free(run("FLUSHALL"));
	redisReply *reply = run("FCALL_RO rw_state_v1 1 %s", LOG);
	assert_string_equal(reply->element[0]->str, "missing");
	run_free(reply);
	load("create", UUID_A, 5);
	reply = run("FCALL_RO rw_state_v1 1 %s", LOG);
	assert_string_equal(reply->element[0]->str, "ok");
	assert_string_equal(reply->element[1]->str, UUID_A);
	assert_int_equal(reply->element[2]->integer, 5);
	assert_int_equal(reply->element[3]->integer, 5);
	run_free(reply);
}

/* A user who may call the function but not all it calls must not get as far as an apply. */
static void test_missing_permission_is_found_at_load(void **state)
{
	(void)state;
	run_free(run("FLUSHALL"));
	run_free(run("ACL SETUSER weak on nopass ~rw:* +fcall +hget +hmget +hset +del"));
	run_free(run("AUTH weak x"));
	redisReply *reply = run("FCALL rw_load_v1 2 %s %s create 0 %s %s reports", LOG, FEEDS, UUID_A, KEY);
	assert_int_equal(reply->type, REDIS_REPLY_ERROR);
	assert_memory_equal(reply->str, "NOPERM", 6);
	run_free(reply);
	run_free(run("AUTH default x"));
	assert_load("read", UUID_A, 0, "missing", NULL);
}

static void test_out_of_memory_does_nothing(void **state)
{
	(void)state;
	run_free(run("FLUSHALL"));
	load("create", UUID_A, 0);
	run_free(run("CONFIG SET maxmemory 1"));
	struct world world = apply_one(0, 10, UUID_A);
	run_free(run("CONFIG SET maxmemory 0"));
	assert_memory_equal(world.status, "OOM", 3);
	assert_string_equal(apply_one(0, 10, UUID_A).status, "ok");
	assert_deliveries("1");
}

static int start(void **state)
{
	(void)state;
	redis_server_start(&server, NULL);
	redis = redisConnectUnix(server.socket);
	if (!redis || redis->err)
		return -1;
	redisReply *reply = redisCommand(redis, "FUNCTION LOAD REPLACE %s", redis_library_text);
	if (!reply || reply->type == REDIS_REPLY_ERROR)
		print_error("FUNCTION LOAD: %s\n", reply ? reply->str : redis->errstr);
	return reply && reply->type == REDIS_REPLY_STRING ? (freeReplyObject(reply), 0) : -1;
}

static int stop(void **state)
{
	(void)state;
	if (redis)
		redisFree(redis);
	redis_server_stop(&server);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_compare_and_set),
		cmocka_unit_test(test_lost_w_is_not_zero),
		cmocka_unit_test(test_bad_arguments_write_nothing),
		cmocka_unit_test(test_load_creates_once),
		cmocka_unit_test(test_rebuild_needs_an_empty_shard),
		cmocka_unit_test(test_state_reads_only),
		cmocka_unit_test(test_missing_permission_is_found_at_load),
		cmocka_unit_test(test_out_of_memory_does_nothing),
	};
	return cmocka_run_group_tests(tests, start, stop);
}
