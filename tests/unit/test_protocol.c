/* SPDX-License-Identifier: Apache-2.0 */
/* Drives the protocol by hand: every walk feeds inputs and compares the actions, written as text, with what must come.
 * The simulator (tests/sim) proves the whole; this shows each rule alone. */
#include "protocol.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define UUID_A "aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa"
#define UUID_B "bbbbbbbb-bbbb-bbbb-bbbb-bbbbbbbbbbbb"
#define RULESET 7
#define LINE_MAX_CHARS 128
#define LOG_END 1000

struct bench {
	struct protocol *protocol;
	int64_t now;
	uint64_t token[4];
	struct protocol_chunk chunks[64];
	size_t used;
	char text[4096];
};

static const struct protocol_settings defaults = {
	.slots = 4,
	.apply_window = 8,
	.apply_queue_max = 16,
	.retry_ms = 100,
	.drain_ms = 5000,
	.recommit_ms = 86400000,
	.recreations_max = 3,
};

static void bench_open(struct bench *bench, const struct protocol_settings *settings)
{
	memset(bench, 0, sizeof(*bench));
	bench->now = 1000;
	bench->protocol = protocol_new(settings);
	protocol_set_ruleset(bench->protocol, RULESET);
}

static void bench_close(struct bench *bench)
{
	struct protocol_action action;

	protocol_close(bench->protocol);
	while (protocol_next(bench->protocol, &action))
		assert_true(action.kind == ACTION_FREE || action.kind == ACTION_DROP || action.kind == ACTION_RELEASE);
	protocol_free(&bench->protocol);
}

static int print_batch(char *out, size_t size, const struct protocol_batch *batch)
{
	int length = snprintf(out, size, "publish");

	for (size_t i = 0; i < batch->commit_count; i++)
		length += snprintf(out + length, size - (size_t)length, " %d:%lld%s", batch->commits[i].slot,
				   (long long)batch->commits[i].offset, batch->commits[i].unchanged ? "=" : "");
	return length;
}

static int print_load(char *out, size_t size, const struct protocol_action *action)
{
	if (action->rebuild)
		return snprintf(out, size, "load %d rebuild %lld", action->slot, (long long)action->create_at);
	if (action->may_create)
		return snprintf(out, size, "load %d create %lld", action->slot, (long long)action->create_at);
	return snprintf(out, size, "load %d", action->slot);
}

static const char *const notice_names[NOTICE_COUNT] = { "behind", "ahead", "shadow", "ruleset", "back", "created" };

static int print_action(char *out, size_t size, const struct protocol_action *action)
{
	const struct protocol_chunk *chunk = action->chunk;

	switch (action->kind) {
	case ACTION_DROP:
		return snprintf(out, size, "drop %d %s", action->slot, load_cause_text(action->cause));
	case ACTION_READ_OFFSETS:
		return snprintf(out, size, "read %d", action->slot);
	case ACTION_LOAD:
		return print_load(out, size, action);
	case ACTION_START:
		return snprintf(out, size, "start %d %lld", action->slot, (long long)action->offset);
	case ACTION_PUBLISH:
		return print_batch(out, size, action->batch);
	case ACTION_RECREATE:
		return snprintf(out, size, "recreate");
	case ACTION_APPLY:
		return snprintf(out, size, "apply %d %lld-%lld", action->slot, (long long)chunk->from,
				(long long)chunk->to);
	case ACTION_FREE:
		return snprintf(out, size, "free %d %lld-%lld", action->slot, (long long)chunk->from,
				(long long)chunk->to);
	case ACTION_RELEASE:
		return snprintf(out, size, "release");
	case ACTION_STOPPED:
		return snprintf(out, size, "stopped %s", action->clean ? "clean" : "unclean");
	case ACTION_REFUSE:
		return snprintf(out, size, "refuse %d %d", action->slot, (int)action->refusal);
	case ACTION_NOTICE:
		return snprintf(out, size, "notice %d %s %lld", action->slot, notice_names[action->notice],
				(long long)action->count);
	}
	return 0;
}

