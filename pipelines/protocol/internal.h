/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the protocol share; nobody else includes this.
 *
 * Two kinds of output. Tellings (drop, start, free, notice, release, ...) are queued in the order in which they
 * happened. Requests (read, load, publish, re-create, apply) are not queued: protocol_next() derives them from the
 * state at the moment it is asked, so that no request can be stale, whatever happened since it became possible. */
#pragma once
#include "planted.h"
#include "protocol.h"
#include "start.h"

struct chunk_list {
	struct protocol_chunk *first, **end;
	size_t count, events;
};

/* Where a loading slot stands. Every retry begins at the first step, so bounds and offsets are never older than the
 * state. */
enum load_step {
	LOAD_WAITING, /* until no own transaction holds the slot, and retry_at */
	LOAD_OFFSETS, /* READ_OFFSETS asked */
	LOAD_STATE,   /* offsets known, LOAD to be asked when the store is ready */
	LOAD_ASKED,   /* LOAD asked */
};

/* Before anything is sent to a store that may not stand where we believe, its W is looked at. */
enum look { LOOK_NONE, LOOK_WANTED, LOOK_ASKED };

/* Of a slot that is behind: what becomes of its second reader. */
enum behind_step {
	BEHIND_NOT,
	BEHIND_WAITING, /* for the store, and retry_at */
	BEHIND_LOADING, /* LOAD asked */
	BEHIND_READING, /* the second reader hands over chunks */
};

struct behind {
	enum behind_step step;
	uint64_t token;
	uint64_t ruleset; /* in use when it began */
	int64_t retry_at, from, position;
};

/* Of a slot that is loading: does it go on without Redis? */
enum alone_step {
	ALONE_NOT,
	ALONE_READING,    /* LOAD_LOG asked */
	ALONE_IMPOSSIBLE, /* told why; it waits for Redis */
};

struct alone {
	bool may;
	enum alone_step step;
	uint64_t token;
	int64_t since;        /* when the load began, or Redis last answered one */
	bool offsets_known;   /* since the load began */
	bool store_fails;     /* it is ready, and answered the load with a failure */
	int64_t from, offset; /* what is read */
};

/* What C is known to have come to. */
struct floor {
	int64_t offset; /* PROTOCOL_OFFSET_NONE: nothing is known */
	bool below;     /* the last answer was, and all since then */
	int64_t since;
};

struct slot {
	enum protocol_state state; /* SLOT_LIVE also while muted: protocol_view() tells them apart by the position */
	enum load_step step;
	uint64_t token; /* changes with each load: answers and chunks that carry another one are void */
	bool held;      /* the transaction at hand commits offsets of this slot */
	bool recommit;  /* offset is to be committed again although no chunk asks for it */
	bool rebuilding;
	bool resend; /* Redis did nothing with a chunk: nothing is sent until all answers are there and retry_at has
			come */
	enum refusal suspected; /* what the last load would have refused: it must be seen twice */
	int64_t suspected_at;   /* since when all loads said so */
	int64_t retry_at;
	int64_t position, live_from;
	int64_t applied;   /* W as far as Redis acknowledged it; PROTOCOL_OFFSET_NONE: nobody asked it yet */
	int64_t published; /* C */
	int64_t committed_at;
	char uuid[PROTOCOL_UUID_SIZE];
	struct offsets_reply offsets;
	struct chunk_list queue; /* known to be committed, not known to be applied, in offset order */
	int64_t next_apply; /* where the next apply of the live side begins: chunks follow each other without a gap */
	struct behind behind;
	struct alone alone;
	struct floor floor;
	struct chunk_list kept; /* acknowledged, [kept.first->from, applied) without a gap */
	enum look look;
	size_t in_flight;
	size_t commit_index; /* of its entry in the transaction, while held */
};

enum transaction_state {
	TRANSACTION_NONE,
	TRANSACTION_OPEN,    /* PUBLISH asked */
	TRANSACTION_UNKNOWN, /* its outcome is read from the stable offsets, once the producer is re-created */
};

enum fate { FATE_ASK, FATE_ASKED, FATE_COMMITTED, FATE_NOT_COMMITTED };

