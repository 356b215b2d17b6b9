/* SPDX-License-Identifier: Apache-2.0 */
/* The exactly-once protocol as a state machine without I/O, clock or allocation of payloads.
 *
 * W(p) is the next offset to apply, kept in Redis; C(p) the committed offset, kept in Kafka (maximum of the group and of its
 * shadow group). A chunk is decided, published in one transaction with its offset, and only when that is known to be committed
 * is it applied to Redis with compare-and-set: so W <= C, always. Every doubt about p ends in one path, the load: void the token,
 * drop the state, wait until no own transaction holds p, read C (stable) and W, go on from W, publish nothing below C.
 *
 * Use: call an input function, then take actions with protocol_next() until it returns false, and do them in that order.
 * An action's answer comes back through another input function, at any later time, never from inside protocol_next().
 * Everything runs on one thread. Times are milliseconds of any monotonic clock. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "must.h"

/* One topic-partition = one slot, 0 .. slots-1; the caller keeps the mapping. */

struct protocol;

struct protocol_settings {
	int slots;
	size_t apply_window;      /* chunks in flight to Redis over all slots */
	size_t apply_queue_max;   /* events committed but not applied, over all slots, at which intake pauses */
	size_t keep_max;          /* applied events kept to heal a short tail loss of Redis, over all slots; 0: none */
	bool catch_up;            /* a slot whose applies Redis cannot take goes on, and is caught up from the log */
	int64_t alone_after_ms;   /* with catch_up: a slot that may start alone does so without Redis for so long; 0: never */
	int64_t patience_ms;      /* with catch_up: how long a full queue may wait for Redis to do anything at all */
	int64_t keep_ms;          /* chunks are kept for so long after Redis acknowledged them */
	int64_t retry_ms;         /* wait before a failed read, load or transaction is tried again */
	int64_t refuse_after_ms;  /* a load is refused when all looks at it said so for this long, two at least */
	int64_t refuse_offsets_after_ms; /* the same for offsets that are gone or went back: a coordinator may not have read its log yet */
	int64_t drain_ms;         /* bound on waiting for transaction and applies at revoke and stop */
	int64_t recommit_ms;      /* unchanged offsets are committed again this often (shadow entries expire), 24 h */
	int recreations_max;      /* producer re-creations a minute after which another process must hold our transactional.id */
	bool accept_missing_offsets; /* operator's order: W exists, offsets are gone, go on from W */
	bool rebuild;             /* operator's order: store empty, foreign or older than the log: fold the log again from its start */
	bool start_at_end;        /* first start of a slot: at the end of the log, not at its start */
};

/* Head of a chunk of decided records [from, to) of one slot; the caller embeds it and owns the memory until it hands the chunk
 * over with protocol_add(); it gets it back with ACTION_FREE, exactly once. */
struct protocol_chunk {
	struct protocol_chunk *next;
	int slot;
	uint64_t token;   /* filled in by protocol_add */
	int64_t from, to;
	uint32_t events;  /* records decided in it: what it costs to keep */
	bool muted;       /* filled in by protocol_add: below C, goes to Redis without a transaction */
	bool in_flight;   /* sent to Redis, not answered */
	bool dropped;     /* nobody cares for the answer any more */
	int64_t applied_ms; /* when Redis acknowledged it */
};

struct protocol *protocol_new(const struct protocol_settings *settings);
/* The slot may start from the log alone while Redis is away; none may unless told. */
void protocol_let_start_alone(struct protocol *protocol, int slot);
/* Takes back every chunk, in flight or not, through ACTION_FREE: the last input before protocol_free. */
void protocol_close(struct protocol *protocol);
void protocol_free(struct protocol **protocol);