/* Takes all actions; leaves them as "one, two, three". */
static const char *actions(struct bench *bench)
{
	struct protocol_action action;
	size_t length = 0;

	bench->text[0] = '\0';
	while (protocol_next(bench->protocol, &action)) {
		if (action.kind == ACTION_READ_OFFSETS || action.kind == ACTION_LOAD)
			bench->token[action.slot] = action.token;
		if (length > 0)
			length += (size_t)sprintf(bench->text + length, ", ");
		length += (size_t)print_action(bench->text + length, sizeof(bench->text) - length, &action);
		assert_true(length < sizeof(bench->text) - LINE_MAX_CHARS);
	}
	return bench->text;
}

#define EXPECT(bench, text) assert_string_equal(actions(bench), text)

static struct committed_offset entry(int64_t offset, const char *uuid)
{
	struct committed_offset result = { .offset = offset, .ours = uuid != NULL, .ruleset = RULESET };

	if (uuid != NULL)
		memcpy(result.uuid, uuid, PROTOCOL_UUID_SIZE);
	return result;
}

static void answer_offsets(struct bench *bench, int slot, int64_t committed)
{
	struct offsets_reply reply = {
		.ok = true,
		.group = entry(committed, committed == PROTOCOL_OFFSET_NONE ? NULL : UUID_A),
		.shadow = entry(committed, committed == PROTOCOL_OFFSET_NONE ? NULL : UUID_A),
		.log_end = LOG_END,
	};

	protocol_offsets(bench->protocol, slot, bench->token[slot], &reply, bench->now);
}

static void answer_state(struct bench *bench, int slot, int64_t applied, bool created)
{
	struct load_reply reply = { .ok = true, .created = created, .applied = applied };

	memcpy(reply.uuid, UUID_A, PROTOCOL_UUID_SIZE);
	protocol_loaded(bench->protocol, slot, bench->token[slot], &reply, bench->now);
}

static struct protocol_chunk *add(struct bench *bench, int slot, int64_t from, int64_t to)
{
	struct protocol_chunk *chunk = &bench->chunks[bench->used++];

	*chunk = (struct protocol_chunk){ .slot = slot, .from = from, .to = to };
	protocol_add(bench->protocol, chunk);
	return chunk;
}

/* count slots, all with W = applied and C = committed, producer ready, offsets committed again. */
static void bench_live(struct bench *bench, int count, int64_t applied, int64_t committed)
{
	const int slots[] = { 0, 1, 2, 3 };

	bench_open(bench, &defaults);
	protocol_store_ready(bench->protocol, bench->now);
	protocol_assigned(bench->protocol, slots, (size_t)count, bench->now);
	actions(bench);
	for (int i = 0; i < count; i++)
		answer_offsets(bench, i, committed);
	actions(bench);
	for (int i = 0; i < count; i++)
		answer_state(bench, i, applied, false);
	protocol_recreated(bench->protocol, true, bench->now);
	actions(bench);
	protocol_published(bench->protocol, PUBLISH_COMMITTED, false, bench->now);
	EXPECT(bench, "");
}

/* ---- the start decision ---- */

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
	{ "group lost its latest commits", 20, UUID_A, NONE, NULL, 5, 90, UUID_A, 5, 30, "load 0",
	  "notice 0 behind 10, notice 0 shadow 1, start 0 30, publish 0:30=", 30 },
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
	bench->now += defaults.retry_ms;
	protocol_tick(bench->protocol, bench->now);
	EXPECT(bench, "read 0");
	protocol_offsets(bench->protocol, 0, bench->token[0], offsets, bench->now);
	EXPECT(bench, row->load);
	protocol_loaded(bench->protocol, 0, bench->token[0], state, bench->now);
}

static void check_start_row(const struct start_row *row)
{
	const int slot = 0;
	struct protocol_settings settings = defaults;
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
		.group = entry(row->group, row->group_uuid),
		.shadow = entry(row->shadow, row->shadow_uuid),
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
	bench_open(&bench, &defaults);
	protocol_store_ready(bench.protocol, bench.now);
	protocol_assigned(bench.protocol, &slot, 1, bench.now);
	actions(&bench);
	answer_offsets(&bench, 0, NONE);
	EXPECT(&bench, "recreate, load 0 create 0");
	/* Hung here, while another daemon started, published and applied. */
	answer_state(&bench, 0, 8, false);
	EXPECT(&bench, "");
	bench.now += 100;
	protocol_tick(bench.protocol, bench.now);
	EXPECT(&bench, "read 0");
	answer_offsets(&bench, 0, 8);
	EXPECT(&bench, "load 0");
	answer_state(&bench, 0, 8, false);
	EXPECT(&bench, "start 0 8");
	bench_close(&bench);
}

