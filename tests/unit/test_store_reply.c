/* SPDX-License-Identifier: Apache-2.0 */
#include "store_reply.h"
#include "reply_text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#define UUID "0a1b2c3d-4e5f-4071-8293-a4b5c6d7e8f9"
#define KEY "000102030405060708090a0b0c0d0eff"
#define HOUR "3600000"

/* ---- apply ---- */

static void test_apply(void **state)
{
	static const struct {
		const char *text;
		int result; /* -1: another shape */
	} rows[] = {
		{ "['ok' 20 0 0]", APPLY_OK },
		{ "['done' 20 1 2]", APPLY_OK },
		{ "['refused' -1 0 0]", APPLY_REFUSED },
		{ "['foreign' 20 0 0]", APPLY_FOREIGN },
		{ "['ok' 20 0 0 'more']", APPLY_OK },
		{ "['ok' 20 0]", -1 },
		{ "['okay' 20 0 0]", -1 },
		{ "['o' 20 0 0]", -1 },
		{ "['' 20 0 0]", -1 },
		{ "[nil 20 0 0]", -1 },
		{ "[1 20 0 0]", -1 },
		{ "[['ok'] 20 0 0]", -1 },
		{ "['ok' 20 '0' 0]", -1 },
		{ "['ok' 20 -1 0]", -1 },
		{ "['ok' 20 0 4294967296]", -1 },
		{ "[]", -1 },
		{ "'ok'", -1 },
		{ "nil", -1 },
		{ "!LOADING", -1 },
		{ "5", -1 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		redisReply *reply = reply_of(rows[i].text);
		struct apply_reply apply;
		int result = reply_apply(reply, &apply) ? (int)apply.result : -1;

		if (result != rows[i].result)
			fail_msg("%s gives %d", rows[i].text, result);
		freeReplyObject(reply);
	}
}

static void test_apply_counts(void **state)
{
	redisReply *reply = reply_of("['done' 20 7 4294967295]");
	struct apply_reply apply;

	(void)state;
	assert_true(reply_apply(reply, &apply));
	assert_int_equal(apply.conflicts, 7);
	assert_int_equal(apply.unmatched, UINT32_MAX);
	freeReplyObject(reply);
}

/* ---- state ---- */

static void test_state(void **state)
{
	static const struct {
		const char *text, *expected;
	} rows[] = {
		{ "['missing']", "missing" },
		{ "['ok' '" UUID "' 3 20]", "3 20" },
		{ "['ok' '" UUID "' 0 9223372036854775807]", "0 9223372036854775807" },
		{ "['ok' '" UUID "' 20 20]", "20 20" },
		{ "['ok' '" UUID "' 21 20]", "no" },
		{ "['ok' '" UUID "' -1 20]", "no" },
		{ "['ok' '" UUID "' 3 nil]", "no" },
		{ "['ok' '" UUID "' '3' 20]", "no" },
		{ "['ok' '" UUID "' 3]", "no" },
		{ "['ok' '0A1B2C3D-4E5F-4071-8293-A4B5C6D7E8F9' 3 20]", "no" },
		{ "['ok' '0a1b2c3d-4e5f-4071-8293-a4b5c6d7e8f' 3 20]", "no" },
		{ "['ok' '0a1b2c3d-4e5f-4071-8293-a4b5c6d7e8f90' 3 20]", "no" },
		{ "['ok' nil 3 20]", "no" },
		{ "['created' '" UUID "' 3 20]", "no" },
		{ "[]", "no" },
		{ "!NOAUTH", "no" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		redisReply *reply = reply_of(rows[i].text);
		struct load_reply found;
		char text[64] = "no";

		if (reply_state(reply, &found) && found.missing)
			strcpy(text, "missing");
		else if (reply_state(reply, &found))
			snprintf(text, sizeof text, "%lld %lld", (long long)found.start, (long long)found.applied);
		if (strcmp(text, rows[i].expected) != 0)
			fail_msg("%s gives %s", rows[i].text, text);
		freeReplyObject(reply);
	}
}

/* ---- load ---- */

static void describe(const redisReply *reply, char *text, size_t size)
{
	struct state_reply found;
	int used;

	snprintf(text, size, "no");
	if (!reply_load(reply, &found))
		return;
	assert_true(found.load.ok);
	if (found.load.missing) {
		snprintf(text, size, "missing");
		return;
	}
	assert_memory_equal(found.load.uuid, UUID, STORE_UUID_SIZE);
	assert_int_equal(found.key[1], 1);
	assert_int_equal(found.key[15], 0xff);
	used = snprintf(text, size, "%s%lld %lld T%lld ids%zu", found.load.created ? "created " : "",
			(long long)found.load.start, (long long)found.load.applied, (long long)found.stream_time_ms,
			found.journal_ids);
	for (size_t i = 0; i < found.hour_count; i++)
		used += snprintf(text + used, size - (size_t)used, " %u", found.hours[i]);
}

#define LOAD(status, time, hours, bytes) "['" status "' '" UUID "' '" KEY "' 3 20 " time " '" hours "' " bytes "]"

static void test_load(void **state)
{
	static const struct {
		const char *text, *expected;
	} rows[] = {
		{ "['missing']", "missing" },
		{ LOAD("created", "-1", "", "0"), "created 3 20 T-1 ids0" },
		{ LOAD("ok", "-1", "0", "16"), "3 20 T-1 ids2 0" },
		{ LOAD("ok", HOUR, "0,1", "17"), "3 20 T3600000 ids2 0 1" },
		{ LOAD("ok", "1764060000000", "489990,490016", "80"), "3 20 T1764060000000 ids10 489990 490016" },
		{ LOAD("ok", "-9", "", "0"), "3 20 T-1 ids0" },
		/* more ids than there is memory for: said by a store that is damaged */
		{ LOAD("ok", HOUR, "1", "9223372036854775807"), "3 20 T3600000 ids67108864 1" },
		{ LOAD("ok", HOUR, "1", "-8"), "no" },
		{ LOAD("okay", HOUR, "1", "8"), "no" },
		/* buckets that no decision can have made */
		{ LOAD("ok", HOUR, "2", "8"), "no" },
		{ LOAD("ok", "-1", "1", "8"), "no" },
		{ LOAD("ok", "1764060000000", "490016,489990", "8"), "no" },
		{ LOAD("ok", "1764060000000", "490016,490016", "8"), "no" },
		{ LOAD("ok", "1764060000000", "4294967312", "8"), "no" },
		{ LOAD("ok", HOUR, "-1", "8"), "no" },
		{ LOAD("ok", HOUR, "+1", "8"), "no" },
		{ LOAD("ok", HOUR, ",1", "8"), "no" },
		{ LOAD("ok", HOUR, "1,", "8"), "no" },
		{ LOAD("ok", HOUR, "0,,1", "8"), "no" },
		{ LOAD("ok", HOUR, "0;1", "8"), "no" },
		{ LOAD("ok", HOUR, "x", "8"), "no" },
		{ LOAD("ok", HOUR, "00000000000", "8"), "no" },
		/* a time beyond what an hour can be counted in */
		{ LOAD("ok", "9223372036854775807", "1", "8"), "no" },
		{ "['ok' '" UUID "' '000102030405060708090A0B0C0D0E0F' 3 20 -1 '' 0]", "no" },
		{ "['ok' '" UUID "' ' 1 2 3 4 5 6 7 8 9 a b c d e f0' 3 20 -1 '' 0]", "no" },
		{ "['ok' '" UUID "' '0001' 3 20 -1 '' 0]", "no" },
		{ "['ok' '" UUID "' '" KEY "' 30 20 -1 '' 0]", "no" },
		{ "['ok' '" UUID "' '" KEY "' 3 20 nil '' 0]", "no" },
		{ "['ok' '" UUID "' '" KEY "' 3 20 -1 nil 0]", "no" },
		{ "['ok' '" UUID "' '" KEY "' 3 20 -1 '']", "no" },
		{ "!WRONGTYPE", "no" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		redisReply *reply = reply_of(rows[i].text);
		char text[256];

		describe(reply, text, sizeof text);
		if (strcmp(text, rows[i].expected) != 0)
			fail_msg("%s gives %s", rows[i].text, text);
		freeReplyObject(reply);
	}
}

static void test_load_of_too_many_buckets(void **state)
{
	(void)state;
	for (int count = REPLY_HOURS_MAX; count <= REPLY_HOURS_MAX + 1; count++) {
		char text[4096];
		int used = snprintf(text, sizeof text, "['ok' '" UUID "' '" KEY "' 3 20 1764060000000 '1000");
		struct state_reply found;

		for (int hour = 1001; hour < 1000 + count; hour++)
			used += snprintf(text + used, sizeof text - (size_t)used, ",%d", hour);
		snprintf(text + used, sizeof text - (size_t)used, "' 8]");
		redisReply *reply = reply_of(text);
		assert_int_equal(reply_load(reply, &found), count == REPLY_HOURS_MAX);
		freeReplyObject(reply);
	}
}

/* ---- settings ---- */

static void test_info(void **state)
{
	static const struct {
		const char *text, *expected;
	} rows[] = {
		{ "'redis_version:7.0.15\r\nrole:master\r\naof_enabled:1\r\nmaxmemory:0\r\n'", "7 - - -" },
		{ "'# Server\r\nredis_version:6.2\r\nmaxmemory:9\r\nmaxmemory_policy:noeviction\r\n'", "6 - - -" },
		{ "'maxmemory:9\r\nmaxmemory_policy:allkeys-lru\r\n'", "0 evict - -" },
		{ "'maxmemory:9\r\n'", "0 evict - -" },
		{ "'maxmemory_policy:allkeys-lru\r\n'", "0 - - -" },
		{ "'role:slave'", "0 - replica -" },
		{ "'role:slaves\r\naof_enabled:0'", "0 - - noaof" },
		{ "'x_role:slave\r\n:\r\n\r\n\n'", "0 - - -" },
		{ "'redis_version:99999999999999999999'", "2147483647 - - -" },
		{ "'redis_version:x'", "0 - - -" },
		{ "''", "0 - - -" },
		{ "nil", "no" },
		{ "['redis_version:7']", "no" },
		{ "!NOPERM", "no" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		redisReply *reply = reply_of(rows[i].text);
		struct info_reply info;
		char text[64] = "no";

		if (reply_info(reply, &info))
			snprintf(text, sizeof text, "%d %s %s %s", info.version_major, info.may_evict ? "evict" : "-",
				 info.is_replica ? "replica" : "-", info.without_append_file ? "noaof" : "-");
		if (strcmp(text, rows[i].expected) != 0)
			fail_msg("%s gives %s", rows[i].text, text);
		freeReplyObject(reply);
	}
}

static void test_setting(void **state)
{
	static const struct {
		const char *text;
		int64_t value; /* -1: none */
	} rows[] = {
		{ "['hash-max-listpack-entries' '128']", 128 },
		{ "['x' '0']", 0 },
		{ "['x' '']", -1 },
		{ "['x' 'no']", -1 },
		{ "['x' 5]", -1 },
		{ "['x']", -1 },
		{ "[]", -1 },
		{ "!NOPERM", -1 },
		{ "['x' '999999999999']", 2147483647 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		redisReply *reply = reply_of(rows[i].text);
		int64_t value;

		if (!reply_setting(reply, &value))
			value = -1;
		if (value != rows[i].value)
			fail_msg("%s gives %lld", rows[i].text, (long long)value);
		freeReplyObject(reply);
	}
}

static void test_library(void **state)
{
	static const struct {
		const char *text;
		bool there;
	} rows[] = {
		{ "[['library_name' 'riderwatch_v1' 'library_code' 'the code']]", true },
		{ "[['library_code' 'the code' 'engine' 'LUA']]", true },
		{ "[['library_code' 'the code.']]", false },
		{ "[['library_code' 'the']]", false },
		{ "[['library_code' nil]]", false },
		{ "[['library_code']]", false },
		{ "[['the code' 'library_code']]", false },
		{ "[['library_code' 'the code'] ['library_code' 'the code']]", false },
		{ "['library_code' 'the code']", false },
		{ "[nil]", false },
		{ "[]", false },
		{ "nil", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		redisReply *reply = reply_of(rows[i].text);

		if (reply_has_library(reply, "the code") != rows[i].there)
			fail_msg("%s", rows[i].text);
		freeReplyObject(reply);
	}
}

static void test_progress(void **state)
{
	static const struct {
		const char *text;
		int64_t applied, time_ms;
	} rows[] = {
		{ "['17' '1795572000000']", 17, 1795572000000 },
		{ "['0' '-1']", 0, -1 },
		{ "[nil nil]", -1, -1 },
		{ "['17' nil]", 17, -1 },
		{ "['x7' '17 ']", -1, -1 },
		{ "['9999999999999999999' '']", -1, -1 },
		{ "['17']", -1, -1 },
		{ "!WRONGTYPE", -1, -1 },
		{ "nil", -1, -1 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		redisReply *reply = reply_of(rows[i].text);
		int64_t applied = -9, time_ms = -9;

		reply_progress(reply, &applied, &time_ms);
		if (applied != rows[i].applied || time_ms != rows[i].time_ms)
			fail_msg("%s", rows[i].text);
		freeReplyObject(reply);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_apply),
		cmocka_unit_test(test_apply_counts),
		cmocka_unit_test(test_state),
		cmocka_unit_test(test_load),
		cmocka_unit_test(test_load_of_too_many_buckets),
		cmocka_unit_test(test_info),
		cmocka_unit_test(test_setting),
		cmocka_unit_test(test_library),
		cmocka_unit_test(test_progress),
	};
	return cmocka_run_group_tests_name("store_reply", tests, NULL, NULL);
}
