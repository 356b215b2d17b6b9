/* SPDX-License-Identifier: Apache-2.0 */
/* The simulated world: input log, Kafka, Redis and one to three daemons that run the real protocol. Everything that
 * happens is a step drawn from one seeded generator, so a seed is a schedule and replays byte for byte. */
#pragma once
#include <setjmp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "anchors.h"
#include "protocol.h"
#include "stream.h"

#define PARTITIONS_MAX 3
#define DAEMONS_MAX 3
#define EVENTS_MAX 40
#define IDS 6
#define WINDOW_HOURS 24
#define CLIP_HOURS 10 /* one record moves stream time by so much at most */
#define CHUNK_EVENTS_MAX 4
#define CHUNKS_MAX 192
#define ALERTS_MAX 160
#define JOBS_MAX 16
#define REQUESTS_MAX 32
#define LATE_MAX 24
#define SNAPSHOTS 12

/* ---- faults, paths, scenarios ---- */

#define FAULTS(X)                                                                                                      \
	X(CRASH, "crash")                                                                                              \
	X(ABORT, "abort")                                                                                              \
	X(UNKNOWN, "unknown outcome")                                                                                  \
	X(LATE_KAFKA, "late Kafka request")                                                                            \
	X(TIMEOUT, "transaction timeout")                                                                              \
	X(STOP, "graceful stop")                                                                                       \
	X(REBALANCE, "rebalance")                                                                                      \
	X(PAUSE, "paused zombie")                                                                                      \
	X(TAIL_LOSS, "tail loss")                                                                                      \
	X(OUTAGE, "outage")                                                                                            \
	X(BUSY, "busy store")                                                                                          \
	X(FAILOVER, "stale failover")                                                                                  \
	X(LATE_REDIS, "late socket")                                                                                   \
	X(REWIND, "operator moves group")                                                                              \
	X(SHADOW, "operator moves shadow")                                                                             \
	X(DELETE, "offsets deleted")                                                                                   \
	X(WIPE, "store wiped")                                                                                         \
	X(FOREIGN, "foreign store")                                                                                    \
	X(FORGET, "brokers forget an end")                                                                             \
	X(STALE, "stale coordinator")

enum fault {
#define X(name, text) FAULT_##name,
	FAULTS(X)
#undef X
		FAULT_COUNT
};
extern const char *const fault_names[FAULT_COUNT];

/* Paths of the protocol, counted to prove that a scenario takes them. */
#define PATHS(X)                                                                                                       \
	X(COMMITS, "commits")                                                                                          \
	X(APPLIES, "applies")                                                                                          \
	X(MUTED, "muted events")                                                                                       \
	X(DUPLICATES, "duplicates")                                                                                    \
	X(CAS_REFUSED, "CAS refused")                                                                                  \
	X(CAS_PASSED, "CAS already done")                                                                              \
	X(FENCED, "fenced")                                                                                            \
	X(UNKNOWN, "unknown")                                                                                          \
	X(TAINTED, "tainted")                                                                                          \
	X(UNSTABLE, "read waits")                                                                                      \
	X(LOAD_ASSIGNED, "loads: assigned")                                                                            \
	X(LOAD_REFUSED, "refused")                                                                                     \
	X(LOAD_WENT_BACK, "went back")                                                                                 \
	X(HEALED, "healed")                                                                                            \
	X(LATE, "partitions behind")                                                                                   \
	X(CAUGHT_UP, "caught up")                                                                                      \
	X(CATCH_UP_EVENTS, "events caught up")                                                                         \
	X(ALONE, "started alone")                                                                                      \
	X(NOT_ALONE, "could not")                                                                                      \
	X(LOAD_UNKNOWN, "unknown")                                                                                     \
	X(BEHIND, "group behind")                                                                                      \
	X(AHEAD, "group ahead")                                                                                        \
	X(SHADOW, "shadow missing")                                                                                    \
	X(CREATED, "created")                                                                                          \
	X(STOPPED_CLEAN, "clean stops")                                                                                \
	X(REFUSAL, "refusals")                                                                                         \
	X(SWEPT, "ended late")                                                                                         \
	X(STALE, "read below C")

enum path {
#define X(name, text) PATH_##name,
	PATHS(X)
#undef X
		PATH_COUNT
};
extern const char *const path_names[PATH_COUNT];

struct counts {
	uint64_t runs, violations, steps;
	uint64_t faults[FAULT_COUNT];
	uint64_t paths[PATH_COUNT];
};