struct transaction {
	enum transaction_state state;
	struct chunk_list chunks;
	struct protocol_batch batch;
	struct protocol_commit *commits; /* room for each slot */
	enum fate *fates;                /* one per commit, used while TRANSACTION_UNKNOWN */
	int64_t fate_retry_at;
};

enum producer_state { PRODUCER_NONE, PRODUCER_WANTED, PRODUCER_ASKED, PRODUCER_READY };

struct action_queue {
	struct protocol_action *actions; /* ring */
	size_t first, count, room;
};

struct protocol {
	struct protocol_settings settings;
	struct slot *slots;
	uint64_t last_token, ruleset;
	int64_t now_ms;
	bool store_ready, refused;
	size_t loading; /* slots in SLOT_LOADING */

	struct chunk_list open; /* live chunks for the next transaction */
	bool publish_asked;
	int64_t publish_retry_at;
	struct transaction transaction;
	enum producer_state producer;
	int64_t producer_retry_at;
	bool producer_was_ready;
	int64_t *recreations; /* ring of recreations_max times */
	size_t recreation_next;

	struct chunk_list orphans; /* sent to Redis under a token that is void by now: freed when answered */
	size_t queued, queued_events, unsent, in_flight; /* over all slots; in_flight counts the orphans too */
	size_t kept_events, looks;                       /* over all slots; slots that want a look */
	size_t behind;                                   /* slots that are */
	int64_t answered_at;                             /* when Redis last did something, or came back */
	int next_slot; /* where the search for the next chunk to apply goes on, for fairness */

	bool draining, stopping, stopped, clean;
	int64_t drain_until, stop_until;
	struct action_queue actions;
};

/* chunks.c */
void chunk_list_init(struct chunk_list *list);
void chunk_list_append(struct chunk_list *list, struct protocol_chunk *chunk);
struct protocol_chunk *chunk_list_take(struct chunk_list *list); /* first, or NULL */
bool chunk_list_remove(struct chunk_list *list, const struct protocol_chunk *chunk);
/* Moves all of front before what is in list. */
void chunk_list_prepend(struct chunk_list *list, struct chunk_list *front);

/* actions.c */
struct protocol_action *actions_add(struct protocol *protocol, enum action_kind kind, int slot);
bool actions_take(struct protocol *protocol, struct protocol_action *action);
void actions_free_chunk(struct protocol *protocol, struct protocol_chunk *chunk);
void actions_notice(struct protocol *protocol, int slot, enum notice notice, int64_t count);
void actions_refuse(struct protocol *protocol, int slot, enum refusal refusal);

/* partition.c */
void partition_load(struct protocol *protocol, int slot, enum load_cause cause);
/* Only a live slot reads; another one loads anyway. */
void partition_out_of_range(struct protocol *protocol, int slot);
void partition_give_up(struct protocol *protocol, int slot);
bool partition_owns(const struct protocol *protocol, const struct protocol_chunk *chunk);
void partition_offsets(struct protocol *protocol, int slot, const struct offsets_reply *reply);
void partition_loaded(struct protocol *protocol, int slot, const struct load_reply *reply);
void partition_watched(struct protocol *protocol, int slot, int64_t at_least, const struct load_reply *reply);
bool partition_request(struct protocol *protocol, struct protocol_action *action);
void partition_set_state(struct protocol *protocol, struct slot *slot, enum protocol_state state);
/* Live as decided; the caller sets uuid and applied, and may add to the action. */
struct protocol_action *partition_start(struct protocol *protocol, int slot, const struct start_decision *decision);
/* Loads that asked the store, or wait for it, begin again. */
void partition_restart_loads(struct protocol *protocol, enum load_step step);

/* batch.c */
void batch_drop(struct protocol *protocol, int slot);
void batch_published(struct protocol *protocol, enum publish_result result, bool tainted);
void batch_recreated(struct protocol *protocol, bool ok);
void batch_outcome(struct protocol *protocol, int slot, const struct offsets_reply *reply);
/* Ends a transaction of unknown outcome as soon as all that can be known about it is known. */
void batch_settle(struct protocol *protocol);
bool batch_can_publish(const struct protocol *protocol);
bool batch_request(struct protocol *protocol, struct protocol_action *action);
void batch_recommit_due(struct protocol *protocol);

