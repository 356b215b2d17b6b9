/* SPDX-License-Identifier: Apache-2.0 */
/* Is Redis as the counters need it? */
#include "check_internal.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "effects.h"
#include "redis_fault.h"
#include "redis_tls.h"
#include "store.h"
#include "store_reply.h"

enum { VERSION_MIN = 7, CLOCK_MS = 2000, WORDS_MAX = 8, RENEW_DAYS = 14 };

static bool is_denied(const char *answer)
{
	return strstr(answer, "NOPERM") || strstr(answer, "NOAUTH") || strstr(answer, "WRONGPASS");
}

static void find_error(struct check *check)
{
	const char *error = check->redis.error;

	/* The text begins with "Redis", which the line says already. */
	check_find(check, CHECK_ERROR, is_denied(error) ? EX_NOPERM : EX_UNAVAILABLE, "%s",
		   strncmp(error, "Redis ", 6) == 0 ? error + 6 : error);
}

void check_redis_connects(struct check *check)
{
	redisReply *reply = NULL;

	if (redis_link_open(&check->redis, check->config))
		reply = redis_link_ask(&check->redis, "GET rw:schema");
	check->redis_answers = reply != NULL;
	if (!reply)
		find_error(check);
	freeReplyObject(reply);
}

void check_redis_certificates(struct check *check)
{
	if (!check->redis.tls)
		return;
	int days = redis_tls_days_left(check->redis.tls, false), ours = redis_tls_days_left(check->redis.tls, true);

	if (days < RENEW_DAYS)
		check_find(check, CHECK_WARNING, 0, "its certificate ends in %d days; renew it", days);
	if (ours < RENEW_DAYS)
		check_find(check, CHECK_WARNING, 0, "redis.tls_certificate_file %s ends in %d days; renew it",
			   check->config->redis_tls_certificate_file, ours);
}

/* ---- the server ---- */

static bool is_old(const struct redis_info *info)
{
	return info->version[0] && atoi(info->version) < VERSION_MIN;
}

static bool is_forgetful(const struct redis_info *info)
{
	return !info->append_file;
}

static const struct {
	bool (*holds)(const struct redis_info *info);
	enum check_level level;
	const char *text;
} judgements[] = {
	{ is_old, CHECK_ERROR, "is older than 7 and has no functions: install Redis 7 or Valkey" },
	{ is_forgetful, CHECK_WARNING,
	  "has no append-only file: after its restart everything since the last snapshot is counted again from Kafka, "
	  "and is lost when Kafka no longer has it; set appendonly yes" },
};

void check_redis_server(struct check *check)
{
	const char *trouble;

	if (!redis_info_read(&check->info, &check->redis)) {
		find_error(check);
		return;
	}
	if (!check->info.allowed) {
		check_find(check, CHECK_WARNING, 0,
			   "this user may not ask INFO: version, eviction and append-only file are not known; grant "
			   "+info");
		return;
	}
	for (size_t i = 0; (trouble = redis_info_trouble(&check->info, i)); i++)
		check_find(check, CHECK_ERROR, EX_UNAVAILABLE, "%s %s", check->info.version, trouble);
	for (size_t i = 0; i < sizeof(judgements) / sizeof(*judgements); i++)
		if (judgements[i].holds(&check->info))
			check_find(check, judgements[i].level, EX_UNAVAILABLE, "%s %s", check->info.version,
				   judgements[i].text);
}

/* ---- rights: Redis judges a command when it is queued, and DISCARD forgets it ---- */

static const struct trial {
	const char *command, *right;
	bool needed; /* else the daemon goes on without it: see pipelines/redis/README.md */
} trials[] = {
	{ "FUNCTION LIST", "+function|list", true },
	{ "FUNCTION LOAD text", "+function|load", true },
	{ "FCALL none 0", "+fcall", true },
	{ "GET rw:check", "+get", true },
	{ "SET rw:check 1", "+set", true },
	{ "GETRANGE rw:check 0 1", "+getrange", true },
	{ "STRLEN rw:check", "+strlen", true },
	{ "APPEND rw:check 1", "+append", true },
	{ "HGET rw:check 1", "+hget", true },
	{ "HMGET rw:check 1", "+hmget", true },
	{ "HSET rw:check 1 1", "+hset", true },
	{ "HINCRBY rw:check 1 1", "+hincrby", true },
	{ "SADD rw:check 1", "+sadd", true },
	{ "DEL rw:check", "+del", true },
	{ "UNLINK rw:check", "+unlink", true },
	{ "EXPIREAT rw:check 1", "+expireat", true },
	{ "TIME", "+time", true },
	{ "FCALL_RO none 0", "+fcall_ro", false },
	{ "HGETALL rw:check", "+hgetall", false },
	{ "EXPIRE rw:check 1", "+expire", false },
	{ "ZADD rw:check 1 1", "+zadd", false },
	{ "SRANDMEMBER rw:check", "+srandmember", false },
	{ "SREM rw:check 1", "+srem", false },
	{ "SCARD rw:check", "+scard", false },
	{ "CONFIG GET port", "+config|get", false },
	{ "BGREWRITEAOF", "+bgrewriteaof", false },
};