struct scenario {
	const char *name, *title;
	unsigned faults;         /* bit per enum fault */
	unsigned paths;          /* bit per enum path that must have been taken */
	bool rebuild;            /* daemons start with the operator's order to rebuild */
	int partitions, daemons; /* 0: drawn */
	bool keeps;              /* every daemon keeps applied chunks */
	bool catches_up;         /* every daemon lets a second reader catch up */
	bool alone; /* every daemon starts without Redis, which is away for longer, and when partitions move */
	bool cold;  /* many starts before anything was committed */
	bool twins; /* two processes under one instance name */
};
extern const struct scenario scenarios[];
extern const size_t scenario_count;

/* ---- bugs planted on this side: what the adapters must do right around the protocol ---- */
enum sim_bug {
	BUG_NONE,
	BUG_NO_CAS,
	BUG_APPLY_BEFORE_COMMIT,
	BUG_METADATA_AT_COMMIT,
	BUG_UNSTABLE_READ,
	BUG_OLD_C,
	BUG_UNKNOWN_IS_ABORT,
	BUG_UNKNOWN_IS_COMMIT,
	BUG_JOURNAL_NOT_ATOMIC,
	BUG_TIME_NOT_STORED,
	BUG_STATE_KEPT,
	BUG_NO_UUID_CHECK,
	BUG_NO_WATCH,
	BUG_BEHIND_LEFT,
	BUG_WRITE_THEN_FAIL,
	BUG_MISSING_IS_ZERO,
	BUG_READ_IN_PIECES,
	BUG_REBUILD_KEEPS_UUID,
	BUG_CATCH_UP_LIVE_STATE,
	BUG_ALONE_WINDOW_SHORT,
	BUG_ALONE_OTHER_KEY,
	BUG_ALONE_TIME_FROM_MEMORY,
	BUG_ALONE_ANCHOR_WITHOUT_TIME,
	BUG_SWEEP_ABORTS,
	BUG_NO_SWEEP,
	BUG_CUT_IGNORED,
};

/* ---- input ---- */

/* Decision state S with stream time T: rule D4 over a handful of ids. */
struct decided {
	int16_t time;      /* hours, -1 before the first event */
	int16_t seen[IDS]; /* hour of the last sighting, -1 never */
};

struct counters {
	int32_t accepted, duplicates;
	uint64_t sum; /* of a hash of each accepted offset: nothing can be counted twice or missed and go unseen */
};

struct input {
	int length, visible; /* records [0, visible) are in the log */
	int16_t hour[EVENTS_MAX];
	uint8_t id[EVENTS_MAX];
	bool hole[EVENTS_MAX];                    /* marker or compacted: takes an offset, is never delivered */
	bool alert[EVENTS_MAX];                   /* expected */
	struct decided states[EVENTS_MAX + 1];    /* expected after [0, i) */
	struct counters counters[EVENTS_MAX + 1]; /* expected after [0, i) */
};

/* ---- Kafka ---- */

struct committed {
	bool present, ours, complete;
	int offset;
	uint32_t uuid;
	int16_t time;
	struct anchors anchors;
};

enum { GROUP_REAL, GROUP_SHADOW, GROUPS };

struct alert {
	int8_t partition, offset;
};

struct open_transaction {
	bool open;
	size_t alert_count;
	struct alert alerts[ALERTS_MAX];
	bool sent[GROUPS];
	struct committed pending[GROUPS][PARTITIONS_MAX];
};

/* Partitions that a transaction reaches: those that keep the offsets of a group, those that take the alerts. */
enum { PART_ALERTS = GROUPS, PARTS = GROUPS + PARTITIONS_MAX };

/* What brokers forgot to end in a part: it is open although the transaction was ended. */
struct left_open {
	bool open, committed;
	struct committed pending[PARTITIONS_MAX]; /* of a group */
};

struct coordinator {
	int epoch;
	struct open_transaction transaction;
	struct left_open left[PARTS];
};

enum late_kind { LATE_COMMIT, LATE_ABORT, LATE_OFFSETS };

/* A request that its client gave up; executed at any later time unless fenced. */
struct late_kafka {
	enum late_kind kind;
	int name, epoch;
	int group, generation, member; /* LATE_OFFSETS */
	struct committed offsets[PARTITIONS_MAX];
};

struct member {
	bool present, joined;
	int id;
	unsigned partitions; /* bit mask */
};

struct kafka {
	struct committed groups[GROUPS][PARTITIONS_MAX];
	int done[PARTITIONS_MAX]; /* alerts of [0, done) are visible: the truth that no operator can change */
	struct coordinator coordinators[DAEMONS_MAX];
	struct late_kafka late[LATE_MAX];
	size_t late_count;
	int64_t stale_until; /* the coordinator of the groups came back and has not read its log yet */
	bool stable;
	int generation, last_member;
	struct member members[DAEMONS_MAX];
};

/* ---- Redis ---- */

struct shard {
	bool exists;
	uint32_t uuid;
	int start, applied;
	struct decided state;
	struct counters counters;
};

