/* SPDX-License-Identifier: Apache-2.0 */
/* Where a slot starts, or why it must not: what group, shadow group, Redis and log bounds say, a row each. */
#include "protocol_bench.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define NONE PROTOCOL_OFFSET_NONE

struct start_row {
	const char *name;
	/* Kafka: offset and uuid (NULL: not our metadata) of both groups, log bounds. */
	int64_t group;
	const char *group_uuid;
	int64_t shadow;
	const char *shadow_uuid;
	int64_t log_start, log_end;
	/* Redis: W and the offset the state was created at; uuid NULL: no state. */
	const char *uuid;
	int64_t start, applied;
	/* What the state is asked with, what comes of it, and the first live offset (0 when refused). */
	const char *load, *result;
	int64_t live_from;
	bool accept, rebuild, at_end; /* the operator's orders */
};

static const struct start_row start_rows[] = {
	{ "first start", NONE, NULL, NONE, NULL, 5, 90, "new", 5, 5, "load 0 create 5",
	  "notice 0 created 5, start 0 5, publish 0:5=", 5 },
	{ "first start at the end", NONE, NULL, NONE, NULL, 5, 90, "new", 90, 90, "load 0 create 90",
	  "notice 0 created 90, start 0 90, publish 0:90=", 90, .at_end = true },
	{ "first start, interrupted after it created the state", NONE, NULL, NONE, NULL, 5, 90, UUID_A, 5, 5,
	  "load 0 create 5", "start 0 5, publish 0:5=", 5 },
	{ "healthy", 40, UUID_A, 40, UUID_A, 5, 90, UUID_A, 5, 40, "load 0", "start 0 40, publish 0:40=", 40 },
	{ "crash between commit and apply", 40, UUID_A, 40, UUID_A, 5, 90, UUID_A, 5, 30, "load 0",
	  "start 0 30, publish 0:40=", 40 },
	{ "at the log's very end", 90, UUID_A, 90, UUID_A, 5, 90, UUID_A, 5, 90, "load 0",
	  "start 0 90, publish 0:90=", 90 },
	{ "at the log's very start", 5, UUID_A, 5, UUID_A, 5, 90, UUID_A, 0, 5, "load 0",
	  "start 0 5, publish 0:5=", 5 },
	{ "group rewound", 10, NULL, 40, UUID_A, 5, 90, UUID_A, 5, 30, "load 0",
	  "notice 0 behind 30, start 0 30, publish 0:40=", 40 },
	{ "group deleted", NONE, NULL, 40, UUID_A, 5, 90, UUID_A, 5, 30, "load 0",
	  "notice 0 behind 35, start 0 30, publish 0:40=", 40 },
	{ "group moved forward", 60, NULL, 40, UUID_A, 5, 90, UUID_A, 5, 40, "load 0",
	  "notice 0 ahead 20, start 0 40, publish 0:60=", 60 },
	{ "shadow expired", 40, UUID_A, NONE, NULL, 5, 90, UUID_A, 5, 30, "load 0",
	  "notice 0 shadow 1, start 0 30, publish 0:40=", 40 },
	{ "shadow moved by a tool counts as absent", 40, UUID_A, 80, NULL, 5, 90, UUID_A, 5, 40, "load 0",
	  "notice 0 shadow 1, start 0 40, publish 0:40=", 40 },
	{ "group lost its latest commits, accepted", 20, UUID_A, NONE, NULL, 5, 90, UUID_A, 5, 30, "load 0",
	  "notice 0 behind 10, notice 0 shadow 1, start 0 30, publish 0:30=", 30, .accept = true },
	{ "both gone", NONE, NULL, NONE, NULL, 5, 90, UUID_A, 5, 30, "load 0 create 5", "refuse 0 5", 0 },
	{ "both gone, accepted", NONE, NULL, NONE, NULL, 5, 90, UUID_A, 5, 30, "load 0 create 5",
	  "notice 0 behind 25, start 0 30, publish 0:30=", 30, .accept = true },
	{ "both reset by a tool", 10, NULL, 10, NULL, 5, 90, UUID_A, 5, 30, "load 0", "refuse 0 5", 0 },
	{ "both reset before anything was applied", 10, NULL, 10, NULL, 5, 90, UUID_A, 5, 5, "load 0", "refuse 0 5",
	  0 },
	{ "both reset, accepted", 10, NULL, 10, NULL, 5, 90, UUID_A, 5, 30, "load 0",
	  "notice 0 behind 20, start 0 30, publish 0:30=", 30, .accept = true },
	{ "Redis empty", 40, UUID_A, 40, UUID_A, 5, 90, NULL, 0, 0, "load 0", "refuse 0 1", 0 },
	{ "Redis empty, group set by hand before the first start", 40, NULL, NONE, NULL, 5, 90, NULL, 0, 0, "load 0",
	  "refuse 0 1", 0 },
	{ "Redis foreign", 40, UUID_A, 40, UUID_A, 5, 90, UUID_B, 5, 40, "load 0", "refuse 0 2", 0 },
	{ "Redis foreign, only the shadow tells", NONE, NULL, 40, UUID_A, 5, 90, UUID_B, 5, 40, "load 0", "refuse 0 2",
	  0 },
	{ "log no longer holds what Redis lacks", 40, UUID_A, 40, UUID_A, 31, 90, UUID_A, 5, 30, "load 0", "refuse 0 3",
	  0 },
	{ "log ends before C", 40, UUID_A, 40, UUID_A, 0, 39, UUID_A, 0, 30, "load 0", "refuse 0 4", 0 },
	{ "log ends before W", NONE, NULL, NONE, NULL, 0, 20, UUID_A, 0, 30, "load 0 create 0", "refuse 0 4", 0 },
	{ "rebuild is not done without need", 40, UUID_A, 40, UUID_A, 5, 90, UUID_A, 5, 30, "load 0",
	  "start 0 30, publish 0:40=", 40, .rebuild = true },
	{ "rebuild of an empty Redis", 40, UUID_A, 40, UUID_A, 5, 90, NULL, 0, 0, "load 0", "load 0 rebuild 5", 40,
	  .rebuild = true },
	{ "rebuild of a foreign Redis", 40, UUID_A, 40, UUID_A, 5, 90, UUID_B, 5, 40, "load 0", "load 0 rebuild 5", 40,
	  .rebuild = true },
	{ "rebuild cannot mend a topic that is too short", 40, UUID_A, 40, UUID_A, 0, 39, UUID_A, 0, 30, "load 0",
	  "refuse 0 4", 0, .rebuild = true },
};

