/* SPDX-License-Identifier: Apache-2.0 */
/* What Sentinels are asked and what their answers mean. Asking real ones: test_store_sentinel.c. */
#include "redis_sentinel.h"
#include "reply_text.h"
#include "secret_file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

static void test_lists(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		size_t count; /* 0: refused */
	} rows[] = {
		{ "a:1", 1 },   { "a:1,b:2", 2 }, { "a:1, b:2,[::1]:3", 3 }, { "", 0 },     { ",", 0 },
		{ "a:1,", 0 },  { ",a:1", 0 },    { "a:1,,b:2", 0 },         { "a:1 ", 0 }, { "a:1;b:2", 0 },
		{ "a,b:1", 0 }, { "a:1,b:0", 0 },
	};
	struct redis_sentinels list;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		bool ok = redis_sentinels_parse(&list, rows[i].text);
		if (ok != (rows[i].count > 0) || (ok && list.count != rows[i].count))
			fail_msg("\"%s\": %d, %zu", rows[i].text, ok, list.count);
	}
	assert_true(redis_sentinels_parse(&list, "a:1, b:2,[::1]:3"));
	assert_string_equal(list.at[1].host, "b");
	assert_int_equal(list.at[2].port, 3);
}

#define NAMED "['10.0.0.1' '6379']"

/* Replies to the steps from SENTINEL_AUTH on; NULL: not asked. */
static const struct {
	const char *replies[SENTINEL_STEPS];
	enum redis_sentinel_result result;
	const char *host;
	int64_t epoch;
	const char *error; /* its beginning */
} answers[] = {
	{ { NULL, NAMED, "['name' 'm' 'config-epoch' '7' 'quorum' '2']" }, SENTINEL_NAMES, "10.0.0.1", 7, "" },
	{ { "'OK'", NAMED, "['config-epoch' '0']" }, SENTINEL_NAMES, "10.0.0.1", 0, "" },
	{ { NULL, "['::1' '6379']", "['config-epoch' '1']" }, SENTINEL_NAMES, "::1", 1, "" },
	{ { NULL, NAMED, "!'NOPERM this user'" }, SENTINEL_NAMES, "10.0.0.1", -1, "" },
	{ { NULL, NAMED, "['name' 'm']" }, SENTINEL_NAMES, "10.0.0.1", -1, "" },
	{ { NULL, NAMED, "['name' 'm' 'config-epoch']" }, SENTINEL_NAMES, "10.0.0.1", -1, "" },
	{ { NULL, NAMED, "[1 2 'config-epoch' 3]" }, SENTINEL_NAMES, "10.0.0.1", -1, "" },
	{ { NULL, "nil", "!'ERR No such master'" },
	  SENTINEL_REFUSES,
	  NULL,
	  -1,
	  "it knows no master \"m\"; correct redis." },
	{ { NULL, "!'NOAUTH x'", "!'NOAUTH x'" },
	  SENTINEL_REFUSES,
	  NULL,
	  -1,
	  "NOAUTH x; set redis.sentinel_password_file" },
	{ { "!'WRONGPASS x'", "!'NOAUTH y'", "!'NOAUTH y'" },
	  SENTINEL_REFUSES,
	  NULL,
	  -1,
	  "WRONGPASS x; check redis.sentinel_u" },
	{ { "!'WRONGPASS x'", "nil", "nil" }, SENTINEL_REFUSES, NULL, -1, "WRONGPASS x;" },
	{ { "!'WRONGPASS x'", NAMED, "['config-epoch' '7']" }, SENTINEL_REFUSES, NULL, -1, "WRONGPASS x;" },
	{ { "'OK'", "!'NOPERM x'", "!'NOPERM x'" }, SENTINEL_REFUSES, NULL, -1, "NOPERM x; give the user +sentinel|" },
	{ { NULL, "!'ERR unknown command SENTINEL'", "nil" },
	  SENTINEL_REFUSES,
	  NULL,
	  -1,
	  "ERR unknown command SENTINEL; "
	  "this is no Sentinel" },
	{ { NULL, "!'ERR else'", "nil" }, SENTINEL_REFUSES, NULL, -1, "ERR else; look at the log" },
	{ { NULL, "['10.0.0.1' '0']", "nil" }, SENTINEL_REFUSES, NULL, -1, "its answer has another form" },
	{ { NULL, "['' '6379']", "nil" }, SENTINEL_REFUSES, NULL, -1, "its answer has another form" },
	{ { NULL, "['a b' '6379']", "nil" }, SENTINEL_REFUSES, NULL, -1, "its answer has another form" },
	{ { NULL, "['a']", "nil" }, SENTINEL_REFUSES, NULL, -1, "its answer has another form" },
	{ { NULL, "['a' 1]", "nil" }, SENTINEL_REFUSES, NULL, -1, "its answer has another form" },
	{ { NULL, "'a:1'", "nil" }, SENTINEL_REFUSES, NULL, -1, "its answer has another form" },
};

