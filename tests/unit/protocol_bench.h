/* SPDX-License-Identifier: Apache-2.0 */
/* Drives the protocol by hand: a walk feeds inputs and compares the actions, written as text, with what must come. */
#pragma once
#include "protocol.h"

#define UUID_A "aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa"
#define UUID_B "bbbbbbbb-bbbb-bbbb-bbbb-bbbbbbbbbbbb"
#define RULESET 7
#define LINE_MAX_CHARS 128
#define LOG_END 1000

struct bench {
	struct protocol *protocol;
	int64_t now;
	uint64_t token[4], log_token;
	struct protocol_chunk chunks[64];
	size_t used;
	char text[4096];
};

extern const struct protocol_settings bench_settings;

void bench_open(struct bench *bench, const struct protocol_settings *settings);
void bench_close(struct bench *bench);
/* Takes all actions; returns them as "one, two, three", valid until the next call. */
const char *bench_actions(struct bench *bench);
#define EXPECT(bench, text) assert_string_equal(bench_actions(bench), text)

/* uuid NULL: not our metadata. */
struct committed_offset bench_entry(int64_t offset, const char *uuid);
/* Answer the slot's latest request: both groups at committed, or the state at W = applied. */
void bench_answer_offsets(struct bench *bench, int slot, int64_t committed);
void bench_answer_state(struct bench *bench, int slot, int64_t applied, bool created);
struct protocol_chunk *bench_add(struct bench *bench, int slot, int64_t from, int64_t to);
/* count slots, all with W = applied and C = committed, producer ready, offsets committed again. */
void bench_live(struct bench *bench, int count, int64_t applied, int64_t committed);
void bench_live_with(struct bench *bench, const struct protocol_settings *settings, int count, int64_t applied,
		     int64_t committed);