/* Notes what is missing in the list of that kind. */
static void take_refusal(char missing[2][512], const struct trial *trial, const char *error)
{
	const char *right = strstr(error, "access one of the keys") ? "~rw:*" : trial->right;
	char *list = missing[trial->needed];

	if (!strstr(list, right))
		snprintf(list + strlen(list), 512 - strlen(list), " %s", right);
}

/* The command's words are separated by single spaces. */
static redisReply *try_command(struct redis_link *link, const char *command)
{
	struct slice words[WORDS_MAX];
	size_t count = 0;

	for (const char *word = command; word; count++) {
		const char *space = strchr(word, ' ');

		MUST(count < WORDS_MAX);
		words[count] = space ? (struct slice){ word, (size_t)(space - word) } : slice_of(word);
		word = space ? space + 1 : NULL;
	}
	redis_link_send_words(link, words, count);
	return redis_link_receive(link);
}

static bool try_commands(struct check *check, char missing[2][512])
{
	redisReply *reply = redis_link_ask(&check->redis, "MULTI");

	if (!reply)
		return false;
	freeReplyObject(reply);
	for (size_t i = 0; i < sizeof(trials) / sizeof(*trials); i++) {
		reply = try_command(&check->redis, trials[i].command);
		if (!reply && strstr(check->redis.error, "NOPERM"))
			take_refusal(missing, &trials[i], check->redis.error);
		freeReplyObject(reply);
	}
	freeReplyObject(redis_link_ask(&check->redis, "DISCARD"));
	return true;
}

void check_redis_rights(struct check *check)
{
	const char *user = check->config->redis_user[0] ? check->config->redis_user : "default";
	char missing[2][512] = { "", "" };

	if (!try_commands(check, missing))
		check_find(
			check, CHECK_NOTE, 0,
			"this user may not use MULTI, so its rights were not checked and what dashboards read is not "
			"refreshed; ACL SETUSER %s +multi +exec +discard",
			user);
	if (missing[true][0])
		check_find(check, CHECK_ERROR, EX_NOPERM, "user %s lacks rights; ACL SETUSER %s%s", user, user,
			   missing[true]);
	if (missing[false][0])
		check_find(check, CHECK_WARNING, EX_NOPERM,
			   "user %s lacks rights without which what dashboards read is not refreshed or Redis is not "
			   "checked; ACL SETUSER %s%s",
			   user, user, missing[false]);
}

/* ---- what it holds ---- */

void check_redis_keys(struct check *check)
{
	redisReply *reply = redis_link_ask(&check->redis, "GET rw:schema");

	if (!reply)
		find_error(check);
	else if (reply->type == REDIS_REPLY_STRING && strcmp(reply->str, STORE_SCHEMA) != 0)
		check_find(check, CHECK_ERROR, EX_UNAVAILABLE,
			   "rw:schema is %s and this release needs " STORE_SCHEMA
			   "; use the release that wrote it, or another Redis",
			   reply->str);
	freeReplyObject(reply);
}

void check_redis_library(struct check *check)
{
	redisReply *reply = redis_link_ask(&check->redis, "FUNCTION LIST LIBRARYNAME %s WITHCODE", redis_library_name);

	if (reply && reply->elements && !reply_has_library(reply, redis_library_text))
		check_find(check, CHECK_NOTE, 0,
			   "function library %s is of another release; the daemon replaces it at its start, so restart "
			   "all processes together",
			   redis_library_name);
	freeReplyObject(reply);
}

void check_redis_clock(struct check *check)
{
	struct timespec now;
	redisReply *reply = redis_link_ask(&check->redis, "TIME");

	clock_gettime(CLOCK_REALTIME, &now);
	if (reply && reply->type == REDIS_REPLY_ARRAY && reply->elements == 2) {
		int64_t ahead = (strtoll(reply->element[0]->str, NULL, 10) - now.tv_sec) * 1000 +
				strtoll(reply->element[1]->str, NULL, 10) / 1000 - now.tv_nsec / 1000000;
		if (llabs(ahead) > CLOCK_MS)
			check_find(
				check, CHECK_WARNING, 0,
				"the clock of Redis is %.1f s %s this host's: keys expire early or late; set both by "
				"NTP",
				(double)llabs(ahead) / 1000.0, ahead > 0 ? "ahead of" : "behind");
	}
	freeReplyObject(reply);
}