static void test_start_tells_another_ruleset(void **context)
{
	struct bench bench;
	const int slot = 0;

	(void)context;
	bench_open(&bench, &defaults);
	protocol_set_ruleset(bench.protocol, RULESET + 1);
	protocol_store_ready(bench.protocol, bench.now);
	protocol_assigned(bench.protocol, &slot, 1, bench.now);
	actions(&bench);
	answer_offsets(&bench, 0, 9);
	actions(&bench);
	answer_state(&bench, 0, 4, false);
	EXPECT(&bench, "notice 0 ruleset 5, start 0 4");
	bench_close(&bench);
}

/* ---- walks ---- */

static void test_publish_then_apply(void **context)
{
	struct bench bench;

	(void)context;
	bench_live(&bench, 2, 10, 10);
	struct protocol_chunk *first = add(&bench, 0, 10, 12);
	struct protocol_chunk *second = add(&bench, 1, 10, 11);
	add(&bench, 0, 12, 15);
	EXPECT(&bench, "");
	assert_true(protocol_can_publish(bench.protocol));
	protocol_publish(bench.protocol);
	EXPECT(&bench, "publish 0:15 1:11");
	assert_false(protocol_can_publish(bench.protocol));
	protocol_published(bench.protocol, PUBLISH_COMMITTED, false, bench.now);
	EXPECT(&bench, "apply 0 10-12, apply 1 10-11, apply 0 12-15");
	protocol_applied(bench.protocol, first, APPLY_OK, bench.now);
	protocol_applied(bench.protocol, second, APPLY_OK, bench.now);
	EXPECT(&bench, "free 0 10-12, free 1 10-11");
	struct protocol_view view;
	protocol_view(bench.protocol, 0, &view);
	assert_int_equal(view.applied, 12);
	assert_int_equal(view.published, 15);
	assert_int_equal(view.position, 15);
	bench_close(&bench);
}

static void test_muted_goes_to_redis_without_transaction(void **context)
{
	struct bench bench;

	(void)context;
	bench_live(&bench, 1, 10, 14);
	assert_int_equal(protocol_intake(bench.protocol, 0, 9), INTAKE_DROP);
	assert_int_equal(protocol_intake(bench.protocol, 0, 13), INTAKE_MUTED);
	assert_int_equal(protocol_intake(bench.protocol, 0, 14), INTAKE_LIVE);
	add(&bench, 0, 10, 13);
	EXPECT(&bench, "apply 0 10-13");
	/* 13 is a hole in the log: the live chunk begins below C. */
	add(&bench, 0, 13, 16);
	protocol_publish(bench.protocol);
	EXPECT(&bench, "publish 0:16");
	bench_close(&bench);
}

static void test_aborted_goes_again_in_order(void **context)
{
	struct bench bench;

	(void)context;
	bench_live(&bench, 2, 10, 10);
	add(&bench, 0, 10, 12);
	protocol_publish(bench.protocol);
	EXPECT(&bench, "publish 0:12");
	struct protocol_chunk *later = add(&bench, 0, 12, 13);
	protocol_published(bench.protocol, PUBLISH_ABORTED, false, bench.now);
	EXPECT(&bench, "");
	assert_false(protocol_can_publish(bench.protocol));
	assert_int_equal(protocol_next_tick(bench.protocol), bench.now + 100);
	bench.now += 100;
	protocol_tick(bench.protocol, bench.now);
	protocol_publish(bench.protocol);
	EXPECT(&bench, "publish 0:13");
	assert_ptr_equal(bench.chunks[0].next, later);
	bench_close(&bench);
}

