/* SPDX-License-Identifier: Apache-2.0 */
#include "redis_sentinel.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "redis_tls.h"
#include "secret_file.h"

/* A Sentinel has nothing to do but answer; one that is down often went down with the master. */
#define PATIENCE_MS 1000

bool redis_sentinels_parse(struct redis_sentinels *sentinels, const char *text)
{
	for (sentinels->count = 0;; sentinels->count++) {
		text += strspn(text, " ");
		size_t size = strcspn(text, ",");
		if (sentinels->count == SENTINELS_MAX ||
		    !address_parse(&sentinels->at[sentinels->count], (struct slice){ text, size }))
			return false;
		text += size;
		if (*text == '\0') {
			sentinels->count++;
			return true;
		}
		text++;
	}
}

int64_t redis_sentinel_patience_ms(const struct config *config)
{
	return config->redis_timeout < PATIENCE_MS ? config->redis_timeout : PATIENCE_MS;
}

/* ---- question ---- */

int redis_sentinel_format(char **bytes, enum redis_sentinel_step step, const struct config *config,
			  const char *password)
{
	const char *user = config->redis_sentinel_user[0] ? config->redis_sentinel_user : "default";
	const char *master = config->redis_sentinel_master;
	if (step == SENTINEL_AUTH)
		return redisFormatCommand(bytes, "AUTH %s %s", user, password);
	if (step == SENTINEL_ADDRESS)
		return redisFormatCommand(bytes, "SENTINEL get-master-addr-by-name %s", master);
	return redisFormatCommand(bytes, "SENTINEL master %s", master);
}

enum redis_sentinel_step redis_sentinel_begin(const struct config *config, char *password,
					      struct redis_sentinel_answer *answer)
{
	*answer = SENTINEL_ANSWER_NONE;
	if (!config->redis_sentinel_password_file[0])
		return SENTINEL_ADDRESS;
	if (secret_file_read(config->redis_sentinel_password_file, 1, password, answer->error, sizeof(answer->error)))
		return SENTINEL_AUTH;
	answer->result = SENTINEL_REFUSES;
	return SENTINEL_STEPS;
}

/* ---- answer ---- */

static const struct {
	const char *beginning, *advice;
} refusals[] = {
	{ "NOAUTH", "set redis.sentinel_password_file" },
	{ "WRONGPASS", "check redis.sentinel_user and the content of redis.sentinel_password_file" },
	{ "ERR AUTH", "empty redis.sentinel_password_file, or give that Sentinel a password" },
	{ "NOPERM", "give the user +sentinel|get-master-addr-by-name and +sentinel|master" },
	{ "ERR unknown command", "this is no Sentinel; correct redis.sentinels" },
	{ "DENIED", "it is in protected mode: give it a password, or bind it to an address of its own" },
	{ "", "look at the log of that Sentinel" },
};

static void refuse(struct redis_sentinel_answer *answer, const char *text)
{
	size_t i = 0;
	while (strncmp(text, refusals[i].beginning, strlen(refusals[i].beginning)) != 0)
		i++;
	answer->result = SENTINEL_REFUSES;
	snprintf(answer->error, sizeof(answer->error), "%.300s; %s", text, refusals[i].advice);
}

static bool is_text(const redisReply *reply)
{
	return reply->type == REDIS_REPLY_STRING && memchr(reply->str, '\0', (size_t)reply->len) == NULL;
}

static bool read_address(struct address *address, const redisReply *reply)
{
	if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 2 || !is_text(reply->element[0]) ||
	    !is_text(reply->element[1]))
		return false;
	char text[ADDRESS_TEXT_SIZE];
	bool brackets = strchr(reply->element[0]->str, ':') != NULL;
	snprintf(text, sizeof(text), brackets ? "[%s]:%s" : "%s:%s", reply->element[0]->str, reply->element[1]->str);
	return address_parse(address, slice_of(text));
}

static void take_address(struct redis_sentinel_answer *answer, const redisReply *reply, const char *master_name)
{
	if (reply->type == REDIS_REPLY_NIL) {
		answer->result = SENTINEL_REFUSES;
		snprintf(answer->error, sizeof(answer->error),
			 "it knows no master \"%s\"; correct redis.sentinel_master (SENTINEL MASTERS lists its names)",
			 master_name);
	} else if (read_address(&answer->master, reply)) {
		answer->result = SENTINEL_NAMES;
	} else {
		refuse(answer, "its answer has another form than host and port");
	}
}

/* A flat list of names and values. */
static int64_t read_epoch(const redisReply *reply)
{
	for (size_t i = 0; reply->type == REDIS_REPLY_ARRAY && i + 1 < reply->elements; i += 2)
		if (is_text(reply->element[i]) && is_text(reply->element[i + 1]) &&
		    strcmp(reply->element[i]->str, "config-epoch") == 0)
			return strtoll(reply->element[i + 1]->str, NULL, 10);
	return -1;
}