/* apply.c */
/* From the live side. */
void apply_add(struct protocol *protocol, struct protocol_chunk *chunk);
/* From either side, behind all that waits. */
void apply_append(struct protocol *protocol, struct protocol_chunk *chunk);
/* Too much waits for a Redis that does nothing. */
bool apply_is_stuck(const struct protocol *protocol);
void apply_drop(struct protocol *protocol, int slot);
void apply_answered(struct protocol *protocol, struct protocol_chunk *chunk, enum apply_result result);
void apply_store_lost(struct protocol *protocol);
bool apply_request(struct protocol *protocol, struct protocol_action *action);
/* Redis is another one, or empty: only a load can tell. */
void apply_lost_store(struct protocol *protocol, int slot, enum load_cause cause);
/* Redis does not stand where it must. */
void apply_doubt(struct protocol *protocol, int slot, enum load_cause cause);
/* First of the slot's queue is applied: from queue to kept. */
void apply_pass(struct protocol *protocol, struct slot *slot);
/* Sends nothing of the slot before at_ms. */
void apply_send_again(struct slot *slot, int64_t at_ms);

/* kept.c */
void kept_add(struct protocol *protocol, struct slot *slot, struct protocol_chunk *chunk);
void kept_drop(struct protocol *protocol, struct slot *slot);
/* Redis stands where it must: what is old enough can go. */
void kept_confirm(struct protocol *protocol, struct slot *slot);
/* W is to be looked at, not before at_ms, and nothing sent until then. False when nothing is kept: no look can help. */
bool kept_look(struct protocol *protocol, struct slot *slot, int64_t at_ms);
/* The store is back: does it stand where we believe? */
void kept_look_again(struct protocol *protocol, struct slot *slot);
void kept_end_look(struct protocol *protocol, struct slot *slot);
/* Answer to the look: goes on from W, or doubts. */
void kept_seen(struct protocol *protocol, int slot, int64_t applied);
bool kept_request(struct protocol *protocol, struct protocol_action *action);

/* behind.c */
/* Throws away what waits for Redis; from now on the live side's applies are thrown away too. */
void behind_begin(struct protocol *protocol, int slot);
/* The same for a slot that just started from the log alone. ruleset: of what was published below its position. */
void behind_begin_alone(struct protocol *protocol, int slot, uint64_t ruleset);
/* Forgets that the slot is behind, and its second reader. */
void behind_end(struct protocol *protocol, int slot);
/* Nothing is known of W until it is loaded: there is nothing to look for. */
bool behind_knows_no_w(const struct slot *slot);
void behind_loaded(struct protocol *protocol, int slot, const struct load_reply *reply);
/* The store is lost: loads asked of it get no answer. */
void behind_store_lost(struct protocol *protocol);
bool behind_request(struct protocol *protocol, struct protocol_action *action);

/* alone.c */
/* The slot begins to load. */
void alone_reset(struct protocol *protocol, struct slot *slot);
/* Offsets were read for the load. */
void alone_offsets(struct slot *slot);
/* Redis answered the load; ok: there is no need to go on without it. */
void alone_store_answers(struct protocol *protocol, struct slot *slot, bool ok);
/* When the slot has waited long enough; INT64_MAX when it may not, or does already. */
int64_t alone_due_at(const struct protocol *protocol, const struct slot *slot);
void alone_loaded(struct protocol *protocol, int slot, enum log_load_result result);
bool alone_request(struct protocol *protocol, struct protocol_action *action);

/* floor.c */
/* C has come to the offset, by this process's own commit, as read, or because W has. */
void floor_raise(struct slot *slot, int64_t offset);
/* What was said before does not count. */
void floor_look_anew(struct slot *slot);
/* False when the answer cannot be C: ask again. Refuses when that has lasted for too long. */
bool floor_holds(struct protocol *protocol, int slot, const struct offsets_reply *reply);

/* leave.c */
void leave_revoke(struct protocol *protocol, bool lost);
void leave_stop(struct protocol *protocol);
/* Ends a drain or a stop that has nothing left to wait for, or whose time is over. */
void leave_check(struct protocol *protocol);
