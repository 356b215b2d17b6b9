/* SPDX-License-Identifier: Apache-2.0 */
#include "start.h"

#include "planted.h"

#include <string.h>

static int64_t larger(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

static bool is_ours(const struct committed_offset *entry)
{
	return entry->offset != PROTOCOL_OFFSET_NONE && entry->ours;
}

static bool any_offset(const struct offsets_reply *offsets)
{
	return offsets->group.offset != PROTOCOL_OFFSET_NONE || offsets->shadow.offset != PROTOCOL_OFFSET_NONE;
}

int64_t start_committed(const struct offsets_reply *offsets)
{
	int64_t shadow = is_ours(&offsets->shadow) ? offsets->shadow.offset : PROTOCOL_OFFSET_NONE;

	return PLANTED(PLANTED_SHADOW_IGNORED) ? offsets->group.offset : larger(offsets->group.offset, shadow);
}

struct start_plan start_plan(const struct protocol_settings *settings, const struct offsets_reply *offsets)
{
	return (struct start_plan){
		.may_create = !any_offset(offsets),
		.create_at = settings->start_at_end ? offsets->log_end : offsets->log_start,
	};
}

int64_t start_rebuild_at(const struct offsets_reply *offsets)
{
	return offsets->log_start;
}

bool start_rebuild_heals(enum refusal refusal)
{
	return refusal == REFUSAL_STORE_EMPTY || refusal == REFUSAL_STORE_FOREIGN || refusal == REFUSAL_LOG_TRUNCATED;
}

static bool is_foreign(const struct committed_offset *entry, const struct load_reply *state)
{
	return is_ours(entry) && memcmp(entry->uuid, state->uuid, PROTOCOL_UUID_SIZE) != 0;
}

/* Offsets are gone, or an operator replaced them all. Nothing lost only if nothing was ever applied: then at most an
 * interrupted first start lies behind us. */
static bool offsets_missing(const struct offsets_reply *offsets, const struct load_reply *state)
{
	if (is_ours(&offsets->group) || is_ours(&offsets->shadow))
		return false;
	return any_offset(offsets) || state->applied != state->start;
}

static enum refusal refuse(const struct protocol_settings *settings, const struct offsets_reply *offsets,
			   const struct load_reply *state)
{
	if (state->missing)
		return REFUSAL_STORE_EMPTY;
	if (!state->created && (is_foreign(&offsets->group, state) || is_foreign(&offsets->shadow, state)))
		return REFUSAL_STORE_FOREIGN;
	if (state->applied < offsets->log_start)
		return REFUSAL_LOG_TRUNCATED;
	if (larger(state->applied, start_committed(offsets)) > offsets->log_end)
		return REFUSAL_LOG_SHORTER;
	if (!state->created && !settings->accept_missing_offsets && offsets_missing(offsets, state))
		return REFUSAL_OFFSETS_MISSING;
	return REFUSAL_NONE;
}

static void add_notice(struct start_decision *decision, bool applies, enum notice notice, int64_t count)
{
	if (applies)
		decision->notices[decision->notice_count++] = (struct start_notice){ notice, count };
}

/* How far the group's own entry lags behind where it must stand; a deleted entry lags by all that was ever done. */
static int64_t behind(const struct offsets_reply *offsets, const struct load_reply *state, int64_t target)
{
	int64_t group = offsets->group.offset;

	return target - (group != PROTOCOL_OFFSET_NONE ? group : state->start);
}

/* How far an operator moved the group forward, beyond everything that we did. */
static int64_t ahead(const struct offsets_reply *offsets, const struct load_reply *state)
{
	int64_t done = larger(state->applied, is_ours(&offsets->shadow) ? offsets->shadow.offset : 0);

	return is_ours(&offsets->group) ? 0 : offsets->group.offset - done;
}

static void add_notices(uint64_t ruleset, const struct offsets_reply *offsets, const struct load_reply *state,
			struct start_decision *decision)
{
	const struct committed_offset *ours = is_ours(&offsets->shadow) ? &offsets->shadow : &offsets->group;
	int64_t muted = decision->live_from - decision->position;
	int64_t lag = behind(offsets, state, decision->live_from);
	int64_t skipped = ahead(offsets, state);

	add_notice(decision, state->created, NOTICE_STORE_CREATED, state->applied);
	add_notice(decision, lag > 0, NOTICE_OFFSET_BEHIND, lag);
	add_notice(decision, skipped > 0, NOTICE_OFFSET_AHEAD, skipped);
	add_notice(decision, is_ours(&offsets->group) && !is_ours(&offsets->shadow), NOTICE_SHADOW_MISSING, 1);
	add_notice(decision, is_ours(ours) && ours->ruleset != ruleset && muted > 0, NOTICE_RULESET_CHANGED, muted);
}

void start_decide(const struct protocol_settings *settings, uint64_t ruleset, const struct offsets_reply *offsets,
		  const struct load_reply *state, struct start_decision *decision)
{
	*decision = (struct start_decision){ .refusal = refuse(settings, offsets, state) };
	if (decision->refusal != REFUSAL_NONE)
		return;
	decision->position = state->applied;
	decision->live_from = larger(state->applied, start_committed(offsets));
	add_notices(ruleset, offsets, state, decision);
}

/* ---- from the log alone ---- */

/* C as an entry that carries our metadata, NULL when it is none of ours: then nobody knows S there. */
static const struct committed_offset *entry_at_c(const struct offsets_reply *offsets)
{
	int64_t committed = start_committed(offsets);

	if (is_ours(&offsets->shadow) && offsets->shadow.offset == committed)
		return &offsets->shadow;
	return is_ours(&offsets->group) && offsets->group.offset == committed ? &offsets->group : NULL;
}

static enum obstacle find_obstacle(const struct offsets_reply *offsets, const struct committed_offset *entry)
{
	bool both = is_ours(&offsets->group) && is_ours(&offsets->shadow);

	if (entry == NULL)
		return OBSTACLE_NO_OFFSET;
	if (both && memcmp(offsets->group.uuid, offsets->shadow.uuid, PROTOCOL_UUID_SIZE) != 0)
		return OBSTACLE_OTHER_STORE;
	if (entry->readable_from == PROTOCOL_OFFSET_NONE)
		return OBSTACLE_NO_ANCHOR;
	if (entry->readable_from < offsets->log_start || entry->offset > offsets->log_end)
		return OBSTACLE_LOG;
	return OBSTACLE_NONE;
}

struct alone_plan start_alone_plan(const struct offsets_reply *offsets)
{
	const struct committed_offset *entry = entry_at_c(offsets);
	struct alone_plan plan = { .obstacle = find_obstacle(offsets, entry), .entry = entry };

	if (plan.obstacle == OBSTACLE_NONE) {
		plan.from = entry->readable_from;
		plan.offset = PLANTED(PLANTED_ALONE_FROM_GROUP) ? offsets->group.offset : entry->offset;
	}
	return plan;
}

void start_alone_decide(const struct offsets_reply *offsets, const struct alone_plan *plan,
			struct start_decision *decision)
{
	int64_t group = offsets->group.offset != PROTOCOL_OFFSET_NONE ? offsets->group.offset : 0;

	*decision = (struct start_decision){ .position = plan->offset, .live_from = plan->offset };
	add_notice(decision, true, NOTICE_STARTED_ALONE, plan->offset - plan->from);
	add_notice(decision, group < plan->offset, NOTICE_OFFSET_BEHIND, plan->offset - group);
	add_notice(decision, is_ours(&offsets->group) && !is_ours(&offsets->shadow), NOTICE_SHADOW_MISSING, 1);
}