static struct load_reply state_of(const struct start_row *row)
{
	struct load_reply reply = { .ok = true, .start = row->start, .applied = row->applied };

	if (row->uuid == NULL) {
		reply.missing = true;
		return reply;
	}
	reply.created = strcmp(row->uuid, "new") == 0;
	memcpy(reply.uuid, reply.created ? UUID_B : row->uuid, PROTOCOL_UUID_SIZE);
	return reply;
}

static void finish_rebuild(struct bench *bench, const struct start_row *row)
{
	struct load_reply fresh = { .ok = true, .created = true, .start = row->log_start, .applied = row->log_start };

	memset(fresh.uuid, 'f', PROTOCOL_UUID_SIZE);
	protocol_loaded(bench->protocol, 0, bench->token[0], &fresh, bench->now);
	EXPECT(bench, "notice 0 created 5, start 0 5, publish 0:40=");
}

/* What leads to a refusal or a rebuild must be seen twice. */
static void look_again(struct bench *bench, const struct start_row *row, const struct offsets_reply *offsets,
		       const struct load_reply *state)
{
	EXPECT(bench, "");
	bench->now += bench_settings.retry_ms;
	protocol_tick(bench->protocol, bench->now);
	EXPECT(bench, "read 0");
	protocol_offsets(bench->protocol, 0, bench->token[0], offsets, bench->now);
	EXPECT(bench, row->load);
	protocol_loaded(bench->protocol, 0, bench->token[0], state, bench->now);
}

static void check_start_row(const struct start_row *row)
{
	const int slot = 0;
	struct protocol_settings settings = bench_settings;
	struct bench bench;

	settings.accept_missing_offsets = row->accept;
	settings.rebuild = row->rebuild;
	settings.start_at_end = row->at_end;
	bench_open(&bench, &settings);
	protocol_store_ready(bench.protocol, bench.now);
	protocol_assigned(bench.protocol, &slot, 1, bench.now);
	EXPECT(&bench, "drop 0 assigned, read 0");
	struct offsets_reply offsets = {
		.ok = true,
		.group = bench_entry(row->group, row->group_uuid),
		.shadow = bench_entry(row->shadow, row->shadow_uuid),
		.log_start = row->log_start,
		.log_end = row->log_end,
	};
	protocol_offsets(bench.protocol, 0, bench.token[0], &offsets, bench.now);
	char expected[LINE_MAX_CHARS];
	snprintf(expected, sizeof(expected), "recreate, %s", row->load);
	EXPECT(&bench, expected);
	protocol_recreated(bench.protocol, true, bench.now);
	struct load_reply state = state_of(row);
	protocol_loaded(bench.protocol, 0, bench.token[0], &state, bench.now);
	if (row->uuid == NULL || strstr(row->result, "start 0") == NULL)
		look_again(&bench, row, &offsets, &state);
	EXPECT(&bench, row->result);
	if (row->rebuild && strstr(row->result, "rebuild") != NULL)
		finish_rebuild(&bench, row);
	assert_int_equal(protocol_live_from(bench.protocol, 0), row->live_from);
	bench_close(&bench);
}

