/* SPDX-License-Identifier: Apache-2.0 */
#include "status.h"

#include <stdlib.h>
#include <string.h>
#include "alloc.h"
#include "offset_metadata.h"

/* ---- reading: W before C before the log's end, so that a working daemon never looks wrong ---- */

static bool read_states(struct status_row *rows, struct redis_link *redis, int32_t partitions)
{
	for (int32_t p = 0; p < partitions; p++)
		log_state_send(redis, p, redis->config);
	for (int32_t p = 0; p < partitions; p++) {
		for (int input = 0; input < INPUT_COUNT; input++) {
			struct status_row *row = &rows[input * partitions + p];
			redisReply *reply = redis_link_receive(redis);
			*row = (struct status_row){ .input = input, .partition = p };
			if (!reply)
				return false;
			log_state_parse(reply, &row->state);
			freeReplyObject(reply);
		}
	}
	return true;
}

static void take_offsets(struct status_row *row, const struct group_offset *group, const struct group_offset *shadow)
{
	row->group = *group;
	row->shadow = *shadow;
	row->published = group->offset > shadow->offset ? group->offset : shadow->offset;
}

static bool read_offsets(struct status_row *rows, struct kafka_link *kafka, enum input input)
{
	size_t partitions = (size_t)kafka->partitions;
	struct group_offset *group = alloc_zeroed(partitions, sizeof(*group));
	struct group_offset *shadow = alloc_zeroed(partitions, sizeof(*shadow));
	bool ok = kafka_link_committed(kafka, false, input, group) && kafka_link_committed(kafka, true, input, shadow);
	for (size_t p = 0; p < partitions && ok; p++) {
		struct status_row *row = &rows[(size_t)input * partitions + p];
		take_offsets(row, &group[p], &shadow[p]);
		ok = kafka_link_bounds(kafka, input, (int32_t)p, &row->bounds);
	}
	free(group);
	free(shadow);
	return ok;
}

bool status_rows_read(struct status_row *rows, struct redis_link *redis, struct kafka_link *kafka)
{
	bool ok = read_states(rows, redis, kafka->partitions);
	for (int input = 0; input < INPUT_COUNT && ok; input++)
		ok = read_offsets(rows, kafka, input);
	return ok;
}

/* ---- judging ---- */

static bool is_other_store(const struct status_row *row, const struct group_offset *offset)
{
	struct offset_metadata metadata;
	return offset_metadata_parse(offset->metadata, &metadata) &&
	       memcmp(metadata.store_uuid, row->state.store, STORE_UUID_SIZE) != 0;
}

static bool is_not_started(const struct status_row *row)
{
	return !row->state.known && row->published < 0;
}
static bool is_missing(const struct status_row *row)
{
	return !row->state.known;
}
static bool is_garbled(const struct status_row *row)
{
	return row->state.garbled;
}
static bool is_foreign(const struct status_row *row)
{
	return is_other_store(row, &row->group) || is_other_store(row, &row->shadow);
}
static bool is_cut(const struct status_row *row)
{
	return row->bounds.start > row->state.applied;
}
static bool is_log_shorter(const struct status_row *row)
{
	return row->published > row->bounds.end || row->state.applied > row->bounds.end;
}
static bool is_beyond(const struct status_row *row)
{
	return row->state.applied > row->published && row->state.applied > row->state.start;
}
static bool is_counting(const struct status_row *row)
{
	return row->published > row->state.applied;
}
static bool is_behind(const struct status_row *row)
{
	return row->bounds.end > row->published && row->bounds.end > row->state.applied;
}
static bool is_any(const struct status_row *row)
{
	(void)row;
	return true;
}

static const struct status_condition conditions[] = {
	{ is_not_started, "not started", NULL },
	{ is_missing, "no state",
	  "Redis has no state, the group has offsets: restore Redis, or start with redis.rebuild" },
	{ is_garbled, "garbled", "the state in Redis makes no sense: restore Redis, or start with redis.rebuild" },
	{ is_foreign, "other store",
	  "the offsets belong to another store than Redis holds: point redis.* at the right one" },
	{ is_cut, "log cut",
	  "the log was deleted above W: what Redis lacks is gone; redis.rebuild counts what is left" },
	{ is_log_shorter, "log short", "the log ends before C or W: another topic, or it was created anew" },
	{ is_beyond, "W beyond C",
	  "somebody moved the offsets of group and shadow, or W: riderwatchctl audit says more" },
	{ is_counting, "counting", NULL },
	{ is_behind, "behind", NULL },
	{ is_any, "up to date", NULL },
};

const struct status_condition *status_row_condition(const struct status_row *row)
{
	const struct status_condition *condition = conditions;
	while (!condition->holds(row))
		condition++;
	return condition;
}

bool status_row_is_readable(const struct status_row *row)
{
	return row->state.known && !row->state.garbled;
}

int64_t status_row_lag(const struct status_row *row)
{
	int64_t counted = status_row_is_readable(row) ? row->state.applied : row->bounds.start;
	return row->bounds.end > counted ? row->bounds.end - counted : 0;
}
