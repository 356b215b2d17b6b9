/* SPDX-License-Identifier: Apache-2.0 */
#include "check_internal.h"

#include <event2/http.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include "alloc.h"
#include "http.h"
#include "must.h"

static const char *const level_names[CHECK_LEVELS] = {
	[CHECK_NOTE] = "note",
	[CHECK_WARNING] = "warning",
	[CHECK_ERROR] = "error",
};

void check_find(struct check *check, enum check_level level, int status, const char *format, ...)
{
	va_list arguments;

	fprintf(check->out, "%s: %s: ", level_names[level], check->part);
	va_start(arguments, format);
	vfprintf(check->out, format, arguments);
	va_end(arguments);
	fputc('\n', check->out);
	fflush(check->out);
	check->found[level]++;
	if (level == CHECK_ERROR && check->status == EX_OK)
		check->status = status;
}

/* A daemon that runs already holds its own port. */
static void check_http(struct check *check)
{
	const char *listen = check->config->http_listen;
	char error[256];
	struct event_base *base;
	struct evhttp *server;

	if (!*listen)
		return;
	base = event_base_new();
	MUST(base);
	server = http_server_new(base, 1, NULL, NULL);
	if (http_listen(server, listen, error, sizeof(error)) < 0)
		check_find(check, check->instance_runs ? CHECK_NOTE : CHECK_ERROR, EX_OSERR,
			   "%s; choose another address:port for http.listen, or \"\" for none%s", error,
			   check->instance_runs ? " (this instance runs: it may be its own)" : "");
	evhttp_free(server);
	event_base_free(base);
}

static void check_secrets(struct check *check)
{
	const char *path;

	for (size_t i = 0; (path = config_open_secret(check->config, i)); i++)
		check_find(check, CHECK_WARNING, 0, "%s holds a secret and every user can read it; chmod o-r", path);
}

enum { NEEDS_KAFKA = 1, NEEDS_REDIS = 2 };

/* In this order; what needs an answer that did not come is left out. */
static const struct {
	const char *part, *what;
	check_f *run;
	unsigned needs;
} checks[] = {
	{ "files", "secrets", check_secrets, 0 },
	{ "kafka", "brokers answer", check_brokers, 0 },
	{ "kafka", "topics exist", check_topics, NEEDS_KAFKA },
	{ "kafka", "partition counts", check_partitions, NEEDS_KAFKA },
	{ "kafka", "topics of Kafka's own", check_own_topics, NEEDS_KAFKA },
	{ "kafka", "topic settings", check_settings, NEEDS_KAFKA },
	{ "kafka", "instance name", check_instance, NEEDS_KAFKA },
	{ "kafka", "rights to read, and the clock", check_reads, NEEDS_KAFKA },
	{ "kafka", "rights to write", check_writes, NEEDS_KAFKA },
	{ "kafka", "rights on groups", check_groups, NEEDS_KAFKA },
	{ "kafka", "rights on transactions", check_transactions, NEEDS_KAFKA },
	{ "redis", "Sentinels", check_sentinels, 0 },
	{ "redis", "answers", check_redis_connects, 0 },
	{ "redis", "certificates", check_redis_certificates, NEEDS_REDIS },
	{ "redis", "version, memory, disk", check_redis_server, NEEDS_REDIS },
	{ "redis", "failover", check_failover, NEEDS_REDIS },
	{ "redis", "rights", check_redis_rights, NEEDS_REDIS },
	{ "redis", "keys", check_redis_keys, NEEDS_REDIS },
	{ "redis", "function library", check_redis_library, NEEDS_REDIS },
	{ "redis", "clock", check_redis_clock, NEEDS_REDIS },
	{ "http", "address is free", check_http, 0 },
};
enum { CHECKS = sizeof(checks) / sizeof(*checks) };

static size_t run_all(struct check *check)
{
	size_t done = 0;

	for (size_t i = 0; i < CHECKS; i++) {
		if ((checks[i].needs & NEEDS_KAFKA && !check->kafka_answers) ||
		    (checks[i].needs & NEEDS_REDIS && !check->redis_answers))
			continue;
		check->part = checks[i].part;
		checks[i].run(check);
		done++;
	}
	return done;
}

int check_run(const struct config *config, const struct ruleset *ruleset, FILE *out)
{
	struct check *check = alloc_zeroed(1, sizeof(*check));
	*check = (struct check){ .config = config, .ruleset = ruleset, .out = out };
	size_t done = run_all(check);
	int status = check->status;

	fprintf(out, "checked %zu of %d things", done, CHECKS);
	for (int level = CHECK_LEVELS; level-- > 0;)
		fprintf(out, "%s%zu %s%s", level == CHECK_ERROR ? ": " : ", ", check->found[level], level_names[level],
			check->found[level] == 1 ? "" : "s");
	fputc('\n', out);
	if (check->probe)
		rd_kafka_destroy(check->probe);
	redis_link_close(&check->redis);
	free(check);
	return status;
}
