/* SPDX-License-Identifier: Apache-2.0 */
/* The connection: attempts, deadlines, requests in order. */
#include "store_internal.h"

#include <hiredis/adapters/libevent.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "alloc.h"
#include "log.h"
#include "monotonic.h"
#include "must.h"
#include "redis_tls.h"
#include "redis_tls_loop.h"

#define BACKOFF_FIRST_MS 50
#define BACKOFF_LAST_MS 2000
#define HEALTH_SECONDS 5
#define LOOK_SECONDS 1 /* at what Sentinels say */

static void set_timer(struct event *timer, int64_t us)
{
	struct timeval after = { us / 1000000, us % 1000000 };
	evtimer_add(timer, &after);
}

/* Doubles from 50 ms to 2 s; half of it is chance, so that instances do not come back in step. */
static void retry_later(struct store *store)
{
	int64_t ms = BACKOFF_FIRST_MS;
	uint16_t chance;
	for (unsigned i = 0; i < store->attempts && ms < BACKOFF_LAST_MS; i++)
		ms *= 2;
	if (ms > BACKOFF_LAST_MS)
		ms = BACKOFF_LAST_MS;
	evutil_secure_rng_get_bytes(&chance, sizeof chance);
	store->attempts++;
	set_timer(store->retry, ms * 500 + ms * 500 * chance / UINT16_MAX);
}

/* The callbacks that redisAsyncFree makes see NULL replies, or a context that is no longer ours. */
static void close_connection(struct store *store)
{
	redisAsyncContext *redis = store->redis;
	store->redis = NULL;
	store->first = NULL;
	store->end = &store->first;
	store->stats.in_flight = 0;
	store->library_loading = false;
	event_del(store->deadline);
	if (redis) {
		redis->data = NULL;
		redisAsyncFree(redis);
	}
}

#define LOSS "why=\"%s\" attempt=%u address=%s", why, store->attempts, store->address

/* Another reason than before is said at once: somebody may be at work on it. */
static void log_loss(struct store *store, bool was_ready, const char *why)
{
	bool is_new = strncmp(store->reason, why, sizeof store->reason - 1) != 0;
	snprintf(store->reason, sizeof store->reason, "%s", why);
	if (was_ready)
		log_limited(LOG_WARNING, "redis lost", LOSS);
	else if (is_new)
		log_warning("redis not reached", LOSS);
	else
		log_limited(LOG_WARNING, "redis not reached", LOSS);
}

void store_lose(struct store *store, const char *why)
{
	bool was_ready = store->phase == STORE_READY;
	store->phase = STORE_DOWN;
	store->stats.up = false;
	log_loss(store, was_ready, why);
	close_connection(store);
	if (store->sentinel)
		store_sentinel_rotate(store->sentinel); /* this one may not know yet */
	retry_later(store);
	if (was_ready) {
		store->stats.losses++;
		store->callbacks.on_lost(store->context);
	}
}

static void die(struct store *store, const char *text)
{
	store->phase = STORE_DEAD;
	store->stats.up = false;
	close_connection(store);
	event_del(store->retry);
	store->callbacks.on_fatal(store->context, text);
}

void store_die(struct store *store, const char *doing, const char *answer, const char *advice)
{
	char text[1024];
	snprintf(text, sizeof text, "Redis %s: %s: %s; %s", store->address, doing, answer, advice);
	die(store, text);
}

/* ---- requests ---- */

static struct store_request *add_request(struct store *store, store_reply_f *on_reply, void (*drop)(void *subject),
					 void *subject)
{
	struct store_request *request = alloc_zeroed(1, sizeof *request);
	*request = (struct store_request){ NULL, store, on_reply, drop, subject, monotonic_us() };
	if (!store->first)
		set_timer(store->deadline, store->config->redis_timeout * 1000);
	*store->end = request;
	store->end = &request->next;
	store->stats.in_flight++;
	return request;
}