/* ---- intake ---- */
enum intake {
	INTAKE_DROP,  /* not ours, loading, or below the position: forget the record */
	INTAKE_MUTED, /* in [W, C): decide, publish nothing */
	INTAKE_LIVE,
};
enum intake protocol_intake(const struct protocol *protocol, int slot, int64_t offset);
/* Next offset of the slot to decide: W at the start, then the end of the last chunk added. */
int64_t protocol_position(const struct protocol *protocol, int slot);
/* First offset that is live. A chunk holds no records of both sides: the caller closes it before the first record for which
 * protocol_intake() answers differently. (With a gap in the log a live chunk may begin below this offset; that is fine.) */
int64_t protocol_live_from(const struct protocol *protocol, int slot);
/* False while too much waits for Kafka or Redis: stop reading, keep the group membership. */
bool protocol_wants_records(const struct protocol *protocol);
/* Hands over a closed chunk: from must be the position. Muted ones go to the apply queue, live ones join the open batch. A chunk
 * of a slot that takes no records (any more) comes back at once. */
void protocol_add(struct protocol *protocol, struct protocol_chunk *chunk);
/* ---- catching up ----
 * A slot is behind when Redis cannot follow: it refused, went back further than what is kept, or the queue is full. The live side
 * goes on deciding and publishing; its applies are thrown away. A second reader with an S of its own, loaded from Redis, decides
 * and applies [W, D), where the next apply of the live side begins at D; then it hands over. Nothing beyond D: that is not known
 * to be committed. */
enum catch_up_intake {
	CATCH_UP_DROP,   /* not catching up, or below the position: forget the record */
	CATCH_UP_DECIDE, /* decide, publish nothing */
	CATCH_UP_BEYOND, /* at D or beyond */
};
enum catch_up_intake protocol_catch_up_intake(const struct protocol *protocol, int slot, int64_t offset);
/* Next offset for the second reader to decide, and D, at which a chunk must end. */
int64_t protocol_catch_up_position(const struct protocol *protocol, int slot);
int64_t protocol_catch_up_end(const struct protocol *protocol, int slot);
/* False while too much waits for Redis: the second reader pauses. */
bool protocol_catch_up_wants_records(const struct protocol *protocol);
/* Hands over a chunk of the second reader: from must be its position. */
void protocol_catch_up_add(struct protocol *protocol, struct protocol_chunk *chunk);
/* The second reader has handed over all it has and found nothing more below D, which cannot be: the slot is loaded. */
void protocol_catch_up_missed(struct protocol *protocol, int slot);

/* Live chunks waiting for the next transaction. */
size_t protocol_open_chunks(const struct protocol *protocol);
/* True when a transaction may begin now: none in flight, producer ready, something to commit. The caller paces batches that hold
 * chunks; offsets alone, and everything while stopping, the protocol publishes by itself. */
bool protocol_can_publish(const struct protocol *protocol);
/* Closes the open batch and asks for its transaction. Nothing happens when protocol_can_publish() is false. */
void protocol_publish(struct protocol *protocol);

/* ---- consumer group ---- */
void protocol_assigned(struct protocol *protocol, const int *slots, size_t count, int64_t now_ms);
/* All slots go (eager rebalance). Unsent chunks are freed, the open transaction and its applies are awaited up to drain_ms, then
 * ACTION_RELEASE. lost: membership is already gone, release at once. */
void protocol_revoked(struct protocol *protocol, bool lost, int64_t now_ms);
/* Graceful stop: what was decided (add open chunks before) is published and applied, then ACTION_STOPPED (also when drain_ms is
 * over). Nothing but ACTION_FREE comes after that. */
void protocol_stop(struct protocol *protocol, int64_t now_ms);

/* ---- Kafka ---- */
enum publish_result {
	PUBLISH_COMMITTED,
	PUBLISH_ABORTED, /* known not to be committed; producer usable */
	PUBLISH_UNKNOWN, /* timeout, fatal, fenced: re-create the producer, then the stable offsets tell */
};
/* Outcome of the batch of ACTION_PUBLISH. tainted: some transactional request failed or timed out since begin, so the producer
 * is re-created before the next transaction even if this one committed. */