static void test_tainted_producer_is_made_anew(void **context)
{
	struct bench bench;

	(void)context;
	bench_live(&bench, 1, 10, 10);
	add(&bench, 0, 10, 12);
	protocol_publish(bench.protocol);
	actions(&bench);
	add(&bench, 0, 12, 13);
	protocol_published(bench.protocol, PUBLISH_COMMITTED, true, bench.now);
	EXPECT(&bench, "apply 0 10-12, recreate");
	assert_false(protocol_can_publish(bench.protocol));
	protocol_recreated(bench.protocol, false, bench.now);
	EXPECT(&bench, "");
	bench.now += 100;
	protocol_tick(bench.protocol, bench.now);
	EXPECT(&bench, "recreate");
	protocol_recreated(bench.protocol, true, bench.now);
	assert_true(protocol_can_publish(bench.protocol));
	bench_close(&bench);
}

static void unknown_outcome(struct bench *bench)
{
	bench_live(bench, 2, 10, 10);
	add(bench, 0, 10, 12);
	add(bench, 1, 10, 13);
	protocol_publish(bench->protocol);
	EXPECT(bench, "publish 0:12 1:13");
	protocol_published(bench->protocol, PUBLISH_UNKNOWN, true, bench->now);
	EXPECT(bench, "recreate");
	protocol_recreated(bench->protocol, true, bench->now);
	EXPECT(bench, "read 0, read 1");
}

static void test_unknown_outcome_was_committed(void **context)
{
	struct bench bench;

	(void)context;
	unknown_outcome(&bench);
	answer_offsets(&bench, 0, 12);
	EXPECT(&bench, "");
	answer_offsets(&bench, 1, 13);
	EXPECT(&bench, "apply 0 10-12, apply 1 10-13");
	bench_close(&bench);
}

static void test_unknown_outcome_was_not_committed(void **context)
{
	struct bench bench;

	(void)context;
	unknown_outcome(&bench);
	answer_offsets(&bench, 1, 10);
	answer_offsets(&bench, 0, 10);
	EXPECT(&bench, "");
	protocol_publish(bench.protocol);
	EXPECT(&bench, "publish 0:12 1:13");
	bench_close(&bench);
}

static void test_unknown_outcome_that_disagrees_is_loaded(void **context)
{
	struct bench bench;

	(void)context;
	unknown_outcome(&bench);
	answer_offsets(&bench, 0, 12);
	answer_offsets(&bench, 1, 10);
	EXPECT(&bench, "drop 0 unknown_outcome, drop 1 unknown_outcome, free 0 10-12, free 1 10-13, read 0, read 1");
	bench_close(&bench);
}

static void test_load_waits_for_own_transaction(void **context)
{
	struct bench bench;

	(void)context;
	bench_live(&bench, 2, 10, 10);
	struct protocol_chunk *chunk = add(&bench, 0, 10, 11);
	protocol_publish(bench.protocol);
	actions(&bench);
	protocol_published(bench.protocol, PUBLISH_COMMITTED, false, bench.now);
	EXPECT(&bench, "apply 0 10-11");
	add(&bench, 0, 11, 12);
	add(&bench, 1, 10, 12);
	protocol_publish(bench.protocol);
	EXPECT(&bench, "publish 0:12 1:12");
	add(&bench, 0, 12, 13); /* unsent */
	protocol_applied(bench.protocol, chunk, APPLY_REFUSED, bench.now);
	EXPECT(&bench, "free 0 12-13, free 0 10-11, drop 0 refused");
	assert_int_equal(protocol_intake(bench.protocol, 0, 12), INTAKE_DROP);
	protocol_published(bench.protocol, PUBLISH_COMMITTED, false, bench.now);
	EXPECT(&bench, "free 0 11-12, apply 1 10-12, read 0");
	bench_close(&bench);
}

static void test_lost_slot_leaves_the_batch(void **context)
{
	struct bench bench;
	const int slot = 1;

	(void)context;
	bench_live(&bench, 2, 10, 10);
	add(&bench, 0, 10, 11);
	add(&bench, 1, 10, 12);
	protocol_publish(bench.protocol);
	actions(&bench);
	protocol_revoked(bench.protocol, true, bench.now);
	EXPECT(&bench, "drop 0 dropped, drop 1 dropped, release");
	protocol_assigned(bench.protocol, &slot, 1, bench.now);
	EXPECT(&bench, "drop 1 assigned"); /* held by the open transaction: C is not read yet */
	protocol_published(bench.protocol, PUBLISH_ABORTED, false, bench.now);
	EXPECT(&bench, "free 0 10-11, free 1 10-12, read 1");
	bench_close(&bench);
}

