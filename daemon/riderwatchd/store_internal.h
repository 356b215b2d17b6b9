/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by the store_*.c files: link (connection, timers, requests), sentinel (who is the master), setup (checks and
 * library), load, rollup and ranking (what dashboards read), reply (reading what Redis answered), and store.c (the
 * rest). hiredis calls back in the order of sending, and with NULL once the connection is lost: requests then vanish
 * without a word, since on_lost speaks for all of them. Nothing may touch the hiredis context after store_lose or
 * store_die. */
#pragma once
#include <hiredis/hiredis.h>
#include <hiredis/async.h>
#include "address.h"
#include "redis_fault.h"
#include "store.h"

enum store_phase {
	STORE_DOWN,       /* no connection; the retry timer runs */
	STORE_CONNECTING, /* or asking Sentinels where to */
	STORE_SETUP,
	STORE_READY,
	STORE_DEAD, /* on_fatal was called */
};

/* What the last round of ranking found: nothing on the lists of these shards, when so many changes had been made. */
struct store_ranked {
	int32_t *partitions; /* NULL: it found something, or failed */
	size_t count;
	uint64_t changes;
};

struct store {
	struct event_base *base;
	const struct config *config;
	struct store_callbacks callbacks;
	void *context;
	enum store_phase phase;
	redisAsyncContext *redis;           /* NULL in STORE_DOWN and STORE_DEAD, and while Sentinels are asked */
	struct store_sentinel *sentinel;    /* NULL: the configuration says where Redis is */
	struct address master;              /* the last one in use; port 0: none yet, or a socket */
	char address[ADDRESS_TEXT_SIZE];    /* the same as text, or the socket; empty: none yet */
	struct event *deadline;             /* for the connect, then for the oldest request */
	struct event *retry;                /* next attempt to connect */
	struct event *health;               /* asks from time to time whether Redis may evict or is a replica by now */
	struct store_request *first, **end; /* sent and not answered, oldest first */
	unsigned attempts;                  /* failed ones since the store was last ready */
	char reason[64];                    /* its beginning: why the last one failed */
	size_t setup_step;
	bool library_loading;
	char run_id[41]; /* of the start of Redis whose append-only file is to be written anew; empty: none */
	struct store_rollup *rollup;   /* the round under way, or NULL */
	struct store_ranking *ranking; /* the same */
	struct store_ranked ranked;
	uint64_t changes; /* whatever may have put riders on the lists of those to be ranked: connections, loads,
			     applies */
	int64_t rollup_rest_until_us;
	bool rollup_anew; /* the last round failed */
	struct store_stats stats;
};

/* reply is never NULL and belongs to hiredis. */
typedef void store_reply_f(struct store *store, void *subject, const redisReply *reply);

struct store_request {
	struct store_request *next;
	struct store *store;
	store_reply_f *on_reply;
	void (*drop)(void *subject); /* called instead of on_reply when the connection is lost; NULL: nothing to do */
	void *subject;
	int64_t sent_us;
};

/* ---- store_link.c ---- */
/* Sends one command; format as in redisCommand(). subject goes to exactly one of on_reply and drop. */
void store_send(struct store *store, store_reply_f *on_reply, void (*drop)(void *subject), void *subject,
		const char *format, ...);
/* The same for RESP bytes; they are copied. */
void store_send_formatted(struct store *store, store_reply_f *on_reply, void (*drop)(void *subject), void *subject,
			  struct slice command);
/* A command of many arguments; the texts are borrowed until it is sent. */
#define STORE_ARGUMENTS_MAX 1005
struct store_arguments {
	const char *list[STORE_ARGUMENTS_MAX];
	size_t sizes[STORE_ARGUMENTS_MAX];
	int count;
};
void store_add_argument(struct store_arguments *arguments, const char *text, size_t size);
/* The same for a list of arguments. */
void store_send_arguments(struct store *store, store_reply_f *on_reply, void (*drop)(void *subject), void *subject,
			  struct store_arguments *arguments);
void store_connect(struct store *store);
/* Closes the connection, tries again later, and tells the owner if it was ready. */
void store_lose(struct store *store, const char *why);
/* Closes the connection for good and says why: what was done, what Redis answered, what to do. */
void store_die(struct store *store, const char *doing, const char *answer, const char *advice);

/* Sentinels name a master. is_newer: by a failover that was not known before. */
void store_take_master(struct store *store, const struct address *master, const struct address *sentinel,
		       bool is_newer);
/* They name none. is_refused: each of them answered, and none will. */
void store_miss_master(struct store *store, const char *why, bool is_refused);
/* What a replica in the place of the primary means. */
const char *store_replica_text(const struct store *store);

/* ---- store_sentinel.c ---- */
struct store_sentinel *store_sentinel_new(struct store *store);
void store_sentinel_free(struct store_sentinel **sentinel);
/* store_take_master or store_miss_master follows, from the loop; once for all that ask meanwhile. */
void store_sentinel_ask(struct store_sentinel *sentinel);
/* Another one is asked first from now on. */
void store_sentinel_rotate(struct store_sentinel *sentinel);

/* ---- store_error.c ---- */
/* Does what the row says, except for REACT_RETRY, which only logs. Returns whether the connection is still there. */
bool store_error_handle(struct store *store, const char *doing, const redisReply *reply);

/* ---- store_setup.c ---- */
/* From connected to ready: authentication, checks, schema, library. */
void store_setup(struct store *store);
/* Every few seconds while ready: what was checked at set-up may have been changed. */
void store_check_health(struct store *store);
/* FUNCTION LOAD while ready; calls fail with REACT_RELOAD until it is there. */
void store_reload_library(struct store *store);