void protocol_published(struct protocol *protocol, enum publish_result result, bool tainted, int64_t now_ms);
/* Answer to ACTION_RECREATE. */
void protocol_recreated(struct protocol *protocol, bool ok, int64_t now_ms);
/* Kafka answered that the slot's position lies outside the log. A broker says so too that does not know yet that it leads no
 * more: the slot is loaded again, and the bounds of the log tell. */
void protocol_out_of_range(struct protocol *protocol, int slot, int64_t now_ms);

#define PROTOCOL_OFFSET_NONE (-1)
#define PROTOCOL_UUID_SIZE 36

struct committed_offset {
	int64_t offset;   /* PROTOCOL_OFFSET_NONE when the group has none */
	bool ours;        /* carries our metadata; then uuid and ruleset are set */
	char uuid[PROTOCOL_UUID_SIZE];
	uint64_t ruleset; /* rule-set id of what was published below offset */
	/* S and T at offset are what reading the log from here on makes of nothing, PROTOCOL_OFFSET_NONE when only
	 * Redis can tell them. Set when ours. */
	int64_t readable_from;
};
struct offsets_reply {
	bool ok; /* false: read failed or timed out */
	struct committed_offset group, shadow;
	int64_t log_start, log_end;
};
/* Answer to ACTION_READ_OFFSETS. */
void protocol_offsets(struct protocol *protocol, int slot, uint64_t token, const struct offsets_reply *reply, int64_t now_ms);

/* ---- Redis ---- */
struct load_reply {
	bool ok;      /* false: failed or interrupted, try again */
	bool missing; /* no state for this log, and creating it was not allowed */
	bool created; /* this call created the state */
	char uuid[PROTOCOL_UUID_SIZE];
	int64_t start;   /* offset the state was created at */
	int64_t applied; /* W */
};
/* Answer to ACTION_LOAD; the caller keeps the loaded S and T aside until ACTION_START or ACTION_DROP (of a catch-up:
 * ACTION_CATCH_UP or ACTION_CATCH_UP_END). */
void protocol_loaded(struct protocol *protocol, int slot, uint64_t token, const struct load_reply *reply, int64_t now_ms);

/* Answer to ACTION_LOAD_LOG; when good, the caller keeps S and T aside until ACTION_START or ACTION_DROP. */
enum log_load_result {
	LOG_LOAD_GOOD,    /* S and T at the offset asked for */
	LOG_LOAD_DIFFERS, /* T did not come to what goes with the offset: it was made from another log */
	LOG_LOAD_GONE,    /* the log does not hold the records (any more) */
};
void protocol_log_loaded(struct protocol *protocol, int slot, uint64_t token, enum log_load_result result,
			 int64_t now_ms);

/* Answers come in the order in which the slot's ACTION_APPLY came. */
enum apply_result {
	APPLY_OK,      /* W moved, or the function said that it already stood at or beyond the chunk's end */
	APPLY_REFUSED, /* compare-and-set refused: W below the chunk, or missing */
	APPLY_FOREIGN, /* another store uuid */
	APPLY_RETRY,   /* busy, loading, read-only, out of memory: nothing was done, send again later */
};
void protocol_applied(struct protocol *protocol, struct protocol_chunk *chunk, enum apply_result result, int64_t now_ms);
/* Connection gone: every chunk and load in flight is unknown; chunks are sent again in order when the store is ready (the
 * compare-and-set makes that safe). */
void protocol_store_lost(struct protocol *protocol, int64_t now_ms);
void protocol_store_ready(struct protocol *protocol, int64_t now_ms);
/* Every second, and on each reconnect, the caller reads (uuid, W) of each owned slot (protocol_watches() says which, with the W
 * that must have been reached when the request is sent) and reports what it saw. W below that: Redis lost writes. If kept chunks
 * reach back to W they are sent again, else, or with another uuid, the slot is loaded. The answer to ACTION_LOOK comes here too;
 * reply.ok false: it was not understood. Nothing needs to come when the store is lost. */