static void test_revoke_waits_for_applies(void **context)
{
	struct bench bench;

	(void)context;
	bench_live(&bench, 1, 10, 10);
	struct protocol_chunk *chunk = add(&bench, 0, 10, 11);
	protocol_publish(bench.protocol);
	actions(&bench);
	add(&bench, 0, 11, 12);
	protocol_revoked(bench.protocol, false, bench.now);
	EXPECT(&bench, "free 0 11-12");
	protocol_published(bench.protocol, PUBLISH_COMMITTED, false, bench.now);
	EXPECT(&bench, "apply 0 10-11");
	protocol_applied(bench.protocol, chunk, APPLY_OK, bench.now);
	EXPECT(&bench, "free 0 10-11, drop 0 dropped, release");
	bench_close(&bench);
}

static void test_refusal_while_draining_gives_up(void **context)
{
	struct bench bench;

	(void)context;
	bench_live(&bench, 1, 10, 10);
	struct protocol_chunk *first = add(&bench, 0, 10, 11);
	struct protocol_chunk *second = add(&bench, 0, 11, 12);
	protocol_publish(bench.protocol);
	actions(&bench);
	protocol_published(bench.protocol, PUBLISH_COMMITTED, false, bench.now);
	EXPECT(&bench, "apply 0 10-11, apply 0 11-12");
	protocol_revoked(bench.protocol, false, bench.now);
	protocol_applied(bench.protocol, first, APPLY_REFUSED, bench.now);
	EXPECT(&bench, "free 0 10-11, drop 0 dropped, release");
	protocol_applied(bench.protocol, second, APPLY_REFUSED, bench.now);
	EXPECT(&bench, "free 0 11-12");
	bench_close(&bench);
}

static void test_stop_bound_over_a_drain_is_unclean(void **context)
{
	struct bench bench;

	(void)context;
	bench_live(&bench, 1, 10, 10);
	add(&bench, 0, 10, 11);
	protocol_publish(bench.protocol);
	actions(&bench);
	protocol_published(bench.protocol, PUBLISH_COMMITTED, false, bench.now);
	EXPECT(&bench, "apply 0 10-11");
	protocol_stop(bench.protocol, bench.now);
	bench.now += 100;
	protocol_revoked(bench.protocol, false, bench.now);
	EXPECT(&bench, "");
	bench.now += 4900;
	protocol_tick(bench.protocol, bench.now);
	EXPECT(&bench, "stopped unclean");
	bench_close(&bench);
}

static void test_nothing_assigned_still_ends_old_transactions(void **context)
{
	struct bench bench;

	(void)context;
	bench_open(&bench, &defaults);
	protocol_assigned(bench.protocol, NULL, 0, bench.now);
	EXPECT(&bench, "recreate");
	bench_close(&bench);
}

static void test_revoke_waits_only_so_long(void **context)
{
	struct bench bench;

	(void)context;
	bench_live(&bench, 1, 10, 10);
	add(&bench, 0, 10, 11);
	protocol_publish(bench.protocol);
	actions(&bench);
	protocol_revoked(bench.protocol, false, bench.now);
	EXPECT(&bench, "");
	assert_int_equal(protocol_next_tick(bench.protocol), bench.now + 5000);
	bench.now += 5000;
	protocol_tick(bench.protocol, bench.now);
	EXPECT(&bench, "drop 0 dropped, release");
	bench_close(&bench);
}

