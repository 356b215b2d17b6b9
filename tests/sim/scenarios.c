/* SPDX-License-Identifier: Apache-2.0 */
/* The rows of the simulator: which faults, and which paths must have been taken, else the run proves nothing. */
#include "sim.h"

const char *const fault_names[FAULT_COUNT] = {
#define X(name, text) text,
	FAULTS(X)
#undef X
};

const char *const path_names[PATH_COUNT] = {
#define X(name, text) text,
	PATHS(X)
#undef X
};

#define F(name) (1u << FAULT_##name)
#define P(name) (1u << PATH_##name)

#define BASIC (F(CRASH) | F(ABORT) | F(UNKNOWN) | F(LATE_KAFKA) | F(TIMEOUT) | F(STOP))
#define GROUP (BASIC | F(REBALANCE) | F(PAUSE))
#define STORE (F(TAIL_LOSS) | F(OUTAGE) | F(BUSY) | F(FAILOVER) | F(LATE_REDIS))
#define ALWAYS (P(COMMITS) | P(APPLIES) | P(DUPLICATES) | P(CREATED))
#define RECOVERY (ALWAYS | P(MUTED) | P(UNKNOWN) | P(TAINTED) | P(UNSTABLE) | P(LOAD_ASSIGNED))
#define ZOMBIES (RECOVERY | P(FENCED) | P(CAS_PASSED))

const struct scenario scenarios[] = {
	{ "calm", "nothing fails", 0, ALWAYS, .partitions = 0 },
	{ "crash", "crash, stop, abort, unknown outcome, transaction timeout, late requests", BASIC,
	  RECOVERY | P(STOPPED_CLEAN) },
	{ "rebalance", "+ rebalance, zombies that wake at any step", GROUP, ZOMBIES },
	{ "tail-loss", "+ Redis restarts without its latest writes", GROUP | F(TAIL_LOSS),
	  ZOMBIES | P(CAS_REFUSED) | P(LOAD_WENT_BACK) },
	{ "kept", "+ lost writes are sent again from kept chunks", GROUP | STORE,
	  ZOMBIES | P(CAS_REFUSED) | P(HEALED) | P(LOAD_WENT_BACK), .keeps = true },
	{ "behind", "live state is never dropped for Redis' sake, a second reader catches up", GROUP | STORE,
	  ZOMBIES | P(CAS_REFUSED) | P(LATE) | P(CAUGHT_UP) | P(CATCH_UP_EVENTS), .catches_up = true },
	{ "alone", "starts without Redis, which is away for long and comes back with or without its latest writes",
	  GROUP | STORE | F(REWIND) | F(SHADOW),
	  ZOMBIES | P(LATE) | P(CAUGHT_UP) | P(CATCH_UP_EVENTS) | P(ALONE) | P(NOT_ALONE), .catches_up = true,
	  .alone = true },
	{ "alone-lost", "the same, and Redis comes back empty or as another one: ends in refusal",
	  GROUP | STORE | F(WIPE) | F(FOREIGN), ALWAYS | P(ALONE) | P(REFUSAL), .catches_up = true, .alone = true },
	{ "forgotten", "+ brokers crash and forget to end transactions in some partitions", GROUP | STORE | F(FORGET),
	  ZOMBIES | P(CAS_REFUSED) | P(SWEPT) },
	{ "stale", "+ the groups' coordinator comes back without all that was committed", GROUP | F(STALE),
	  ZOMBIES | P(STALE) },
	{ "outage", "+ Redis down or busy, bounded apply queue", GROUP | F(OUTAGE) | F(BUSY), ZOMBIES },
	{ "failover", "+ stale failover nobody notices, sockets that arrive late", GROUP | F(FAILOVER) | F(LATE_REDIS),
	  ZOMBIES | P(CAS_REFUSED) | P(LOAD_REFUSED) | P(LOAD_WENT_BACK) },
	{ "all", "all of the above", GROUP | STORE, ZOMBIES | P(CAS_REFUSED) | P(LOAD_REFUSED) | P(LOAD_WENT_BACK) },
	{ "rewind", "operators move group and shadow group", GROUP | F(REWIND) | F(SHADOW),
	  ZOMBIES | P(BEHIND) | P(AHEAD) | P(SHADOW) },
	{ "delete", "operators delete offsets of one group or of both", GROUP | F(DELETE) | F(SHADOW),
	  ZOMBIES | P(BEHIND) | P(SHADOW) | P(REFUSAL) },
	{ "first-start", "crashes and lost creations before anything is committed", GROUP | STORE, ZOMBIES | P(REFUSAL),
	  .cold = true },
	{ "store-lost", "Redis wiped or exchanged: ends in refusal", GROUP | STORE | F(WIPE) | F(FOREIGN),
	  ALWAYS | P(REFUSAL) },
	{ "rebuild", "Redis wiped or exchanged, rebuild ordered", GROUP | STORE | F(WIPE) | F(FOREIGN), ZOMBIES,
	  .rebuild = true },
	{ "twins", "two processes under one instance name", GROUP | STORE, RECOVERY | P(FENCED) | P(CAS_REFUSED),
	  .daemons = 3, .twins = true },
	{ "everything", "everything but another store", GROUP | STORE | F(REWIND) | F(SHADOW),
	  ZOMBIES | P(CAS_REFUSED) | P(LOAD_REFUSED) | P(LOAD_WENT_BACK) | P(BEHIND) | P(AHEAD) | P(SHADOW) },
};
const size_t scenario_count = sizeof(scenarios) / sizeof(scenarios[0]);
