/* SPDX-License-Identifier: Apache-2.0 */
/* The API's paths, and what is answered from memory. */
#include "api.h"

#include <inttypes.h>
#include <stdlib.h>
#include <sys/queue.h>
#include <string.h>
#include "board.h"
#include "csv.h"
#include "listing.h"
#include "must.h"
#include "server.h"

#define ROWS_DEFAULT 100
#define CSV_ROWS_MAX 100000

extern const char openapi_text[];

/* ---- queries ---- */

/* False after an answer. others: the path's parameters that are no filter, ended by NULL. */
static bool read_filter(struct exchange *exchange, struct filter *filter, const char *const *others)
{
	char error[512];
	const struct evkeyval *pair;
	*filter = (struct filter){ 0 };
	TAILQ_FOREACH(pair, &exchange->query, next)
	{
		int taken = filter_set(filter, pair->key, pair->value, error, sizeof error);
		const char *const *other = others;
		while (taken == 0 && *other && strcmp(*other, pair->key) != 0)
			other++;
		if (taken < 0) {
			answer_error(exchange->request, HTTP_BADREQUEST, "%s", error);
			return false;
		}
		if (taken == 0 && !*other) {
			answer_error(exchange->request, HTTP_BADREQUEST, "unknown parameter \"%.60s\"", pair->key);
			return false;
		}
	}
	return true;
}

/* A whole number in the query; false after an answer. */
static bool read_number(struct exchange *exchange, const char *name, uint64_t fallback, uint64_t maximum,
			uint64_t *number)
{
	const char *text = exchange_value(exchange, name);
	char *end;
	*number = fallback;
	if (!text || !*text)
		return true;
	*number = *text >= '0' && *text <= '9' ? strtoull(text, &end, 10) : maximum + 1;
	if (*number <= maximum && !*end)
		return true;
	answer_error(exchange->request, HTTP_BADREQUEST, "%s is \"%.60s\"; write a number from 0 to %" PRIu64, name,
		     text, maximum);
	return false;
}

/* ---- lists ---- */

/* The summary as it is, with what only the listing knows. */
static void put_row(FILE *out, const struct listing_row *row)
{
	fprintf(out, "{\"sequence\":%" PRIu64 ",\"repeats\":%zu,%s", row->card->sequence, row->repeats,
		row->card->summary + 1);
}

static void put_listing(FILE *out, const struct board *board, const struct listing *listing)
{
	fprintf(out, "{\"epoch\":\"%s\",\"last\":\"%s-%" PRIu64 "\",\"matches\":%zu,\"next\":", board->epoch,
		board->epoch, ring_last(board->ring), listing->matches);
	if (listing->next)
		fprintf(out, "%" PRIu64, listing->next);
	else
		fputs("null", out);
	fputs(",\"alerts\":[", out);
	for (size_t i = 0; i < listing->count; i++) {
		if (i)
			fputc(',', out);
		put_row(out, &listing->rows[i]);
	}
	fputs("]}\n", out);
}

static void handle_alerts(struct exchange *exchange)
{
	static const char *const others[] = { "limit", "before", "fold", NULL };
	struct filter filter;
	uint64_t limit, before, fold;
	if (!read_filter(exchange, &filter, others) ||
	    !read_number(exchange, "limit", ROWS_DEFAULT, LISTING_ROWS_MAX, &limit) ||
	    !read_number(exchange, "before", 0, INT64_MAX, &before) || !read_number(exchange, "fold", 1, 1, &fold))
		return;
	struct listing listing;
	listing_make(&listing, exchange->board->ring, &filter, fold, before, limit ? limit : 1);
	char *text;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	MUST(out);
	put_listing(out, exchange->board, &listing);
	fclose(out);
	answer_bytes(exchange->request, "application/json; charset=utf-8", (struct slice){ text, size });
	free(text);
	listing_fini(&listing);
}

static void handle_csv(struct exchange *exchange)
{
	static const char *const others[] = { NULL };
	struct filter filter;
	if (!read_filter(exchange, &filter, others))
		return;
	struct ring *ring = exchange->board->ring;
	char *text;
	size_t size, rows = 0;
	FILE *out = open_memstream(&text, &size);
	MUST(out);
	csv_head(out);
	for (uint64_t sequence = ring_last(ring); sequence >= ring_first(ring) && rows < CSV_ROWS_MAX; sequence--) {
		const struct card *card = ring_at(ring, sequence);
		if (!filter_matches(&filter, card))
			continue;
		csv_row(out, card);
		rows++;
	}
	fclose(out);
	evhttp_add_header(evhttp_request_get_output_headers(exchange->request), "Content-Disposition",
			  "attachment; filename=\"alerts.csv\"");
	answer_bytes(exchange->request, "text/csv; charset=utf-8", (struct slice){ text, size });
	free(text);
}

static void handle_stream(struct exchange *exchange)
{
	static const char *const others[] = { "after", NULL };
	struct filter filter;
	if (!read_filter(exchange, &filter, others))
		return;
	const char *after = evhttp_find_header(evhttp_request_get_input_headers(exchange->request), "Last-Event-ID");
	if (!after)
		after = exchange_value(exchange, "after");
	if (evhttp_request_get_command(exchange->request) == EVHTTP_REQ_HEAD) {
		answer_bytes(exchange->request, "text/event-stream; charset=utf-8", SLICE(""));
		return;
	}
	if (streams_open(exchange->board->streams, exchange->request, &filter, after))
		return;
	evhttp_add_header(evhttp_request_get_output_headers(exchange->request), "Retry-After", "10");
	answer_error(exchange->request, HTTP_SERVUNAVAIL, "too many live streams; raise board.clients_max");
}

/* ---- one alert ---- */