static void test_redis_lost_and_back(void **context)
{
	struct bench bench;

	(void)context;
	bench_live(&bench, 1, 10, 10);
	add(&bench, 0, 10, 11);
	add(&bench, 0, 11, 12);
	protocol_publish(bench.protocol);
	actions(&bench);
	protocol_published(bench.protocol, PUBLISH_COMMITTED, false, bench.now);
	EXPECT(&bench, "apply 0 10-11, apply 0 11-12");
	protocol_store_lost(bench.protocol, bench.now);
	add(&bench, 0, 12, 13); /* publishing goes on */
	protocol_publish(bench.protocol);
	EXPECT(&bench, "publish 0:13");
	protocol_published(bench.protocol, PUBLISH_COMMITTED, false, bench.now);
	EXPECT(&bench, "");
	protocol_store_ready(bench.protocol, bench.now);
	EXPECT(&bench, "apply 0 10-11, apply 0 11-12, apply 0 12-13");
	bench_close(&bench);
}

static void test_busy_redis_is_asked_again_in_order(void **context)
{
	struct bench bench;

	(void)context;
	bench_live(&bench, 1, 10, 12);
	struct protocol_chunk *first = add(&bench, 0, 10, 11);
	struct protocol_chunk *second = add(&bench, 0, 11, 12);
	EXPECT(&bench, "apply 0 10-11, apply 0 11-12");
	protocol_applied(bench.protocol, first, APPLY_RETRY, bench.now);
	EXPECT(&bench, "");
	protocol_applied(bench.protocol, second, APPLY_REFUSED, bench.now);
	bench.now += 100;
	protocol_tick(bench.protocol, bench.now);
	EXPECT(&bench, "apply 0 10-11, apply 0 11-12");
	bench_close(&bench);
}

static void test_intake_pauses_when_redis_stays_away(void **context)
{
	struct bench bench;

	(void)context;
	bench_live(&bench, 1, 0, 100);
	protocol_store_lost(bench.protocol, bench.now);
	for (int64_t offset = 0; offset < 16; offset++) {
		assert_true(protocol_wants_records(bench.protocol));
		add(&bench, 0, offset, offset + 1);
	}
	assert_false(protocol_wants_records(bench.protocol));
	bench_close(&bench);
}

static void test_watch_finds_lost_writes(void **context)
{
	struct bench bench;
	uint64_t token;
	int64_t at_least;
	struct load_reply reply = { .ok = true, .applied = 10 };

	(void)context;
	bench_live(&bench, 1, 10, 10);
	assert_true(protocol_watches(bench.protocol, 0, &token, &at_least));
	assert_int_equal(at_least, 10);
	memcpy(reply.uuid, UUID_A, PROTOCOL_UUID_SIZE);
	protocol_watched(bench.protocol, 0, token, at_least, &reply, bench.now);
	EXPECT(&bench, "");
	reply.applied = 9;
	protocol_watched(bench.protocol, 0, token, at_least, &reply, bench.now);
	EXPECT(&bench, "drop 0 went_back, read 0");
	answer_offsets(&bench, 0, 10);
	EXPECT(&bench, "load 0");
	answer_state(&bench, 0, 7, false);
	EXPECT(&bench, "notice 0 back 3, start 0 7, publish 0:10=");
	protocol_watched(bench.protocol, 0, token, at_least, &reply, bench.now);
	EXPECT(&bench, ""); /* an answer of before the load */
	bench_close(&bench);
}

static void test_failed_load_reads_the_offsets_again(void **context)
{
	struct bench bench;
	const int slots[] = { 0, 1 };
	struct load_reply failed = { .ok = false };

	(void)context;
	bench_open(&bench, &defaults);
	protocol_assigned(bench.protocol, slots, 2, bench.now);
	EXPECT(&bench, "drop 0 assigned, drop 1 assigned, read 0, read 1");
	answer_offsets(&bench, 0, 5);
	answer_offsets(&bench, 1, 6);
	EXPECT(&bench, "recreate");
	protocol_store_ready(bench.protocol, bench.now);
	EXPECT(&bench, "read 0, read 1");
	answer_offsets(&bench, 0, 5);
	answer_offsets(&bench, 1, 6);
	EXPECT(&bench, "load 0, load 1");
	answer_state(&bench, 1, 6, false);
	protocol_loaded(bench.protocol, 0, bench.token[0], &failed, bench.now);
	EXPECT(&bench, "start 1 6");
	bench.now += 100;
	protocol_tick(bench.protocol, bench.now);
	EXPECT(&bench, "read 0");
	bench_close(&bench);
}