void redis_sentinel_read(struct redis_sentinel_answer *answer, enum redis_sentinel_step step, const redisReply *reply,
			 const char *master_name)
{
	if (answer->error[0]) /* the first refusal counts: what is behind it follows from it */
		return;
	if (step == SENTINEL_STATE) /* without the right to ask for it an answer is only less sure */
		answer->epoch = read_epoch(reply);
	else if (reply->type == REDIS_REPLY_ERROR)
		refuse(answer, reply->str);
	else if (step == SENTINEL_ADDRESS)
		take_address(answer, reply, master_name);
}

/* ---- waiting for it ---- */

static void fail(struct redis_sentinel_answer *answer, const char *why)
{
	*answer = SENTINEL_ANSWER_NONE;
	snprintf(answer->error, sizeof(answer->error), "%s", why);
}

static void send_steps(redisContext *redis, enum redis_sentinel_step step, const struct config *config,
		       const char *password)
{
	for (; step < SENTINEL_STEPS; step++) {
		char *bytes;
		int size = redis_sentinel_format(&bytes, step, config, password);
		MUST(size >= 0 && redisAppendFormattedCommand(redis, bytes, (size_t)size) == REDIS_OK);
		explicit_bzero(bytes, (size_t)size);
		redisFreeCommand(bytes);
	}
}

static void fail_to_receive(struct redis_sentinel_answer *answer, const redisContext *redis,
			    const struct redis_tls *tls)
{
	bool late = redis->err == REDIS_ERR_IO && errno == EAGAIN;
	if (late)
		fail(answer, "no answer in time");
	else if (tls)
		fail(answer, *redis_tls_error(tls) ? redis_tls_error(tls) : redis->errstr);
	else {
		*answer = SENTINEL_ANSWER_NONE;
		snprintf(answer->error, sizeof(answer->error), "%s; " REDIS_TLS_NEEDED, redis->errstr);
	}
}

/* tls: NULL without. */
static void receive_steps(redisContext *redis, struct redis_tls *tls, enum redis_sentinel_step step,
			  const struct config *config, struct redis_sentinel_answer *answer)
{
	for (; step < SENTINEL_STEPS; step++) {
		redisReply *reply = NULL;
		if (redis_tls_get_reply(tls, redis, &reply) != REDIS_OK) {
			fail_to_receive(answer, redis, tls);
			return;
		}
		redis_sentinel_read(answer, step, reply, config->redis_sentinel_master);
		freeReplyObject(reply);
	}
}

/* What was connected is asked. */
static void converse(redisContext *redis, const char *host, enum redis_sentinel_step first, const char *password,
		     const struct config *config, struct redis_sentinel_answer *answer)
{
	char error[REDIS_TLS_ERROR_SIZE];
	struct redis_tls *tls = config->redis_tls ? redis_tls_connect(config, host, redis, error) : NULL;
	if (config->redis_tls && !tls) {
		fail(answer, error);
		return;
	}
	send_steps(redis, first, config, password);
	receive_steps(redis, tls, first, config, answer);
	redis_tls_free(&tls);
}

void redis_sentinel_ask(struct redis_sentinel_answer *answer, const struct address *sentinel,
			const struct config *config)
{
	char password[SECRET_SIZE];
	int64_t ms = redis_sentinel_patience_ms(config);
	struct timeval patience = { ms / 1000, ms % 1000 * 1000 };
	enum redis_sentinel_step first = redis_sentinel_begin(config, password, answer);
	if (first == SENTINEL_STEPS)
		return;
	redisContext *redis = redisConnectWithTimeout(sentinel->host, sentinel->port, patience);
	MUST(redis);
	if (redis->err) {
		fail(answer, redis->errstr);
	} else {
		redisSetTimeout(redis, patience);
		converse(redis, sentinel->host, first, password, config, answer);
	}
	explicit_bzero(password, sizeof(password));
	redisFree(redis);
}

/* ---- a round ---- */

void redis_sentinel_note(struct redis_sentinel_round *round, const struct address *sentinel,
			 const struct redis_sentinel_answer *answer)
{
	char text[ADDRESS_TEXT_SIZE];
	address_text(sentinel, text);
	round->asked++;
	round->refused += answer->result == SENTINEL_REFUSES;
	if (answer->result == SENTINEL_REFUSES)
		snprintf(round->error, sizeof(round->error), "Sentinel %s: %s", text, answer->error);
	else if (round->refused == 0)
		snprintf(round->error, sizeof(round->error),
			 "no Sentinel answers, of %zu asked the last was %s: %s; are they running? check "
			 "redis.sentinels",
			 round->asked, text, answer->error);
}