struct effects {
	int partition, from, to;
	uint32_t uuid;
	struct counters counters;
	int16_t time;
	size_t count;
	struct {
		uint8_t id;
		int16_t hour;
	} sightings[CHUNK_EVENTS_MAX];
};

enum request_kind { REQUEST_APPLY, REQUEST_LOAD, REQUEST_WATCH };

struct request {
	enum request_kind kind;
	int slot;
	uint64_t token;
	bool executed;
	struct protocol_chunk *chunk; /* the client's, for the answer only */
	struct effects effects;
	bool may_create, rebuild, half_read, catch_up;
	bool rechecks, torn; /* a load looks a second time, in a call of its own, whether what it read still holds */
	int create_at;
	int64_t at_least;
	enum apply_result result;
	struct shard seen; /* what a load or watch saw */
	int disturbances;  /* at that time */
	bool created;
};

struct redis {
	bool down;
	uint32_t last_uuid;
	struct shard shards[PARTITIONS_MAX];
	struct shard snapshots[SNAPSHOTS][PARTITIONS_MAX]; /* ring of earlier copies */
	size_t snapshot_count;
	struct request late[LATE_MAX];
	size_t late_count;
	int disturbances; /* writes and losses that no daemon knows of */
};

/* ---- daemons ---- */

struct sim_chunk {
	struct protocol_chunk link; /* first */
	bool used;
	bool muted;
	size_t alert_count;
	int8_t alerts[CHUNK_EVENTS_MAX];
	struct effects effects;
	struct anchors anchors; /* when it began */
};

/* Reads what Redis lacks, with a state of its own. */
struct second_reader {
	bool reading;
	int cursor;
	struct decided state, aside;
	struct sim_chunk *open;
};

/* Makes the decision state from the log. */
struct log_reader {
	bool reading;
	uint64_t token;
	int cursor, end;
	int16_t time; /* that the state must come to */
	struct decided state;
};

struct place {
	struct second_reader second;
	struct log_reader alone;
	struct committed found[GROUPS];  /* as last read */
	struct committed entry, attempt; /* at C; of the last transaction with events */
	struct anchors anchors;
	bool reading;
	int cursor;
	uint32_t uuid;
	struct decided state, aside;
	uint32_t aside_uuid;
	struct sim_chunk *open;
	/* since lost writes were sent again: a load is in vain while W stands where Redis last told it */
	bool healed;
	int told_w, told_disturbances, disturbances;
	bool old_c_known; /* planted: C remembered */
	struct offsets_reply old_c;
};

enum job_kind { JOB_PUBLISH, JOB_RECREATE, JOB_READ };

struct job {
	enum job_kind kind;
	int slot, stage;
	uint64_t token;
	const struct protocol_batch *batch;
	const struct protocol_chunk *next;
	int generation, member;
	bool begun, aborting, tainted;
	struct committed offsets[PARTITIONS_MAX];
	struct committed found[GROUPS];
	struct offsets_reply reply;
};

struct daemon {
	int name;
	bool alive, paused, stopping;
	struct protocol *protocol;
	bool connected, catches_up;
	int epoch; /* of the producer */
	bool cut;  /* it lost a connection: brokers may have crashed */
	/* consumer's view */
	bool revoking, owns;
	int member, generation;
	struct place places[PARTITIONS_MAX];
	struct job jobs[JOBS_MAX];
	size_t job_count;
	struct request requests[REQUESTS_MAX];
	size_t request_count;
	struct sim_chunk chunks[CHUNKS_MAX];
	size_t chunks_used;
	int64_t next_watch;
};

struct world {
	uint64_t seed, random;
	const struct scenario *scenario;
	struct counts *counts;
	bool trace, healing, refused;
	enum sim_bug bug;
	int64_t now;
	int partitions, daemon_count;
	int fault_percent;
	unsigned refusals_allowed; /* bit per enum refusal */
	char violation[160];
	jmp_buf failed;
	struct input inputs[PARTITIONS_MAX];
	struct kafka kafka;
	struct redis redis;
	struct daemon daemons[DAEMONS_MAX];
};

/* ---- random.c ---- */
uint64_t random_next(struct world *world);
int random_below(struct world *world, int bound);
bool random_percent(struct world *world, int percent);
/* True when the scenario has this fault, faults are on, and the dice say so; counts it. */
bool strikes(struct world *world, enum fault fault, int percent);
bool has_fault(const struct world *world, enum fault fault);

/* ---- world.c ---- */
/* Ends the run. */
_Noreturn void violate(struct world *world, const char *format, ...) __attribute__((format(printf, 2, 3)));
void trace(struct world *world, const char *format, ...) __attribute__((format(printf, 2, 3)));
#define TRACE(world, ...)                                                                                              \
	do {                                                                                                           \
		if ((world)->trace)                                                                                    \
			trace(world, __VA_ARGS__);                                                                     \
	} while (0)
