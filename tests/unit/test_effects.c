/* SPDX-License-Identifier: Apache-2.0 */
/* The command as a list of arguments. What Redis makes of it is test_redis_function's business. */
#include "effects.h"
#include "must.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#define UUID "aaaaaaaa-1111-4111-8111-aaaaaaaaaaaa"
#define ABSENT ((struct slice){ NULL, 0 })

struct fixture {
	struct arena arena;
	struct effects *effects;
	struct apply_target target;
};

static int set_up(void **state)
{
	struct fixture *fixture = calloc(1, sizeof *fixture);
	arena_init(&fixture->arena);
	fixture->effects = effects_new(&fixture->arena);
	fixture->target = (struct apply_target){ .topic = SLICE("rider.reports.v1"),
						 .partition = 31,
						 .from = 10,
						 .to = 20,
						 .stream_time_ms = 1795572000123,
						 .dedup_hours = 24,
						 .limits = { 1000, 20, 5000, 2, -50 } };
	memcpy(fixture->target.store_uuid, UUID, STORE_UUID_SIZE);
	*state = fixture;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;
	arena_fini(&fixture->arena);
	free(fixture);
	return 0;
}

/* ---- reading the command back ---- */

struct arguments {
	struct slice *list;
	size_t count;
};

static size_t read_number(const char **at, const char *end, char kind)
{
	char *after;
	assert_true(*at < end && **at == kind);
	size_t number = strtoul(*at + 1, &after, 10);
	assert_memory_equal(after, "\r\n", 2);
	*at = after + 2;
	return number;
}

static struct arguments parse(struct slice command, struct arena *arena)
{
	const char *at = command.data, *end = command.data + command.size;
	struct arguments arguments = { .count = read_number(&at, end, '*') };
	arguments.list = arena_alloc(arena, arguments.count * sizeof *arguments.list);
	for (size_t i = 0; i < arguments.count; i++) {
		size_t size = read_number(&at, end, '$');
		assert_true((size_t)(end - at) >= size + 2);
		arguments.list[i] = (struct slice){ at, size };
		assert_memory_equal(at + size, "\r\n", 2);
		at += size + 2;
	}
	assert_ptr_equal(at, end);
	return arguments;
}

static struct arguments command_of(struct fixture *fixture)
{
	return parse(effects_apply_command(fixture->effects, &fixture->target, &fixture->arena), &fixture->arena);
}

/* All arguments, joined by spaces. */
static void assert_command(struct fixture *fixture, const char *expected)
{
	struct arguments arguments = command_of(fixture);
	char text[4096];
	size_t size = 0;
	for (size_t i = 0; i < arguments.count; i++)
		size += (size_t)snprintf(text + size, sizeof text - size, "%s%.*s", i ? " " : "",
					 (int)arguments.list[i].size, arguments.list[i].data);
	assert_string_equal(text, expected);
}

#define HEAD(keys)                                                                                                     \
	"FCALL rw_apply_v1 " keys " rw:{31}:log:rider.reports.v1 rw:{31}:totals rw:{31}:totals:20261125 "              \
	"rw:{31}:seen:rider.reports.v1:498770"
#define TARGET UUID " 10 20 1795572000123 498770 24 1000 20 5000 -50"

static void test_empty_chunk(void **state)
{
	assert_command(*state, HEAD("4") " " TARGET "  0 0 0");
}

static void test_sums_and_groups(void **state)
{
	struct fixture *fixture = *state;
	for (int i = 0; i < 3; i++) {
		effects_heard(fixture->effects, SLICE("a"), 1000 + i);
		effects_count(fixture->effects, SLICE("a"), SLICE("440305"), COUNTER_DELIVERIES, 1);
		effects_heard(fixture->effects, SLICE("b"), 2000);
		effects_count(fixture->effects, SLICE("b"), SLICE("010203"), COUNTER_DELIVERIES, 1);
	}
	effects_count(fixture->effects, SLICE("c"), ABSENT, COUNTER_SCORE, -2);
	effects_heard(fixture->effects, SLICE("a"), 7);
	assert_command(fixture, HEAD("7") " rw:{31}:rider:a rw:{31}:rider:b rw:{31}:rider:c " TARGET "  "
					  "4 deliveries 6 score -2 440305:deliveries 3 010203:deliveries 3 "
					  "2 2 1 deliveries 3 1002 2000 1 1 score -2 -1 0");
}

static void test_effects_in_order(void **state)
{
	struct fixture *fixture = *state;
	effects_report(fixture->effects, SLICE("a"), SLICE("440305"), 0xabc, CATEGORY_FOOD, (struct points){ 300, 10 });
	effects_review(fixture->effects, SLICE("b"), 0xdef, DECISION_DUPLICATE);
	effects_report(fixture->effects, SLICE("a"), ABSENT, 0xffffffffffffffffu, CATEGORY_OTHER,
		       (struct points){ 0, 0 });
	assert_command(fixture,
		       HEAD("12") " rw:{31}:rider:a rw:{31}:rider:a:20261125 rw:{31}:report:0000000000000abc "
				  "rw:{31}:rider:b rw:{31}:report:0000000000000def "
				  "rw:{31}:rider:a rw:{31}:rider:a:20261125 rw:{31}:report:ffffffffffffffff " TARGET
				  "  0 0 "
				  "3 report food 300 10 440305 review duplicate report other 0 0 ");
}

static void test_journal_is_little_endian(void **state)
{
	struct fixture *fixture = *state;
	effects_journal(fixture->effects, 0x0102030405060708u);
	effects_journal(fixture->effects, 0xff00000000000000u);
	struct arguments arguments = command_of(fixture);
	struct slice journal = arguments.list[3 + 4 + 10];
	assert_int_equal(journal.size, 16);
	assert_memory_equal(journal.data, "\x08\x07\x06\x05\x04\x03\x02\x01\0\0\0\0\0\0\0\xff", 16);
}

