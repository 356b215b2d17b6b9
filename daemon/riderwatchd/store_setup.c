/* SPDX-License-Identifier: Apache-2.0 */
/* From connected to ready, one step after the other: each sends a command and judges the reply. */
#include "store_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include "log.h"
#include "secret_file.h"
#include "store_reply.h"

#define VERSION_MIN 7
/* Beyond this many fields a hash is searched in one step; below it, field after field. */
#define LISTPACK_ENTRIES_MAX 128

enum verdict_of_step {
	SETUP_NEXT,
	SETUP_SENT,  /* on_setup_reply goes on */
	SETUP_ENDED, /* the connection has been given up */
};

static void on_setup_reply(struct store *store, void *subject, const redisReply *reply);

/* ---- auth ---- */

static enum verdict_of_step send_auth(struct store *store)
{
	const struct config *config = store->config;
	char password[SECRET_SIZE], error[384];
	if (!config->redis_password_file[0])
		return SETUP_NEXT;
	/* Read on each connect, so that a changed password needs no restart. */
	if (!secret_file_read(config->redis_password_file, 1, password, error, sizeof error)) {
		log_limited(LOG_ERROR, "cannot read redis.password_file", "error=\"%s\"", error);
		store_lose(store, "no password");
		return SETUP_ENDED;
	}
	const char *user = config->redis_user[0] ? config->redis_user : "default";
	store_send(store, on_setup_reply, NULL, NULL, "AUTH %s %s", user, password);
	explicit_bzero(password, sizeof password);
	return SETUP_SENT;
}

/* ---- info ---- */

static enum verdict_of_step send_info(struct store *store)
{
	store_send(store, on_setup_reply, NULL, NULL, "INFO");
	return SETUP_SENT;
}

static void refuse_eviction(struct store *store)
{
	store_die(store, "maxmemory-policy", "Redis may evict counters and dedup journal",
		  "set it to noeviction; if its evicted_keys has grown, empty it and start with redis.rebuild");
}

static enum verdict_of_step check_info(struct store *store, const redisReply *reply)
{
	struct info_reply info;
	store->run_id[0] = '\0';
	if (!reply_info(reply, &info)) {
		log_warning("redis INFO is not allowed: version and eviction policy are not checked", "answer=\"%s\"",
			    reply->type == REDIS_REPLY_ERROR ? reply->str : "");
		return SETUP_NEXT;
	}
	if (info.version_major > 0 && info.version_major < VERSION_MIN) {
		store_die(store, "version", "older than 7", "riderwatch needs functions: install Redis 7 or Valkey");
		return SETUP_ENDED;
	}
	if (info.may_evict) {
		refuse_eviction(store);
		return SETUP_ENDED;
	}
	/* What it says about its append-only file is not true yet. */
	if (info.is_loading) {
		store_lose(store, "Redis is reading its data");
		return SETUP_ENDED;
	}
	if (info.is_replica) {
		store_lose(store, store_replica_text(store));
		return SETUP_ENDED;
	}
	if (info.without_append_file)
		log_warning("redis has no append-only file: after its restart everything since the last snapshot is "
			    "counted again "
			    "from Kafka, and is lost when Kafka no longer has it",
			    "advice=\"set appendonly yes\"");
	else
		memcpy(store->run_id, info.run_id, sizeof store->run_id);
	return SETUP_NEXT;
}

static void on_health_reply(struct store *store, void *subject, const redisReply *reply)
{
	struct info_reply info;
	(void)subject;
	if (!reply_info(reply, &info))
		return;
	if (info.may_evict)
		refuse_eviction(store);
	else if (info.is_replica)
		store_lose(store, store_replica_text(store));
}

void store_check_health(struct store *store)
{
	store_send(store, on_health_reply, NULL, NULL, "INFO memory replication");
}

/* ---- append-only file ----
 * When its end was cut (power loss) in the middle of a function, Redis leaves that half there, skips it, and writes
 * behind it: at its next start it would carry out the half together with what follows. So after each start of Redis the
 * first to come has the file written anew, before anything else is written. */

static enum verdict_of_step send_server_get(struct store *store)
{
	if (!store->run_id[0])
		return SETUP_NEXT;
	store_send(store, on_setup_reply, NULL, NULL, "GET rw:server");
	return SETUP_SENT;
}

static enum verdict_of_step check_server(struct store *store, const redisReply *reply)
{
	if (reply->type == REDIS_REPLY_STRING && strcmp(reply->str, store->run_id) == 0)
		store->run_id[0] = '\0';
	return SETUP_NEXT;
}

static enum verdict_of_step send_rewrite(struct store *store)
{
	if (!store->run_id[0])
		return SETUP_NEXT;
	store_send(store, on_setup_reply, NULL, NULL, "BGREWRITEAOF");
	return SETUP_SENT;
}

/* "Scheduled" is not begun: the next connection asks again. One that is in progress began after this start. */
static enum verdict_of_step check_rewrite(struct store *store, const redisReply *reply)
{
	bool begun = strstr(reply->str, "started") || strstr(reply->str, "in progress");
	if (reply->type == REDIS_REPLY_ERROR && !begun)
		log_warning("the append-only file of Redis is not written anew after its start: if its end was cut, "
			    "the next start "
			    "may count events twice",
			    "answer=\"%s\" advice=\"allow BGREWRITEAOF, or run it after each start of Redis\"",
			    reply->str);
	if (!begun)
		store->run_id[0] = '\0';
	return SETUP_NEXT;
}