/* The deadline follows the oldest request. */
static void remove_first(struct store *store, const struct store_request *request)
{
	MUST(store->first == request);
	store->first = request->next;
	store->stats.in_flight--;
	if (!store->first) {
		store->end = &store->first;
		event_del(store->deadline);
		return;
	}
	int64_t left = store->first->sent_us + store->config->redis_timeout * 1000 - monotonic_us();
	set_timer(store->deadline, left > 0 ? left : 0);
}

static void on_redis_reply(redisAsyncContext *redis, void *reply, void *data)
{
	struct store_request *request = data;
	struct store_request taken = *request;
	if (reply && redis->data) {
		remove_first(taken.store, request);
		free(request);
		taken.on_reply(taken.store, taken.subject, reply);
		return;
	}
	free(request);
	if (taken.drop)
		taken.drop(taken.subject);
}

void store_send(struct store *store, store_reply_f *on_reply, void (*drop)(void *subject), void *subject,
		const char *format, ...)
{
	va_list list;
	va_start(list, format);
	int result = redisvAsyncCommand(store->redis, on_redis_reply, add_request(store, on_reply, drop, subject),
					format, list);
	va_end(list);
	MUST(result == REDIS_OK);
}

void store_send_formatted(struct store *store, store_reply_f *on_reply, void (*drop)(void *subject), void *subject,
			  struct slice command)
{
	struct store_request *request = add_request(store, on_reply, drop, subject);
	MUST(redisAsyncFormattedCommand(store->redis, on_redis_reply, request, command.data, command.size) == REDIS_OK);
}

void store_add_argument(struct store_arguments *arguments, const char *text, size_t size)
{
	MUST(arguments->count < STORE_ARGUMENTS_MAX);
	arguments->list[arguments->count] = text;
	arguments->sizes[arguments->count++] = size;
}

void store_send_arguments(struct store *store, store_reply_f *on_reply, void (*drop)(void *subject), void *subject,
			  struct store_arguments *arguments)
{
	struct store_request *request = add_request(store, on_reply, drop, subject);
	MUST(redisAsyncCommandArgv(store->redis, on_redis_reply, request, arguments->count, arguments->list,
				   arguments->sizes) == REDIS_OK);
}

/* ---- connection ---- */

static void on_connect(const redisAsyncContext *redis, int status)
{
	struct store *store = redis->data;
	if (!store)
		return;
	if (status != REDIS_OK) {
		char why[128];
		snprintf(why, sizeof why, "%s", redis->errstr);
		store->redis = NULL; /* hiredis frees it after this callback */
		store_lose(store, why);
		return;
	}
	store->phase = STORE_SETUP;
	store->stats.connects++;
	store->changes++;
	event_del(store->deadline);
	store_setup(store);
}

/* A port that speaks TLS hangs up on the first command that is not. */
static const char *hint_at_tls(const struct store *store)
{
	bool may_be_tls = store->phase == STORE_SETUP && !store->config->redis_tls && !store->config->redis_socket[0];
	return may_be_tls ? "; " REDIS_TLS_NEEDED : "";
}

static void on_disconnect(const redisAsyncContext *redis, int status)
{
	struct store *store = redis->data;
	(void)status;
	if (store) {
		char why[192];
		snprintf(why, sizeof why, "%s%s", redis->errstr && redis->errstr[0] ? redis->errstr : "closed",
			 hint_at_tls(store));
		store->redis = NULL; /* hiredis frees it after this callback */
		store_lose(store, why);
	}
}

static void on_tls_error(redisAsyncContext *redis, const char *why)
{
	store_lose(redis->data, why);
}

static void on_deadline(evutil_socket_t fd, short what, void *context)
{
	struct store *store = context;
	(void)fd, (void)what;
	if (store->phase != STORE_CONNECTING)
		store_lose(store, "no reply in time");
	else if (store->config->redis_tls && redis_tls_is_shaking(store->redis))
		store_lose(store, redis_tls_silence);
	else
		store_lose(store, "no connection in time");
}

static void on_retry(evutil_socket_t fd, short what, void *context)
{
	(void)fd, (void)what;
	store_connect(context);
}