const struct card *api_card(struct exchange *exchange)
{
	const struct card *card = ring_find(exchange->board->ring, exchange->id);
	if (!card)
		answer_error(exchange->request, HTTP_NOTFOUND,
			     "the board does not hold this alert (any more); it may still be in its topic");
	return card;
}

/* For a shell: quotes that the name of a topic cannot break out of. */
static json_t *kcat_command(const struct board *board, const char *topic, int32_t partition, int64_t offset)
{
	return json_sprintf("kcat -b '%s' -C -t '%s' -p %d -o %lld -c 1 -e -q -X isolation.level=read_committed",
			    board->config->kafka_brokers, topic, partition, (long long)offset);
}

static void handle_alert(struct exchange *exchange)
{
	const struct card *card = api_card(exchange);
	if (!card)
		return;
	json_t *event = json_loadb(card->payload, card->payload_size, JSON_ALLOW_NUL, NULL);
	const json_t *source = json_object_get(json_object_get(event, "data"), "source");
	const char *topic = json_string_value(json_object_get(source, "topic"));
	json_t *place = json_object(), *all = json_object();
	json_object_set_new(place, "topic", json_string(card->place.topic));
	json_object_set_new(place, "partition", json_integer(card->place.partition));
	json_object_set_new(place, "offset", json_integer(card->place.offset));
	json_object_set_new(place, "written_ms", json_integer(card->place.written_ms));
	json_object_set_new(place, "seen_ms", json_integer(card->place.seen_ms));
	json_object_set_new(all, "sequence", json_integer((json_int_t)card->sequence));
	json_object_set_new(all, "repeats", json_integer((json_int_t)card->repeats->count));
	json_object_set_new(all, "record", place);
	json_object_set_new(
		all, "kcat_alert",
		kcat_command(exchange->board, card->place.topic, card->place.partition, card->place.offset));
	json_object_set_new(all, "kcat_report",
			    kcat_command(exchange->board, topic ? topic : exchange->board->config->topics_reports,
					 (int32_t)json_integer_value(json_object_get(source, "partition")),
					 json_integer_value(json_object_get(source, "offset"))));
	json_object_set_new(all, "event", event);
	answer_json(exchange->request, HTTP_OK, all);
}

/* ---- the board itself ---- */

static void handle_status(struct exchange *exchange)
{
	answer_json(exchange->request, HTTP_OK, health_json(exchange->board->health));
}

static void handle_openapi(struct exchange *exchange)
{
	answer_bytes(exchange->request, "application/json; charset=utf-8", slice_of(openapi_text));
}

static void handle_map(struct exchange *exchange)
{
	struct board *board = exchange->board;
	static const char nothing[] = "{\"type\":\"FeatureCollection\",\"features\":[]}";
	answer_bytes(exchange->request, "application/geo+json; charset=utf-8",
		     board->map ? (struct slice){ board->map, board->map_size } : slice_of(nothing));
}

static void handle_healthz(struct exchange *exchange)
{
	answer_bytes(exchange->request, "text/plain; charset=utf-8", SLICE("ok\n"));
}

static void handle_readyz(struct exchange *exchange)
{
	struct feed_state state;
	feed_state(exchange->board->feed, &state);
	if (state.connected && state.caught_up)
		answer_bytes(exchange->request, "text/plain; charset=utf-8", SLICE("ready\n"));
	else
		answer_error(exchange->request, HTTP_SERVUNAVAIL,
			     state.connected ? "the alert topics are not read to their ends yet"
					     : "Kafka cannot be read");
}

static void handle_metrics(struct exchange *exchange)
{
	char *text;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	MUST(out);
	board_metrics(exchange->board, out);
	fclose(out);
	answer_bytes(exchange->request, "text/plain; version=0.0.4; charset=utf-8", (struct slice){ text, size });
	free(text);
}

/* Those without {id} first: they win over it. */
const struct api_path api_paths[] = {
	{ "/api/alerts", SERVER_FOR_ALLOWED, handle_alerts, "alerts, newest first, repeats folded" },
	{ "/api/alerts.csv", SERVER_FOR_ALLOWED, handle_csv, "the same as a table, not folded" },
	{ "/api/alerts/stream", SERVER_FOR_ALLOWED, handle_stream, "alerts as they come (server-sent events)" },
	{ "/api/totals", SERVER_FOR_ALLOWED, api_totals, "counters over all riders, by area and day" },
	{ "/api/top", SERVER_FOR_ALLOWED, api_top, "leaderboard of a month" },
	{ "/api/status", SERVER_FOR_ALLOWED, handle_status, "lag, event age, dead letters, Kafka and Redis" },
	{ "/api/map", SERVER_FOR_ALLOWED, handle_map, "the operator's GeoJSON" },
	{ "/api/openapi.json", SERVER_FOR_HOST, handle_openapi, "this API, described" },
	{ "/metrics", SERVER_FOR_ALLOWED, handle_metrics, "the board's own metrics for Prometheus" },
	{ "/healthz", SERVER_FOR_ALL, handle_healthz, "200 while the event loop turns" },
	{ "/readyz", SERVER_FOR_ALL, handle_readyz, "200 when the alert topics are read to their ends" },
	{ "/api/riders/{id}", SERVER_FOR_ALLOWED, api_rider, "a rider's counters and recent alerts" },
	{ "/api/alerts/{id}", SERVER_FOR_ALLOWED, handle_alert, "one alert, whole" },
	{ "/api/alerts/{id}/raw", SERVER_FOR_ALLOWED, api_raw, "the report behind an alert, as it came" },
	{ "/api/alerts/{id}/rider", SERVER_FOR_ALLOWED, api_alert_rider, "counters of the rider behind an alert" },
};
const size_t api_path_count = sizeof api_paths / sizeof *api_paths;