bool protocol_watches(const struct protocol *protocol, int slot, uint64_t *token, int64_t *at_least);
void protocol_watched(struct protocol *protocol, int slot, uint64_t token, int64_t at_least, const struct load_reply *reply,
		      int64_t now_ms);

/* ---- time ---- */
void protocol_tick(struct protocol *protocol, int64_t now_ms);
/* Earliest time at which protocol_tick has work; INT64_MAX when none. */
int64_t protocol_next_tick(const struct protocol *protocol);

/* ---- output ---- */
struct protocol_commit {
	int slot;
	uint64_t token;
	int64_t offset;
	bool unchanged; /* re-commit of what is there: no chunk stands behind it */
};

/* One transaction: records of all chunks in list order, then the offsets of both groups. Valid until protocol_published. */
struct protocol_batch {
	struct protocol_chunk *chunks; /* linked by next; may be empty */
	struct protocol_commit *commits;
	size_t commit_count;
};

/* Breaches of the guarantee's conditions that stop the daemon: it must not go on counting or publishing. Those of a load are seen
 * by two loads in a row, refuse_after_ms apart, before they count. */
enum refusal {
	REFUSAL_NONE,
	REFUSAL_STORE_EMPTY,     /* offsets are ours, Redis holds no state */
	REFUSAL_STORE_FOREIGN,   /* uuid differs from the one in the offset metadata */
	REFUSAL_LOG_TRUNCATED,   /* W below the log start: events that Redis lacks are gone */
	REFUSAL_LOG_SHORTER,     /* W or C above the log end: another topic, or the topic was re-created */
	REFUSAL_OFFSETS_MISSING, /* W moved, but neither group has offsets of ours */
	REFUSAL_OFFSETS_WENT_BACK, /* C below W, or below what this process knows to be committed */
	REFUSAL_HIJACKED,        /* producer fenced again and again: another process uses this instance name */
	REFUSAL_COUNT
};

/* What is worth a loud line and a metric, but is handled. */
enum notice {
	NOTICE_OFFSET_BEHIND,   /* group offset below max(C, W): put right; count = difference */
	NOTICE_OFFSET_AHEAD,    /* group offset moved forward by an operator: count = events counted, their alerts skipped */
	NOTICE_OFFSETS_STALE,   /* C below what is known to be committed, it is read again: count = difference */
	NOTICE_SHADOW_MISSING,  /* shadow entry expired or emptied: committed again */
	NOTICE_RULESET_CHANGED, /* count = events below C decided with another rule set than they were published with */
	NOTICE_STORE_WENT_BACK, /* Redis lost writes: count = events to apply again */
	NOTICE_STORE_HEALED,    /* Redis lost its latest writes: count = events sent again, nothing was loaded */
	NOTICE_BEHIND,          /* Redis cannot follow: count = events known to be behind, alerts go on */
	NOTICE_CAUGHT_UP,       /* no longer behind: count = events caught up */
	NOTICE_STORE_CREATED,   /* first start of this partition, or rebuild: count = start offset */
	NOTICE_STARTED_ALONE,   /* Redis does not answer: started from the log alone; count = offsets read for that */
	NOTICE_NOT_ALONE,       /* Redis does not answer, the log alone does not do: it waits; count = enum obstacle */
	NOTICE_COUNT
};

/* Why a slot cannot start from the log alone. */
enum obstacle {
	OBSTACLE_NONE,
	OBSTACLE_NO_OFFSET,   /* C is not ours: never committed, or moved by an operator */
	OBSTACLE_NO_ANCHOR,   /* what goes with C does not say from where to read, or not yet */
	OBSTACLE_OTHER_STORE, /* group and shadow group name different stores */
	OBSTACLE_LOG,         /* the log begins above where reading would have to begin, or ends below C */
	OBSTACLE_TIME,        /* the log was read and did not lead to the T that goes with C */
	OBSTACLE_COUNT
};