static void test_answers(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(answers) / sizeof(*answers); i++) {
		struct redis_sentinel_answer answer = SENTINEL_ANSWER_NONE;
		for (int step = 0; step < SENTINEL_STEPS; step++) {
			if (!answers[i].replies[step])
				continue;
			redisReply *reply = reply_of(answers[i].replies[step]);
			redis_sentinel_read(&answer, step, reply, "m");
			freeReplyObject(reply);
		}
		bool fits = answer.result == answers[i].result && answer.epoch == answers[i].epoch &&
			    strncmp(answer.error, answers[i].error, strlen(answers[i].error)) == 0 &&
			    (answers[i].error[0] || !answer.error[0]);
		if (!fits)
			fail_msg("row %zu: %d, %lld, %s", i, answer.result, (long long)answer.epoch, answer.error);
		if (answers[i].host)
			assert_string_equal(answer.master.host, answers[i].host);
	}
}

static void test_long_names_fit(void **state)
{
	(void)state;
	char text[400];
	for (int size = 250; size < 300; size += 3) {
		struct redis_sentinel_answer answer = SENTINEL_ANSWER_NONE;
		snprintf(text, sizeof(text), "['%0*d' '65535']", size, 0);
		redisReply *reply = reply_of(text);
		redis_sentinel_read(&answer, SENTINEL_ADDRESS, reply, "m");
		freeReplyObject(reply);
		assert_int_equal(answer.result, size <= 253 ? SENTINEL_NAMES : SENTINEL_REFUSES);
	}
}

/* ---- questions ---- */

static struct config config_with(char *user, char *password_file)
{
	return (struct config){ .redis_sentinel_master = (char *)"my master",
				.redis_sentinel_user = user,
				.redis_sentinel_password_file = password_file,
				.redis_timeout = 3000 };
}

static void check_bytes(enum redis_sentinel_step step, const struct config *config, const char *expected)
{
	char *bytes;
	int size = redis_sentinel_format(&bytes, step, config, "p w");
	assert_int_equal(size, strlen(expected));
	assert_memory_equal(bytes, expected, (size_t)size);
	redisFreeCommand(bytes);
}

static void test_questions(void **state)
{
	(void)state;
	struct config config = config_with((char *)"", (char *)"");
	check_bytes(SENTINEL_AUTH, &config, "*3\r\n$4\r\nAUTH\r\n$7\r\ndefault\r\n$3\r\np w\r\n");
	check_bytes(SENTINEL_ADDRESS, &config,
		    "*3\r\n$8\r\nSENTINEL\r\n$23\r\nget-master-addr-by-name\r\n$9\r\nmy master\r\n");
	check_bytes(SENTINEL_STATE, &config, "*3\r\n$8\r\nSENTINEL\r\n$6\r\nmaster\r\n$9\r\nmy master\r\n");
	config.redis_sentinel_user = (char *)"u";
	check_bytes(SENTINEL_AUTH, &config, "*3\r\n$4\r\nAUTH\r\n$1\r\nu\r\n$3\r\np w\r\n");
}

static void test_beginning(void **state)
{
	(void)state;
	char path[] = "/tmp/test_redis_sentinel_XXXXXX", password[SECRET_SIZE];
	struct redis_sentinel_answer answer;
	struct config config = config_with((char *)"", (char *)"");
	assert_int_equal(redis_sentinel_begin(&config, password, &answer), SENTINEL_ADDRESS);
	int file = mkstemp(path);
	assert_int_equal(write(file, "word\n", 5), 5);
	close(file);
	config.redis_sentinel_password_file = path;
	assert_int_equal(redis_sentinel_begin(&config, password, &answer), SENTINEL_AUTH);
	assert_string_equal(password, "word");
	unlink(path);
	assert_int_equal(redis_sentinel_begin(&config, password, &answer), SENTINEL_STEPS);
	assert_int_equal(answer.result, SENTINEL_REFUSES);
	assert_non_null(strstr(answer.error, path));
}

/* ---- rounds ---- */

static void note(struct redis_sentinel_round *round, int port, enum redis_sentinel_result result, const char *error)
{
	struct address sentinel = { "s", port };
	struct redis_sentinel_answer answer = { .result = result };
	snprintf(answer.error, sizeof(answer.error), "%s", error);
	redis_sentinel_note(round, &sentinel, &answer);
}

/* A refusal says more than a silence, whichever comes last. */
static void test_rounds(void **state)
{
	(void)state;
	struct redis_sentinel_round round = { 0 };
	note(&round, 1, SENTINEL_SILENT, "refused");
	note(&round, 2, SENTINEL_SILENT, "late");
	assert_string_equal(round.error,
			    "no Sentinel answers, of 2 asked the last was s:2: late; are they running? check "
			    "redis.sentinels");
	note(&round, 3, SENTINEL_REFUSES, "it knows none");
	note(&round, 4, SENTINEL_SILENT, "late");
	assert_string_equal(round.error, "Sentinel s:3: it knows none");
	assert_int_equal(round.asked, 4);
	assert_int_equal(round.refused, 1);
}

static void test_patience(void **state)
{
	(void)state;
	struct config config = { .redis_timeout = 3000 };
	assert_int_equal(redis_sentinel_patience_ms(&config), 1000);
	config.redis_timeout = 200;
	assert_int_equal(redis_sentinel_patience_ms(&config), 200);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lists),          cmocka_unit_test(test_answers),
		cmocka_unit_test(test_long_names_fit), cmocka_unit_test(test_questions),
		cmocka_unit_test(test_beginning),      cmocka_unit_test(test_rounds),
		cmocka_unit_test(test_patience),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