static enum verdict_of_step send_server_set(struct store *store)
{
	if (!store->run_id[0])
		return SETUP_NEXT;
	store_send(store, on_setup_reply, NULL, NULL, "SET rw:server %s", store->run_id);
	return SETUP_SENT;
}

/* ---- config ---- */

static enum verdict_of_step send_config(struct store *store)
{
	store_send(store, on_setup_reply, NULL, NULL, "CONFIG GET hash-max-listpack-entries");
	return SETUP_SENT;
}

static enum verdict_of_step check_config(struct store *store, const redisReply *reply)
{
	(void)store;
	int64_t entries;
	if (reply_setting(reply, &entries) && entries > LISTPACK_ENTRIES_MAX)
		log_warning("redis searches totals of many areas slowly",
			    "hash-max-listpack-entries=%lld advice=\"set it to 64\"", (long long)entries);
	return SETUP_NEXT;
}

/* ---- schema ---- */

static enum verdict_of_step send_schema_set(struct store *store)
{
	store_send(store, on_setup_reply, NULL, NULL, "SET rw:schema " STORE_SCHEMA " NX");
	return SETUP_SENT;
}

static enum verdict_of_step send_schema_get(struct store *store)
{
	store_send(store, on_setup_reply, NULL, NULL, "GET rw:schema");
	return SETUP_SENT;
}

static enum verdict_of_step check_schema(struct store *store, const redisReply *reply)
{
	if (reply->type == REDIS_REPLY_STRING && strcmp(reply->str, STORE_SCHEMA) == 0)
		return SETUP_NEXT;
	store_die(store, "rw:schema", reply->str ? reply->str : "missing", "this release needs schema " STORE_SCHEMA);
	return SETUP_ENDED;
}

/* ---- library ---- */

static enum verdict_of_step send_library_list(struct store *store)
{
	store_send(store, on_setup_reply, NULL, NULL, "FUNCTION LIST LIBRARYNAME %s WITHCODE", redis_library_name);
	return SETUP_SENT;
}

static enum verdict_of_step check_library_list(struct store *store, const redisReply *reply)
{
	if (reply_has_library(reply, redis_library_text))
		store->setup_step++; /* nothing to load */
	return SETUP_NEXT;
}

static enum verdict_of_step send_library_load(struct store *store)
{
	store_send(store, on_setup_reply, NULL, NULL, "FUNCTION LOAD REPLACE %s", redis_library_text);
	return SETUP_SENT;
}

static enum verdict_of_step check_library_load(struct store *store, const redisReply *reply)
{
	(void)store, (void)reply;
	log_info("redis function library loaded", "name=%s", redis_library_name);
	return SETUP_NEXT;
}

static void on_library_reloaded(struct store *store, void *subject, const redisReply *reply)
{
	(void)subject;
	store->library_loading = false;
	if (reply->type == REDIS_REPLY_ERROR)
		store_error_handle(store, "FUNCTION LOAD", reply);
}

void store_reload_library(struct store *store)
{
	if (!store->library_loading) {
		store->library_loading = true;
		store_send(store, on_library_reloaded, NULL, NULL, "FUNCTION LOAD REPLACE %s", redis_library_text);
	}
}

/* ---- the steps ---- */

static const struct setup_step {
	const char *doing;
	enum verdict_of_step (*send)(struct store *store);
	enum verdict_of_step (*check)(struct store *store,
				      const redisReply *reply); /* NULL: any reply but an error will do */
	bool may_be_denied;                                     /* check sees errors too */
} setup_steps[] = {
	{ "AUTH", send_auth, NULL, false },
	{ "INFO", send_info, check_info, true },
	{ "CONFIG GET", send_config, check_config, true },
	{ "GET rw:server", send_server_get, check_server, false },
	{ "BGREWRITEAOF", send_rewrite, check_rewrite, true },
	{ "SET rw:server", send_server_set, NULL, false },
	{ "SET rw:schema", send_schema_set, NULL, false },
	{ "GET rw:schema", send_schema_get, check_schema, false },
	{ "FUNCTION LIST", send_library_list, check_library_list, false },
	{ "FUNCTION LOAD", send_library_load, check_library_load, false },
};
#define SETUP_STEPS (sizeof setup_steps / sizeof setup_steps[0])

static void run_setup(struct store *store)
{
	while (store->setup_step < SETUP_STEPS) {
		if (setup_steps[store->setup_step].send(store) != SETUP_NEXT)
			return;
		store->setup_step++;
	}
	store->phase = STORE_READY;
	store->attempts = 0;
	store->stats.up = true;
	store->callbacks.on_ready(store->context);
}

static bool is_denied(const redisReply *reply)
{
	return strncmp(reply->str, "NOPERM", 6) == 0 || strncmp(reply->str, "ERR unknown command", 19) == 0 ||
	       strncmp(reply->str, "ERR Background", 14) == 0;
}

static void on_setup_reply(struct store *store, void *subject, const redisReply *reply)
{
	const struct setup_step *step = &setup_steps[store->setup_step];
	(void)subject;
	if (reply->type == REDIS_REPLY_ERROR && !(step->may_be_denied && is_denied(reply))) {
		if (store_error_handle(store, step->doing, reply))
			store_lose(store, reply->str); /* try the whole set-up again */
		return;
	}
	if (step->check && step->check(store, reply) != SETUP_NEXT)
		return;
	store->setup_step++;
	run_setup(store);
}

void store_setup(struct store *store)
{
	store->setup_step = 0;
	run_setup(store);
}