static void on_health(evutil_socket_t fd, short what, void *context)
{
	struct store *store = context;
	(void)fd, (void)what;
	if (store->phase != STORE_READY)
		return;
	store_check_health(store);
	if (store->sentinel) {
		store_sentinel_rotate(store->sentinel); /* each in its turn, so that one who knows more is heard */
		store_sentinel_ask(store->sentinel);
	}
}

/* To the master, or to the socket when there is none. */
static void connect_to(struct store *store, const struct address *master)
{
	const char *socket = store->config->redis_socket;
	if (master)
		address_text(master, store->address);
	else
		snprintf(store->address, sizeof store->address, "%s", socket);
	redisAsyncContext *redis =
		master ? redisAsyncConnect(master->host, master->port) : redisAsyncConnectUnix(socket);
	MUST(redis);
	store->redis = redis;
	if (redis->err) {
		char why[128];
		snprintf(why, sizeof why, "%s", redis->errstr);
		store_lose(store, why);
		return;
	}
	redis->data = store;
	if (store->config->redis_tls)
		redis_tls_attach(redis, store->base, store->config, master->host, on_tls_error);
	else
		MUST(redisLibeventAttach(redis, store->base) == REDIS_OK);
	redisAsyncSetConnectCallback(redis, on_connect);
	redisAsyncSetDisconnectCallback(redis, on_disconnect);
	set_timer(store->deadline, store->config->redis_timeout * 1000);
}

void store_connect(struct store *store)
{
	const struct config *config = store->config;
	struct address master = { .port = (int)config->redis_port };
	if (!store->deadline) {
		store->deadline = evtimer_new(store->base, on_deadline, store);
		store->retry = evtimer_new(store->base, on_retry, store);
		store->health = event_new(store->base, -1, EV_PERSIST, on_health, store);
		MUST(store->deadline && store->retry && store->health);
		event_add(store->health, &(struct timeval){ store->sentinel ? LOOK_SECONDS : HEALTH_SECONDS, 0 });
		set_timer(store->retry, 0); /* callbacks come from the loop only */
		return;
	}
	store->phase = STORE_CONNECTING;
	if (store->sentinel) {
		store_sentinel_ask(store->sentinel);
		return;
	}
	snprintf(master.host, sizeof master.host, "%s", config->redis_host);
	connect_to(store, config->redis_socket[0] ? NULL : &master);
}

/* ---- what Sentinels say ---- */

const char *store_replica_text(const struct store *store)
{
	return store->sentinel
		       ? "it is a replica that was the master, or that Sentinel still calls so: waiting for the "
			 "failover"
		       : "it is a replica: point redis.host at the primary";
}

static void note_master(struct store *store, const struct address *master, const struct address *sentinel)
{
	char now[ADDRESS_TEXT_SIZE], source[ADDRESS_TEXT_SIZE];
	address_text(master, now);
	address_text(sentinel, source);
	if (!store->master.port)
		log_info("redis master named by Sentinel", "address=%s sentinel=%s", now, source);
	else if (!address_equal(&store->master, master))
		log_warning("redis master has changed", "address=%s before=%s sentinel=%s", now, store->address,
			    source);
	store->master = *master;
}

void store_take_master(struct store *store, const struct address *master, const struct address *sentinel, bool is_newer)
{
	bool is_other = !address_equal(&store->master, master);
	if (store->phase == STORE_CONNECTING && !store->redis) {
		note_master(store, master, sentinel);
		connect_to(store, master);
	} else if (store->phase == STORE_READY && is_other && is_newer) {
		store_lose(store, "Sentinels have made another one the master");
	} else if (store->phase == STORE_READY && is_other) {
		char text[ADDRESS_TEXT_SIZE];
		log_limited(LOG_WARNING, "a Sentinel names another master, and no failover: staying",
			    "address=%s named=%s advice=\"let all Sentinels monitor it by one address, and "
			    "their user ask for +sentinel|master\"",
			    store->address, address_text(master, text));
	}
}

void store_miss_master(struct store *store, const char *why, bool is_refused)
{
	if (store->phase != STORE_CONNECTING || store->redis)
		return;
	if (is_refused && !store->master.port)
		die(store, why);
	else
		store_lose(store, why);
}