static void test_time_unknown(void **state)
{
	struct fixture *fixture = *state;
	fixture->target.stream_time_ms = -1;
	struct arguments arguments = command_of(fixture);
	assert_true(slice_equal(arguments.list[5], SLICE("rw:{31}:totals:19700101")));
	assert_true(slice_equal(arguments.list[6], SLICE("rw:{31}:seen:rider.reports.v1:0")));
}

/* More riders and areas than any table starts with; each one is found again. */
static void test_many_riders(void **state)
{
	enum { RIDERS = 5000 };
	struct fixture *fixture = *state;
	for (int pass = 0; pass < 2; pass++) {
		for (int i = 0; i < RIDERS; i++) {
			char rider[16], area[16];
			snprintf(rider, sizeof rider, "%d", i);
			snprintf(area, sizeof area, "%06d", i);
			effects_count(fixture->effects, slice_of(rider), slice_of(area), COUNTER_DELIVERIES, 1 + i % 3);
		}
	}
	struct arguments arguments = command_of(fixture);
	/* name, keys; log .. bucket; riders; fixed; totals; three groups with 4 arguments and a time a rider; no
	 * effects */
	assert_int_equal(arguments.count, 3 + 4 + RIDERS + 11 + 1 + 2 * (1 + RIDERS) + 1 + 3 * 4 + RIDERS + 1);
	assert_true(slice_equal(arguments.list[7], SLICE("rw:{31}:rider:0")));
	assert_true(slice_equal(arguments.list[8], SLICE("rw:{31}:rider:3")));
}

static void test_same_command_twice(void **state)
{
	struct fixture *fixture = *state;
	effects_count(fixture->effects, SLICE("a"), ABSENT, COUNTER_REPORTS, 1);
	struct slice once = effects_apply_command(fixture->effects, &fixture->target, &fixture->arena);
	struct slice again = effects_apply_command(fixture->effects, &fixture->target, &fixture->arena);
	assert_true(slice_equal(once, again));
}

/* ---- rider_key ---- */

static void test_rider_key(void **state)
{
	static const struct {
		struct slice id, key;
	} rows[] = {
		{ SLICE("r-1_2.Z"), SLICE("r-1_2.Z") },
		{ SLICE("a:b{c}"), SLICE("a%3Ab%7Bc%7D") },
		{ SLICE("a%3Ab"), SLICE("a%253Ab") },
		{ SLICE("~tilde"), SLICE("%7Etilde") },
		{ SLICE("\"quoted\" \r\n"), SLICE("%22quoted%22%20%0D%0A") },
		{ SLICE("\0x\xff"), SLICE("%00x%FF") },
		{ SLICE("骑手"), SLICE("%E9%AA%91%E6%89%8B") },
	};
	struct fixture *fixture = *state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct slice key = rider_key(rows[i].id, &fixture->arena);
		assert_int_equal(key.size, rows[i].key.size);
		assert_memory_equal(key.data, rows[i].key.data, key.size);
	}
}

static void test_rider_id_of_key(void **state)
{
	struct fixture *fixture = *state;
	static const struct slice ids[] = { SLICE("r"), SLICE("骑手-9"), SLICE("a b\tc%41"), SLICE(""), SLICE("\0x") };
	for (size_t i = 0; i < sizeof ids / sizeof *ids; i++) {
		struct slice id = rider_id_of_key(rider_key(ids[i], &fixture->arena), &fixture->arena);
		assert_true(slice_equal(id, ids[i]));
	}
	static const char *const others[] = {
		"~0123456789abcdef0123456789abcdef", "a:b", "%4", "%4g", "%e9", "a%", "骑"
	};
	for (size_t i = 0; i < sizeof others / sizeof *others; i++)
		assert_null(rider_id_of_key(slice_of(others[i]), &fixture->arena).data);
}

static void test_long_rider_key_is_hashed(void **state)
{
	struct fixture *fixture = *state;
	char id[10240];
	memset(id, 'a', sizeof id);
	assert_int_equal(rider_key((struct slice){ id, 128 }, &fixture->arena).size, 128);
	/* printf 'a%.0s' {1..129} | sha256sum */
	struct slice key = rider_key((struct slice){ id, 129 }, &fixture->arena);
	assert_true(slice_equal(key, SLICE("~c12cb024a2e5551cca0e08fce8f1c5e3")));
	struct slice long_key = rider_key((struct slice){ id, sizeof id }, &fixture->arena);
	assert_int_equal(long_key.size, 33);
	assert_false(slice_equal(key, long_key));
	/* 43 escaped bytes are 129 characters */
	memset(id, ':', sizeof id);
	assert_int_equal(rider_key((struct slice){ id, 42 }, &fixture->arena).size, 126);
	assert_int_equal(rider_key((struct slice){ id, 43 }, &fixture->arena).size, 33);
}

static void test_counter_fields(void **state)
{
	(void)state;
	assert_string_equal(counter_field(COUNTER_REPORTS), "reports");
	assert_string_equal(counter_field(COUNTER_POINTS_PENDING), "points_pending");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_empty_chunk),        TEST(test_sums_and_groups),
		TEST(test_effects_in_order),   TEST(test_journal_is_little_endian),
		TEST(test_time_unknown),       TEST(test_many_riders),
		TEST(test_same_command_twice), TEST(test_rider_key),
		TEST(test_rider_id_of_key),    TEST(test_long_rider_key_is_hashed),
		TEST(test_counter_fields),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
