/* SPDX-License-Identifier: Apache-2.0 */
#include "lifecycle.h"
#include "flow.h"
#include "http.h"
#include "log.h"
#include "metrics.h"
#include "monotonic.h"
#include "reload.h"
#include "supervisor.h"
#include "secret_file.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#define PSEUDONYM_KEY_MIN 16
#define HEARTBEAT_MS 500

struct lifecycle {
	struct event_base *base;
	struct config *config;
	const struct config_sources *sources;
	struct ruleset *ruleset;
	struct metrics *metrics;
	struct http *http;
	struct flow *flow;
	struct reload *reload;
	struct supervisor *supervisor;
	struct event *terminate, *interrupt, *hangup, *heartbeat, *deadline;
	char pseudonym_key[SECRET_SIZE];
	struct slice pseudonym;
	int64_t last_beat_ms;
	bool stopping;
	int exit_code;
};

/* ---- ends ---- */

static void on_stopped(void *context, bool clean)
{
	struct lifecycle *life = context;
	life->exit_code = clean ? EX_OK : EX_TEMPFAIL;
	log_info("stopped", "clean=%s exit_code=%d", clean ? "true" : "false", life->exit_code);
	event_base_loopbreak(life->base);
}

static void on_fatal(void *context, int exit_code, const char *text)
{
	(void)context;
	/* Nothing may be counted or published after this line: no orderly way out that could still commit. */
	log_error(text, "exit_code=%d", exit_code);
	_exit(exit_code);
}

static void on_deadline(evutil_socket_t fd, short what, void *context)
{
	(void)fd, (void)what, (void)context;
	log_error("shutdown took longer than shutdown.timeout; what was not applied is replayed at the next start", "exit_code=%d",
		  EX_TEMPFAIL);
	_exit(EX_TEMPFAIL);
}

static void on_terminate(evutil_socket_t signal_number, short what, void *context)
{
	(void)what;
	struct lifecycle *life = context;
	if (life->stopping) {
		log_warning("second signal, leaving at once; what was not applied is replayed at the next start", "exit_code=%d",
			    EX_TEMPFAIL);
		_exit(EX_TEMPFAIL);
	}
	life->stopping = true;
	supervisor_stopping(life->supervisor);
	log_info("stopping: publishing and applying what was read", "signal=%d", (int)signal_number);
	struct timeval bound = { life->config->shutdown_timeout / 1000, life->config->shutdown_timeout % 1000 * 1000 };
	event_add(life->deadline, &bound);
	flow_stop(life->flow);
}

/* ---- reload ---- */

static void publish_ruleset_id(struct lifecycle *life)
{
	char id[17];
	snprintf(id, sizeof id, "%.16s", ruleset_id(life->ruleset).data);
	metrics_set_text(life->metrics, METRIC_RULES_INFO, id);
}

static void refuse_reload(struct lifecycle *life, const struct problems *problems)
{
	for (size_t i = 0; i < problems->count; i++)
		log_error("reload refused", "problem=\"%s\"", problems->texts[i]);
	log_error("reload failed; configuration and rules in use stay", "problems=%zu ruleset=%.16s", problems->count,
		  ruleset_id(life->ruleset).data);
}

static void on_change(void *context, const char *key, bool taken)
{
	size_t *waiting = context;
	if (taken) {
		log_info("setting changed", "key=%s", key);
		return;
	}
	++*waiting;
	log_warning("a setting that was changed needs a restart", "key=%s", key);
}

static void adopt_config(struct lifecycle *life, struct config *fresh)
{
	size_t waiting = 0;
	config_adopt(life->config, fresh, on_change, &waiting);
	log_configure(life->config->log_level, life->config->log_format);
	metrics_set(life->metrics, METRIC_SETTINGS_WAITING, 0, 0, (double)waiting);
}

static void adopt_rules(struct lifecycle *life, struct ruleset *fresh)
{
	log_info("rules reloaded", "from=%.16s to=%.16s", ruleset_id(life->ruleset).data, ruleset_id(fresh).data);
	flow_set_ruleset(life->flow, fresh);
	ruleset_unref(&life->ruleset);
	life->ruleset = fresh;
	publish_ruleset_id(life);
}

static void on_reloaded(void *context, struct config *config, struct ruleset *ruleset, const struct problems *problems)
{
	struct lifecycle *life = context;
	metrics_add(life->metrics, METRIC_RULES_RELOADS, ruleset ? 0 : 1, 0, 1);
	metrics_set(life->metrics, METRIC_RELOAD_SUCCESSFUL, 0, 0, ruleset != NULL);
	if (!ruleset) {
		refuse_reload(life, problems);
		return;
	}
	adopt_config(life, config);
	config_free(&config);
	adopt_rules(life, ruleset);
}

static void on_hangup(evutil_socket_t signal_number, short what, void *context)
{
	(void)signal_number, (void)what;
	struct lifecycle *life = context;
	reload_start(life->reload);
}

/* ---- loop health ---- */

static void on_heartbeat(evutil_socket_t fd, short what, void *context)
{
	(void)fd, (void)what;
	struct lifecycle *life = context;
	int64_t now = monotonic_ms(), late = now - life->last_beat_ms - HEARTBEAT_MS;
	metrics_set(life->metrics, METRIC_LOOP_LAG, 0, 0, (double)(late > 0 ? late : 0) / 1000.0);
	life->last_beat_ms = now;
}