enum load_cause {
	LOAD_ASSIGNED,
	LOAD_REFUSED,
	LOAD_WENT_BACK,
	LOAD_UNKNOWN_OUTCOME,
	LOAD_DROPPED,
	LOAD_OUT_OF_RANGE,
	LOAD_LOG, /* of no ACTION_DROP: what the metric counts a start from the log alone under */
	LOAD_CAUSE_COUNT
};

enum action_kind {
	ACTION_DROP,         /* slot: forget S, T, the open chunk and anything loaded aside; stop its intake. cause says why */
	ACTION_READ_OFFSETS, /* slot, token: C of both groups (stable) and the log's bounds -> protocol_offsets */
	ACTION_LOAD,         /* slot, token: state from Redis -> protocol_loaded. may_create: create at create_at when missing;
	                        rebuild: replace what is there by a fresh, empty state at create_at. A catch-up only reads */
	ACTION_LOAD_LOG,     /* slot, token: S and T at offset from the log alone, reading [from, offset) -> protocol_log_loaded. The
	                        load from Redis goes on being tried beside it; an ACTION_START that is not alone ends it */
	ACTION_START,        /* slot, offset: use what was loaded, read records from offset on (W; alone: C, S and T are those made
	                        from the log) */
	ACTION_PUBLISH,      /* batch -> protocol_published */
	ACTION_RECREATE,     /* destroy and re-create the producer -> protocol_recreated */
	ACTION_APPLY,        /* chunk -> protocol_applied */
	ACTION_CATCH_UP,     /* slot, offset: use what was loaded for the second reader, which reads from offset on */
	ACTION_CATCH_UP_END, /* slot: forget the second reader's S and open chunk, and what was loaded for it; stop it */
	ACTION_LOOK,         /* slot, token, offset: (uuid, W) from Redis -> protocol_watched with at_least = offset */
	ACTION_FREE,         /* chunk: back to its owner */
	ACTION_RELEASE,      /* answer the revoke now; one for all that are open */
	ACTION_STOPPED,      /* graceful stop is complete (clean says whether W = C everywhere) */
	ACTION_REFUSE,       /* slot (-1: all), refusal: exit loudly; nothing but ACTION_FREE comes after it */
	ACTION_NOTICE,       /* slot, notice, count */
};

struct protocol_action {
	enum action_kind kind;
	int slot;
	uint64_t token;
	int64_t offset, from;
	int64_t count;
	bool alone;
	bool may_create, rebuild, clean;
	bool catch_up; /* ACTION_LOAD: for the second reader; live S and T stay */
	int64_t create_at;
	enum load_cause cause;
	enum refusal refusal;
	enum notice notice;
	struct protocol_chunk *chunk;
	const struct protocol_batch *batch;
};

bool protocol_next(struct protocol *protocol, struct protocol_action *action);

/* ---- for metrics and status ---- */
enum protocol_state { SLOT_ABSENT, SLOT_LOADING, SLOT_MUTED, SLOT_LIVE, SLOT_DRAINING };
struct protocol_view {
	enum protocol_state state;
	int64_t position, applied, published;
	size_t queued; /* chunks waiting for Redis */
	size_t kept;   /* events applied and kept */
	bool behind;
	int64_t missing; /* events between W and where applies go on, as far as known; 0 unless behind */
};
void protocol_view(const struct protocol *protocol, int slot, struct protocol_view *view);
const char *refusal_text(enum refusal refusal);
const char *notice_text(enum notice notice);
const char *load_cause_text(enum load_cause cause);
const char *obstacle_text(enum obstacle obstacle);
/* Rule set for which the muted part below C was published, is compared with this one. */
void protocol_set_ruleset(struct protocol *protocol, uint64_t ruleset);
