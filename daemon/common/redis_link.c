/* SPDX-License-Identifier: Apache-2.0 */
#include "redis_link.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "redis_fault.h"
#include "redis_sentinel.h"
#include "redis_tls.h"
#include "secret_file.h"

#define WORDS_MAX 16

static void describe(struct redis_link *link, const char *what, const char *advice)
{
	snprintf(link->error, sizeof(link->error), "Redis %s: %s; %s", link->address, what, advice);
}

static bool authenticate(struct redis_link *link, const char *user, const char *password_file)
{
	char password[SECRET_SIZE], error[384];
	if (!password_file[0])
		return true;
	if (!secret_file_read(password_file, 1, password, error, sizeof(error))) {
		describe(link, "no password", error);
		return false;
	}
	redisReply *reply = redis_link_ask(link, "AUTH %s %s", user[0] ? user : "default", password);
	explicit_bzero(password, sizeof(password));
	freeReplyObject(reply);
	return reply != NULL;
}

static bool start_tls(struct redis_link *link, const char *host)
{
	char error[REDIS_TLS_ERROR_SIZE];
	link->tls = redis_tls_connect(link->config, host, link->context, error);
	if (!link->tls)
		snprintf(link->error, sizeof(link->error), "Redis %s: %s", link->address, error);
	return link->tls != NULL;
}

static bool connect_to(struct redis_link *link, const struct address *address)
{
	const struct config *config = link->config;
	struct timeval timeout = { config->redis_timeout / 1000, config->redis_timeout % 1000 * 1000 };
	if (address)
		address_text(address, link->address);
	else
		snprintf(link->address, sizeof(link->address), "%s", config->redis_socket);
	link->context = address ? redisConnectWithTimeout(address->host, address->port, timeout)
				: redisConnectUnixWithTimeout(config->redis_socket, timeout);
	MUST(link->context);
	if (link->context->err) {
		describe(link, link->context->errstr, "is it running? check section redis of the configuration");
		return false;
	}
	redisSetTimeout(link->context, timeout);
	return !config->redis_tls || start_tls(link, address->host);
}

/* ---- through Sentinels ---- */

/* Also when this user may not ask: what only reads does no harm there. */
static bool is_master(struct redis_link *link)
{
	redisReply *reply = redis_link_ask(link, "ROLE");
	link->role_unknown = !reply && link->context->err == 0 && strstr(link->error, "NOPERM");
	bool master = link->role_unknown ||
		      (reply && reply->type == REDIS_REPLY_ARRAY && reply->elements > 0 &&
		       reply->element[0]->type == REDIS_REPLY_STRING && strcmp(reply->element[0]->str, "master") == 0);
	if (link->role_unknown)
		link->error[0] = '\0';
	if (reply && !master)
		describe(link, "it is a replica, though Sentinels call it the master", "try again after the failover");
	freeReplyObject(reply);
	return master;
}

/* A Sentinel that names one which is down, or a replica, may not have heard of a failover: then the next is asked. */
static bool open_by_sentinels(struct redis_link *link, const char *user, const char *password_file)
{
	struct redis_sentinels sentinels;
	struct redis_sentinel_round round = { 0 };
	struct redis_sentinel_answer answer;
	MUST(redis_sentinels_parse(&sentinels, link->config->redis_sentinels));
	for (size_t i = 0; i < sentinels.count; i++, link->sentinel++) {
		const struct address *sentinel = &sentinels.at[link->sentinel % sentinels.count];
		redis_sentinel_ask(&answer, sentinel, link->config);
		if (answer.result != SENTINEL_NAMES) {
			redis_sentinel_note(&round, sentinel, &answer);
			continue;
		}
		redis_link_close(link);
		if (!connect_to(link, &answer.master))
			continue;
		if (!authenticate(link, user, password_file))
			return false;
		if (is_master(link))
			return true;
	}
	if (!link->address[0])
		snprintf(link->error, sizeof(link->error), "%s", round.error);
	return false;
}

/* ---- opening ---- */

bool redis_link_open(struct redis_link *link, const struct config *config)
{
	return redis_link_open_as(link, config, config->redis_user, config->redis_password_file);
}

bool redis_link_open_as(struct redis_link *link, const struct config *config, const char *user,
			const char *password_file)
{
	struct address address = { .port = (int)config->redis_port };
	*link = (struct redis_link){ .config = config, .sentinel = link->sentinel };
	if (config->redis_sentinels[0])
		return open_by_sentinels(link, user, password_file);
	snprintf(address.host, sizeof(address.host), "%s", config->redis_host);
	return connect_to(link, config->redis_socket[0] ? NULL : &address) && authenticate(link, user, password_file);
}

bool redis_link_holds(struct redis_link *link)
{
	if (link->config->redis_sentinels[0] && !link->role_unknown)
		return is_master(link);
	redisReply *reply = redis_link_ask(link, "PING");
	freeReplyObject(reply);
	return reply != NULL;
}

void redis_link_close(struct redis_link *link)
{
	redis_tls_free(&link->tls);
	if (link->context)
		redisFree(link->context);
	link->context = NULL;
}

void redis_link_send(struct redis_link *link, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	MUST(redisvAppendCommand(link->context, format, arguments) == REDIS_OK);
	va_end(arguments);
}

void redis_link_send_words(struct redis_link *link, const struct slice *words, size_t count)
{
	const char *texts[WORDS_MAX];
	size_t sizes[WORDS_MAX];
	MUST(count <= WORDS_MAX);
	for (size_t i = 0; i < count; i++) {
		texts[i] = words[i].data;
		sizes[i] = words[i].size;
	}
	MUST(redisAppendCommandArgv(link->context, (int)count, texts, sizes) == REDIS_OK);
}

/* A port that speaks TLS hangs up on who does not. One that wants a certificate says so only now, and why is advice,
 * too. */
static void describe_loss(struct redis_link *link)
{
	const char *why = link->tls ? redis_tls_error(link->tls) : "";
	bool may_be_tls = !link->tls && !link->is_heard && !link->config->redis_socket[0];
	if (strchr(why, ';'))
		snprintf(link->error, sizeof(link->error), "Redis %s: %s", link->address, why);
	else
		describe(link, *why ? why : link->context->errstr,
			 may_be_tls ? "see its log; " REDIS_TLS_NEEDED : "run again when it answers");
}

redisReply *redis_link_receive(struct redis_link *link)
{
	redisReply *reply = NULL;
	if (redis_tls_get_reply(link->tls, link->context, &reply) != REDIS_OK) {
		describe_loss(link);
		return NULL;
	}
	link->is_heard = true;
	if (reply->type == REDIS_REPLY_ERROR) {
		describe(link, reply->str, redis_fault_find(reply->str)->advice);
		freeReplyObject(reply);
		return NULL;
	}
	return reply;
}

redisReply *redis_link_ask(struct redis_link *link, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	MUST(redisvAppendCommand(link->context, format, arguments) == REDIS_OK);
	va_end(arguments);
	return redis_link_receive(link);
}