static void test_start_decision(void **context)
{
	(void)context;
	for (size_t i = 0; i < sizeof(start_rows) / sizeof(start_rows[0]); i++) {
		print_message("row: %s\n", start_rows[i].name);
		check_start_row(&start_rows[i]);
	}
}

static void test_refusal_takes_two_looks(void **context)
{
	struct bench bench;
	const int slot = 0;

	(void)context;
	bench_open(&bench, &bench_settings);
	protocol_store_ready(bench.protocol, bench.now);
	protocol_assigned(bench.protocol, &slot, 1, bench.now);
	bench_actions(&bench);
	bench_answer_offsets(&bench, 0, NONE);
	EXPECT(&bench, "recreate, load 0 create 0");
	/* Hung here, while another daemon started, published and applied. */
	bench_answer_state(&bench, 0, 8, false);
	EXPECT(&bench, "");
	bench.now += 100;
	protocol_tick(bench.protocol, bench.now);
	EXPECT(&bench, "read 0");
	bench_answer_offsets(&bench, 0, 8);
	EXPECT(&bench, "load 0");
	bench_answer_state(&bench, 0, 8, false);
	EXPECT(&bench, "start 0 8");
	bench_close(&bench);
}

/* Loads the slot once more, as the protocol asks for, with a log that ends at log_end. */
static void look(struct bench *bench, int64_t log_end)
{
	struct offsets_reply offsets = {
		.ok = true, .group = bench_entry(8, UUID_A), .shadow = bench_entry(8, UUID_A), .log_end = log_end
	};

	bench->now += bench_settings.retry_ms;
	protocol_tick(bench->protocol, bench->now);
	EXPECT(bench, "read 0");
	protocol_offsets(bench->protocol, 0, bench->token[0], &offsets, bench->now);
	if (log_end < 8) /* C was there already */
		return;
	EXPECT(bench, "load 0");
	bench_answer_state(bench, 0, 8, false);
}

static void test_out_of_range_is_looked_at(void **context)
{
	struct protocol_settings settings = bench_settings;
	struct bench bench;

	(void)context;
	settings.refuse_after_ms = 250;
	bench_live_with(&bench, &settings, 1, 8, 8);
	protocol_out_of_range(bench.protocol, 0, bench.now);
	EXPECT(&bench, "drop 0 out_of_range");
	look(&bench, 5); /* of a broker that does not lead any more */
	EXPECT(&bench, "");
	look(&bench, 5);
	EXPECT(&bench, "");
	look(&bench, 90);
	EXPECT(&bench, "start 0 8, publish 0:8=");

	protocol_published(bench.protocol, PUBLISH_COMMITTED, false, bench.now);
	protocol_out_of_range(bench.protocol, 0, bench.now);
	EXPECT(&bench, "drop 0 out_of_range");
	for (int i = 0; i < 3; i++) {
		look(&bench, 5);
		EXPECT(&bench, "");
	}
	protocol_out_of_range(bench.protocol, 0, bench.now); /* it loads already */
	look(&bench, 5);
	EXPECT(&bench, "refuse 0 4");
	bench_close(&bench);
}

static void test_start_tells_another_ruleset(void **context)
{
	struct bench bench;
	const int slot = 0;

	(void)context;
	bench_open(&bench, &bench_settings);
	protocol_set_ruleset(bench.protocol, RULESET + 1);
	protocol_store_ready(bench.protocol, bench.now);
	protocol_assigned(bench.protocol, &slot, 1, bench.now);
	bench_actions(&bench);
	bench_answer_offsets(&bench, 0, 9);
	bench_actions(&bench);
	bench_answer_state(&bench, 0, 4, false);
	EXPECT(&bench, "notice 0 ruleset 5, start 0 4");
	bench_close(&bench);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_start_decision),
		cmocka_unit_test(test_refusal_takes_two_looks),
		cmocka_unit_test(test_out_of_range_is_looked_at),
		cmocka_unit_test(test_start_tells_another_ruleset),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
