/* SPDX-License-Identifier: Apache-2.0 */
#include "redis_link.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "redis_fault.h"
#include "secret_file.h"

#define WORDS_MAX 16

static void describe(struct redis_link *link, const char *what, const char *advice)
{
	const struct config *config = link->config;
	if (config->redis_socket[0])
		snprintf(link->error, sizeof(link->error), "Redis %s: %s; %s", config->redis_socket, what, advice);
	else
		snprintf(link->error, sizeof(link->error), "Redis %s:%lld: %s; %s", config->redis_host,
			 (long long)config->redis_port, what, advice);
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

bool redis_link_open(struct redis_link *link, const struct config *config)
{
	return redis_link_open_as(link, config, config->redis_user, config->redis_password_file);
}

bool redis_link_open_as(struct redis_link *link, const struct config *config, const char *user,
			const char *password_file)
{
	struct timeval timeout = { config->redis_timeout / 1000, config->redis_timeout % 1000 * 1000 };
	*link = (struct redis_link){ .config = config };
	link->context = config->redis_socket[0]
				? redisConnectUnixWithTimeout(config->redis_socket, timeout)
				: redisConnectWithTimeout(config->redis_host, (int)config->redis_port, timeout);
	MUST(link->context);
	if (link->context->err) {
		describe(link, link->context->errstr, "is it running? check section redis of the configuration");
		return false;
	}
	redisSetTimeout(link->context, timeout);
	return authenticate(link, user, password_file);
}

void redis_link_close(struct redis_link *link)
{
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

redisReply *redis_link_receive(struct redis_link *link)
{
	redisReply *reply = NULL;
	if (redisGetReply(link->context, (void **)&reply) != REDIS_OK) {
		describe(link, link->context->errstr, "run again when it answers");
		return NULL;
	}
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
