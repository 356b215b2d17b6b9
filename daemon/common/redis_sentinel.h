/* SPDX-License-Identifier: Apache-2.0 */
/* Which Redis is the master? What Sentinels are asked, what their answers mean, and what becomes of a round of them. */
#pragma once
#include <hiredis/hiredis.h>
#include <stdint.h>
#include "address.h"
#include "config.h"

enum { SENTINELS_MAX = 16 };

struct redis_sentinels {
	struct address at[SENTINELS_MAX];
	size_t count;
};
/* "host:port,host:port". False when it is no such list, or too long. */
MUST_CHECK bool redis_sentinels_parse(struct redis_sentinels *sentinels, const char *text);

/* How long one of them may take. */
int64_t redis_sentinel_patience_ms(const struct config *config);

/* ---- one Sentinel: a question in steps, sent together and answered in order ---- */

enum redis_sentinel_step {
	SENTINEL_AUTH, /* only with a password */
	SENTINEL_ADDRESS,
	SENTINEL_STATE,
	SENTINEL_STEPS,
};
enum redis_sentinel_result {
	SENTINEL_SILENT,  /* not reached, or no answer */
	SENTINEL_REFUSES, /* it answers, but knows or tells no master */
	SENTINEL_NAMES,
};
struct redis_sentinel_answer {
	enum redis_sentinel_result result;
	struct address master;
	int64_t epoch;   /* grows with each failover; -1: it may not say */
	char error[640]; /* unless it names one: why not, and what to do */
};

/* An answer that nothing was read into yet. */
#define SENTINEL_ANSWER_NONE ((struct redis_sentinel_answer){ .epoch = -1 })

/* Bytes of one step for redisFreeCommand(), and their size. password is only looked at for SENTINEL_AUTH. */
int redis_sentinel_format(char **bytes, enum redis_sentinel_step step, const struct config *config,
			  const char *password);
/* The first step, after reading the password if there is one into a buffer of SECRET_SIZE that the caller wipes.
 * SENTINEL_STEPS and answer->error when it cannot be read. */
enum redis_sentinel_step redis_sentinel_begin(const struct config *config, char *password,
					      struct redis_sentinel_answer *answer);
void redis_sentinel_read(struct redis_sentinel_answer *answer, enum redis_sentinel_step step, const redisReply *reply,
			 const char *master_name);
/* Asks one and waits for it. */
void redis_sentinel_ask(struct redis_sentinel_answer *answer, const struct address *sentinel,
			const struct config *config);

/* ---- one after the other, until one names the master ---- */

struct redis_sentinel_round {
	size_t asked, refused;
	char error[1024]; /* of those who named none: a refusal rather than a silence */
};
/* Counts an answer that did not lead to a master. */
void redis_sentinel_note(struct redis_sentinel_round *round, const struct address *sentinel,
			 const struct redis_sentinel_answer *answer);