void count_path(struct world *world, enum path path, int64_t count);
/* True when no invariant broke. */
bool world_run(struct world *world, const struct scenario *scenario, uint64_t seed, struct counts *counts);

/* ---- input.c ---- */
void input_make(struct world *world, struct input *input);
bool decide(struct decided *state, uint8_t id, int16_t hour);
uint64_t offset_hash(int partition, int offset);

/* ---- kafka.c ---- */
int kafka_init(struct world *world, int name); /* new epoch; ends what is open */
bool kafka_produce(struct world *world, int name, int epoch, int partition, int offset); /* false: fenced */
enum offsets_answer { OFFSETS_OK, OFFSETS_REFUSED, OFFSETS_FENCED };
enum offsets_answer kafka_send_offsets(struct world *world, int name, int epoch, int group, int generation, int member,
				       const struct committed *offsets);
bool kafka_end(struct world *world, int name, int epoch, bool commit); /* false: fenced */
/* false: a transaction holds the offset of this partition. */
bool kafka_read(struct world *world, int group, int partition, struct committed_offset *out);
void kafka_expire(struct world *world, int name);
/* Ends what brokers left open of this producer; as: the way it was ended, or not (planted). */
void kafka_sweep(struct world *world, int name, bool as_ended);
bool kafka_left_open(const struct world *world);
void kafka_add_late(struct world *world, struct late_kafka late);
void kafka_run_late(struct world *world);
/* group */
void group_rebalance(struct world *world);
void group_remove(struct world *world, int name);
void group_step(struct world *world);

/* ---- redis.c ---- */
void redis_execute(struct world *world, struct request *request);
void redis_add_late(struct world *world, const struct request *request);
void redis_run_late(struct world *world);
void redis_go_back(struct world *world);
uint32_t redis_new_uuid(struct world *world);
void redis_reply(const struct shard *shard, bool created, struct load_reply *reply);

/* ---- daemon.c ---- */
void daemon_start(struct world *world, struct daemon *daemon);
void daemon_crash(struct world *world, struct daemon *daemon);
void daemon_stop(struct world *world, struct daemon *daemon);
/* True when another live process uses this one's name. */
bool daemon_has_twin(const struct world *world, const struct daemon *daemon);
/* One small step of its own choice. */
void daemon_step(struct world *world, struct daemon *daemon);
/* One of each, for a quick way to rest. */
void daemon_turn(struct world *world, struct daemon *daemon);
void daemon_pump(struct world *world, struct daemon *daemon);
struct sim_chunk *daemon_open_chunk(struct daemon *daemon, int slot, int from);
void daemon_free_chunk(struct world *world, struct daemon *daemon, struct sim_chunk *chunk);
/* Decides the record and adds what follows to the chunk. */
void daemon_add_event(struct world *world, struct sim_chunk *chunk, struct decided *state, int slot, int offset);
/* catch_up.c: the daemon's second reader */
void catch_up_start(struct world *world, struct daemon *daemon, const struct protocol_action *action);
void catch_up_end(struct world *world, struct daemon *daemon, int slot);
void catch_up_read(struct world *world, struct daemon *daemon);
/* alone.c: what goes with an offset, and starting from that and the log */
/* From where the log can be read to have the state at this entry. */
void alone_found(const struct committed *entry, struct committed_offset *out);
void alone_begin_entry(struct daemon *daemon, int slot);
void alone_mark_chunk(struct place *place, struct sim_chunk *chunk);
struct committed alone_entry(const struct world *world, struct daemon *daemon, const struct protocol_batch *batch,
			     const struct protocol_commit *commit);
void alone_load(struct world *world, struct daemon *daemon, const struct protocol_action *action);
void alone_read(struct world *world, struct daemon *daemon);
void alone_start(struct world *world, struct daemon *daemon, const struct protocol_action *action);
void alone_end(struct place *place);
/* planted.c: the planted bug makes a daemon start alone at an offset that is not C. */
bool protocol_bug_moves_c(void);
/* client.c: the daemon's Redis connection */
void client_ask(struct daemon *daemon, const struct request *request);
void client_talk(struct world *world, struct daemon *daemon); /* connects, or has the next request executed */
void client_deliver(struct world *world, struct daemon *daemon);
void client_watch(struct world *world, struct daemon *daemon);
void client_abandon(struct world *world, struct daemon *daemon);
void client_disconnect(struct world *world, struct daemon *daemon);
/* worker.c: the daemon's Kafka thread */
void worker_add(struct world *world, struct daemon *daemon, struct job job);
void worker_step(struct world *world, struct daemon *daemon);