static void on_scrape(void *context)
{
	struct lifecycle *life = context;
	flow_refresh_metrics(life->flow);
}

/* ---- start ---- */

static int read_pseudonym_key(struct lifecycle *life)
{
	const char *path = life->config->privacy_pseudonym_key_file;
	if (!*path) {
		log_warning("privacy.pseudonym_key_file is not set: alerts carry no reporter_ref", NULL);
		return 0;
	}
	char error[512];
	size_t size = secret_file_read(path, PSEUDONYM_KEY_MIN, life->pseudonym_key, error, sizeof error);
	if (!size) {
		log_error("cannot read privacy.pseudonym_key_file", "error=\"%s\"", error);
		return EX_CONFIG;
	}
	life->pseudonym = (struct slice){ life->pseudonym_key, size };
	return 0;
}

static struct event *watch_signal(struct lifecycle *life, int number, event_callback_fn callback)
{
	struct event *event = evsignal_new(life->base, number, callback, life);
	event_add(event, NULL);
	return event;
}

static void start_events(struct lifecycle *life)
{
	signal(SIGPIPE, SIG_IGN);
	life->terminate = watch_signal(life, SIGTERM, on_terminate);
	life->interrupt = watch_signal(life, SIGINT, on_terminate);
	life->reload = reload_new(life->base, life->sources, on_reloaded, life);
	life->hangup = watch_signal(life, SIGHUP, on_hangup);
	life->supervisor = supervisor_new(life->base);
	life->deadline = evtimer_new(life->base, on_deadline, life);
	life->heartbeat = event_new(life->base, -1, EV_PERSIST, on_heartbeat, life);
	life->last_beat_ms = monotonic_ms();
	event_add(life->heartbeat, &(struct timeval){ 0, HEARTBEAT_MS * 1000 });
}

static int start_flow(struct lifecycle *life)
{
	static const struct flow_callbacks callbacks = { .on_stopped = on_stopped, .on_fatal = on_fatal };
	char error[512] = "";
	life->flow = flow_new(life->base, life->config, life->ruleset, life->pseudonym, life->metrics, &callbacks, life, error,
			      sizeof error);
	if (!life->flow) {
		log_error("cannot start", "error=\"%s\" exit_code=%d", error, EX_UNAVAILABLE);
		return EX_UNAVAILABLE;
	}
	return 0;
}

/* Alerts do not wait for Redis, but whoever sends traffic here, or restarts instances one by one, wants to know. */
static size_t why_not_ready(void *context, const char *reasons[HTTP_REASONS_MAX])
{
	struct lifecycle *life = context;
	struct flow_view view;
	size_t count = 0;
	flow_view(life->flow, &view);
	if (life->stopping)
		reasons[count++] = "stopping";
	if (!view.joined)
		reasons[count++] = "not in the consumer group";
	if (view.loading)
		reasons[count++] = "partitions are being loaded";
	if (!view.redis_up)
		reasons[count++] = "Redis is not connected";
	if (view.behind)
		reasons[count++] = "counters are behind";
	return count;
}

static int start_http(struct lifecycle *life)
{
	static const struct http_callbacks callbacks = { .on_scrape = on_scrape, .why_not_ready = why_not_ready };
	char error[512] = "";
	if (!*life->config->http_listen)
		return 0;
	life->http = http_start(life->base, life->config, life->metrics, &callbacks, life, error, sizeof error);
	if (!life->http) {
		log_error("cannot serve http.listen; choose another address:port, or \"\" for none", "listen=%s error=\"%s\"",
			  life->config->http_listen, error);
		return EX_OSERR;
	}
	return 0;
}

static void free_events(struct lifecycle *life)
{
	struct event *events[] = { life->terminate, life->interrupt, life->hangup, life->heartbeat, life->deadline };
	for (size_t i = 0; i < sizeof events / sizeof *events; i++) {
		if (events[i])
			event_free(events[i]);
	}
}

static void finish(struct lifecycle *life)
{
	http_stop(&life->http);
	reload_free(&life->reload);
	supervisor_free(&life->supervisor);
	flow_free(&life->flow);
	free_events(life);
	metrics_free(&life->metrics);
	ruleset_unref(&life->ruleset);
	event_base_free(life->base);
}

int lifecycle_run(struct config *config, const struct config_sources *sources, struct ruleset *ruleset)
{
	struct lifecycle life = { .config = config, .sources = sources, .ruleset = ruleset_ref(ruleset) };
	life.base = event_base_new();
	life.metrics = metrics_new(config->topics_reports, config->topics_deliveries);
	publish_ruleset_id(&life);
	metrics_set(life.metrics, METRIC_RELOAD_SUCCESSFUL, 0, 0, 1);
	int status = read_pseudonym_key(&life);
	if (!status)
		status = start_flow(&life);
	if (!status)
		status = start_http(&life);
	if (!status) {
		start_events(&life);
		log_info("running", "version=" RIDERWATCH_VERSION " group=%s instance=%s ruleset=%.16s", config->kafka_group,
			 config->kafka_instance, ruleset_id(ruleset).data);
		supervisor_ready(life.supervisor);
		event_base_dispatch(life.base);
		status = life.exit_code;
	}
	finish(&life);
	return status;
}
