/* SPDX-License-Identifier: Apache-2.0 */
#include "protocol_bench.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

const struct protocol_settings bench_settings = {
	.slots = 4,
	.apply_window = 8,
	.apply_queue_max = 16,
	.retry_ms = 100,
	.drain_ms = 5000,
	.recommit_ms = 86400000,
	.recreations_max = 3,
};

void bench_open(struct bench *bench, const struct protocol_settings *settings)
{
	memset(bench, 0, sizeof(*bench));
	bench->now = 1000;
	bench->protocol = protocol_new(settings);
	protocol_set_ruleset(bench->protocol, RULESET);
}

void bench_close(struct bench *bench)
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
	return snprintf(out, size, "load %d%s", action->slot, action->catch_up ? " behind" : "");
}

static const char *const notice_names[NOTICE_COUNT] = { "behind", "ahead", "stale",  "shadow",  "ruleset", "back",
							"healed", "late",  "caught", "created", "alone",   "waits" };

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
	case ACTION_LOAD_LOG:
		return snprintf(out, size, "log %d %lld-%lld", action->slot, (long long)action->from,
				(long long)action->offset);
	case ACTION_START:
		return snprintf(out, size, "start %d %lld%s", action->slot, (long long)action->offset,
				action->alone ? " alone" : "");
	case ACTION_PUBLISH:
		return print_batch(out, size, action->batch);
	case ACTION_RECREATE:
		return snprintf(out, size, "recreate");
	case ACTION_APPLY:
		return snprintf(out, size, "apply %d %lld-%lld", action->slot, (long long)chunk->from,
				(long long)chunk->to);
	case ACTION_CATCH_UP:
		return snprintf(out, size, "catch up %d %lld", action->slot, (long long)action->offset);
	case ACTION_CATCH_UP_END:
		return snprintf(out, size, "caught %d", action->slot);
	case ACTION_LOOK:
		return snprintf(out, size, "look %d %lld", action->slot, (long long)action->offset);
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

const char *bench_actions(struct bench *bench)
{
	struct protocol_action action;
	size_t length = 0;

	bench->text[0] = '\0';
	while (protocol_next(bench->protocol, &action)) {
		if (action.kind == ACTION_READ_OFFSETS || action.kind == ACTION_LOAD)
			bench->token[action.slot] = action.token;
		if (action.kind == ACTION_LOAD_LOG)
			bench->log_token = action.token;
		if (length > 0)
			length += (size_t)sprintf(bench->text + length, ", ");
		length += (size_t)print_action(bench->text + length, sizeof(bench->text) - length, &action);
		assert_true(length < sizeof(bench->text) - LINE_MAX_CHARS);
	}
	return bench->text;
}

struct committed_offset bench_entry(int64_t offset, const char *uuid)
{
	struct committed_offset result = {
		.offset = offset, .ours = uuid != NULL, .ruleset = RULESET, .readable_from = PROTOCOL_OFFSET_NONE
	};

	if (uuid != NULL)
		memcpy(result.uuid, uuid, PROTOCOL_UUID_SIZE);
	return result;
}

void bench_answer_offsets(struct bench *bench, int slot, int64_t committed)
{
	struct offsets_reply reply = {
		.ok = true,
		.group = bench_entry(committed, committed == PROTOCOL_OFFSET_NONE ? NULL : UUID_A),
		.shadow = bench_entry(committed, committed == PROTOCOL_OFFSET_NONE ? NULL : UUID_A),
		.log_end = LOG_END,
	};

	protocol_offsets(bench->protocol, slot, bench->token[slot], &reply, bench->now);
}

void bench_answer_state(struct bench *bench, int slot, int64_t applied, bool created)
{
	struct load_reply reply = { .ok = true, .created = created, .applied = applied };

	memcpy(reply.uuid, UUID_A, PROTOCOL_UUID_SIZE);
	protocol_loaded(bench->protocol, slot, bench->token[slot], &reply, bench->now);
}

struct protocol_chunk *bench_add(struct bench *bench, int slot, int64_t from, int64_t to)
{
	struct protocol_chunk *chunk = &bench->chunks[bench->used++];

	*chunk = (struct protocol_chunk){ .slot = slot, .from = from, .to = to, .events = 1 };
	protocol_add(bench->protocol, chunk);
	return chunk;
}

void bench_live(struct bench *bench, int count, int64_t applied, int64_t committed)
{
	bench_live_with(bench, &bench_settings, count, applied, committed);
}

void bench_live_with(struct bench *bench, const struct protocol_settings *settings, int count, int64_t applied,
		     int64_t committed)
{
	const int slots[] = { 0, 1, 2, 3 };

	bench_open(bench, settings);
	protocol_store_ready(bench->protocol, bench->now);
	protocol_assigned(bench->protocol, slots, (size_t)count, bench->now);
	bench_actions(bench);
	for (int i = 0; i < count; i++)
		bench_answer_offsets(bench, i, committed);
	bench_actions(bench);
	for (int i = 0; i < count; i++)
		bench_answer_state(bench, i, applied, false);
	protocol_recreated(bench->protocol, true, bench->now);
	bench_actions(bench);
	protocol_published(bench->protocol, PUBLISH_COMMITTED, false, bench->now);
	EXPECT(bench, "");
}
