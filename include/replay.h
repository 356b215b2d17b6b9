/* SPDX-License-Identifier: Apache-2.0 */
/* Reads one topic-partition again from its records into a ledger, through the very pipeline that the daemon decides
 * with. Also says what the dedup journal must hold. */
#pragma once
#include "ledger.h"
#include "pipeline.h"

/* A bucket of the journal: how many ids, and a hash over them in their order. */
struct replay_bucket {
	uint32_t hour;
	uint64_t count, hash;
};
#define REPLAY_BUCKETS_MAX 256

struct replay_settings {
	const struct pipeline_settings *pipeline; /* of what is published nothing is needed */
	struct ruleset *ruleset;
};

struct replay {
	const struct replay_settings *settings;
	struct ledger *ledger;
	struct stream stream;
	struct chunk *chunk;                              /* decided and not yet in the ledger; NULL: none */
	struct replay_bucket buckets[REPLAY_BUCKETS_MAX]; /* by hour; those a decision can still need */
	size_t bucket_count;
	uint64_t records, events, duplicates, refused;
	uint64_t ordered; /* of the events: those whose order matters, reports and reviews */
};

/* key: of the store's id hash. settings and ledger are borrowed. */
void replay_init(struct replay *replay, const struct replay_settings *settings, struct ledger *ledger,
		 const uint8_t key[STREAM_KEY_SIZE]);
void replay_fini(struct replay *replay);
/* Records must come in offset order, each once. */
void replay_record(struct replay *replay, const struct input_record *record);
/* Now the ledger, the buckets and the numbers hold every record. */
void replay_settle(struct replay *replay);

/* Goes on hashing a bucket with size bytes of the journal: a whole number of ids. Begin with 0. */
uint64_t replay_hash(uint64_t hash, const char *ids, size_t size);