static void test_recommit_of_quiet_slots(void **context)
{
	struct bench bench;

	(void)context;
	bench_live(&bench, 2, 10, 10);
	assert_int_equal(protocol_next_tick(bench.protocol), bench.now + defaults.recommit_ms);
	bench.now += defaults.recommit_ms;
	protocol_tick(bench.protocol, bench.now);
	EXPECT(&bench, "publish 0:10= 1:10=");
	bench_close(&bench);
}

static void test_hijack_is_refused(void **context)
{
	struct bench bench;

	(void)context;
	bench_live(&bench, 1, 10, 10);
	for (int i = 0; i < 4; i++) {
		add(&bench, 0, 10 + i, 11 + i);
		protocol_publish(bench.protocol);
		actions(&bench);
		protocol_published(bench.protocol, PUBLISH_COMMITTED, true, bench.now);
		actions(&bench);
		bench.now += 10000;
		protocol_recreated(bench.protocol, true, bench.now);
	}
	EXPECT(&bench, "refuse -1 6");
	assert_false(protocol_wants_records(bench.protocol));
	bench_close(&bench);
}

static void test_stop_publishes_and_applies(void **context)
{
	struct bench bench;

	(void)context;
	bench_live(&bench, 1, 10, 10);
	struct protocol_chunk *chunk = add(&bench, 0, 10, 11);
	protocol_stop(bench.protocol, bench.now);
	EXPECT(&bench, "publish 0:11");
	protocol_published(bench.protocol, PUBLISH_COMMITTED, false, bench.now);
	EXPECT(&bench, "apply 0 10-11");
	protocol_applied(bench.protocol, chunk, APPLY_OK, bench.now);
	EXPECT(&bench, "free 0 10-11, stopped clean");
	bench_close(&bench);
}

static void test_stop_without_redis_is_unclean(void **context)
{
	struct bench bench;

	(void)context;
	bench_live(&bench, 1, 10, 10);
	protocol_store_lost(bench.protocol, bench.now);
	add(&bench, 0, 10, 11);
	protocol_stop(bench.protocol, bench.now);
	EXPECT(&bench, "publish 0:11");
	protocol_published(bench.protocol, PUBLISH_COMMITTED, false, bench.now);
	EXPECT(&bench, "");
	bench.now += 5000;
	protocol_tick(bench.protocol, bench.now);
	EXPECT(&bench, "stopped unclean");
	bench_close(&bench);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_start_decision),
		cmocka_unit_test(test_refusal_takes_two_looks),
		cmocka_unit_test(test_start_tells_another_ruleset),
		cmocka_unit_test(test_publish_then_apply),
		cmocka_unit_test(test_muted_goes_to_redis_without_transaction),
		cmocka_unit_test(test_aborted_goes_again_in_order),
		cmocka_unit_test(test_tainted_producer_is_made_anew),
		cmocka_unit_test(test_unknown_outcome_was_committed),
		cmocka_unit_test(test_unknown_outcome_was_not_committed),
		cmocka_unit_test(test_unknown_outcome_that_disagrees_is_loaded),
		cmocka_unit_test(test_load_waits_for_own_transaction),
		cmocka_unit_test(test_lost_slot_leaves_the_batch),
		cmocka_unit_test(test_revoke_waits_for_applies),
		cmocka_unit_test(test_revoke_waits_only_so_long),
		cmocka_unit_test(test_refusal_while_draining_gives_up),
		cmocka_unit_test(test_stop_bound_over_a_drain_is_unclean),
		cmocka_unit_test(test_nothing_assigned_still_ends_old_transactions),
		cmocka_unit_test(test_redis_lost_and_back),
		cmocka_unit_test(test_busy_redis_is_asked_again_in_order),
		cmocka_unit_test(test_intake_pauses_when_redis_stays_away),
		cmocka_unit_test(test_watch_finds_lost_writes),
		cmocka_unit_test(test_failed_load_reads_the_offsets_again),
		cmocka_unit_test(test_recommit_of_quiet_slots),
		cmocka_unit_test(test_hijack_is_refused),
		cmocka_unit_test(test_stop_publishes_and_applies),
		cmocka_unit_test(test_stop_without_redis_is_unclean),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
