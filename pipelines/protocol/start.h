/* SPDX-License-Identifier: Apache-2.0 */
/* Where a slot starts, or why it must not: a pure function of what Kafka and Redis say about it. */
#pragma once
#include "protocol.h"

/* How the state may be asked for, known from the offsets alone. */
struct start_plan {
	bool may_create; /* neither group has any offset: nobody has published anything of this slot yet */
	int64_t create_at;
};

struct start_notice {
	enum notice notice;
	int64_t count;
};

struct start_decision {
	enum refusal refusal; /* the rest is valid when REFUSAL_NONE */
	int64_t position;     /* W: first offset to read */
	int64_t live_from;    /* max(C, W): first offset to publish; also what both groups must be moved to */
	size_t notice_count;
	struct start_notice notices[NOTICE_COUNT];
};

struct start_plan start_plan(const struct protocol_settings *settings, const struct offsets_reply *offsets);
/* Where a rebuild starts: the oldest record there is. */
int64_t start_rebuild_at(const struct offsets_reply *offsets);
void start_decide(const struct protocol_settings *settings, uint64_t ruleset, const struct offsets_reply *offsets,
		  const struct load_reply *state, struct start_decision *decision);
/* True when the operator's order to rebuild heals this refusal: Redis is at fault, not the log. */
bool start_rebuild_heals(enum refusal refusal);
/* C: maximum of the group and of the shadow group, PROTOCOL_OFFSET_NONE when there is none. A shadow entry without our
 * metadata is an operator's tool's work and counts as absent. */
int64_t start_committed(const struct offsets_reply *offsets);

/* A start from the log alone, known from the offsets. */
struct alone_plan {
	enum obstacle obstacle;               /* the rest is valid when OBSTACLE_NONE */
	int64_t from, offset;                 /* what is to be read: [from, offset); offset is C */
	const struct committed_offset *entry; /* C, of the group or of its shadow */
};
struct alone_plan start_alone_plan(const struct offsets_reply *offsets);
/* Where such a start begins. It knows nothing of W, which is C at most as long as C is ours. */
void start_alone_decide(const struct offsets_reply *offsets, const struct alone_plan *plan,
			struct start_decision *decision);
