/* SPDX-License-Identifier: Apache-2.0 */
#include "alert.h"
#include "buffer.h"
#include "digest.h"
#include "geo.h"
#include "mask.h"
#include "ruleset.h"

/* Bounds that keep an alert publishable whatever came in; the report itself is still in the input topic. */
#define DESCRIPTION_MAX 8192
#define TEXT_MAX 512
#define URL_MAX 2048
#define ALERT_ID_SIZE 32
#define PSEUDONYM_SIZE 32
#define POSITION_DECIMALS 6
#define JSON_FIRST 3072 /* most alerts are shorter */

/* What every part of one alert is written from. */
struct draft {
	const struct job *job;
	struct arena *arena;
	enum category category;
	struct slice id, place, description, dedup_key;
	double lat, lon; /* WGS 84; when the report has a position */
	struct routing routing;
	struct buffer json;
};

/* Cuts to at most size bytes, never inside a character. */
static struct slice cut(struct slice text, size_t size)
{
	if (text.size <= size)
		return text;
	while (size > 0 && ((unsigned char)text.data[size] & 0xc0) == 0x80)
		size--;
	return (struct slice){ text.data, size };
}

static struct slice or_empty(struct slice text)
{
	return text.data ? text : SLICE("");
}

static struct slice alert_id(const struct draft *draft)
{
	const struct rider_event *event = &draft->job->event;
	struct slice parts[] = { event->source, SLICE("\n"), event->id, SLICE("\n"), slice_of(category_name(draft->category)) };
	return digest_parts(parts, sizeof parts / sizeof *parts, ALERT_ID_SIZE, draft->arena);
}

static struct slice join(struct arena *arena, const struct slice *parts, size_t count)
{
	struct buffer text;
	buffer_init(&text, arena, 128);
	for (size_t i = 0; i < count; i++)
		buffer_append(&text, or_empty(parts[i]));
	return buffer_slice(&text);
}

/* A cell of a thousandth of a degree, about a hundred metres. */
static struct slice cell(const struct draft *draft)
{
	struct buffer text;
	buffer_init(&text, draft->arena, 48);
	buffer_append(&text, SLICE("cell:"));
	buffer_append_decimal(&text, draft->lat, 3);
	buffer_append_char(&text, ',');
	buffer_append_decimal(&text, draft->lon, 3);
	return buffer_slice(&text);
}

/* Reports of one thing at one place share a key: hazard code and the most exact place that the report names. */
static struct slice dedup_key(const struct draft *draft)
{
	const struct report *report = &draft->job->event.report;
	struct slice place;
	if (report->shop_id.size)
		place = join(draft->arena, (struct slice[]){ SLICE("shop:"), cut(report->shop_id, TEXT_MAX) }, 2);
	else if (report->building.size && report->community_id.size)
		place = join(draft->arena, (struct slice[]){ SLICE("building:"), cut(report->community_id, TEXT_MAX), SLICE("/"),
							     cut(report->building, TEXT_MAX) }, 4);
	else if (report->has_position)
		place = cell(draft);
	else if (report->address_string.size)
		place = join(draft->arena, (struct slice[]){ SLICE("address:"), draft->place }, 2);
	else
		place = join(draft->arena, (struct slice[]){ SLICE("report:"), cut(draft->job->event.id, TEXT_MAX) }, 2);
	return join(draft->arena, (struct slice[]){ draft->job->verdict.hazard->code, SLICE("@"), place }, 3);
}

/* ---- JSON members: each writes its own leading comma ---- */

static void name(struct draft *draft, struct slice key)
{
	buffer_append_char(&draft->json, ',');
	buffer_append_json_string(&draft->json, key);
	buffer_append_char(&draft->json, ':');
}

static void member(struct draft *draft, struct slice key, struct slice text)
{
	name(draft, key);
	buffer_append_json_string(&draft->json, text);
}

static void optional_member(struct draft *draft, struct slice key, struct slice text)
{
	if (text.size)
		member(draft, key, cut(text, TEXT_MAX));
}

static void number_member(struct draft *draft, struct slice key, int64_t number)
{
	name(draft, key);
	buffer_append_int(&draft->json, number);
}

static void time_member(struct draft *draft, struct slice key, int64_t ms)
{
	name(draft, key);
	buffer_append_char(&draft->json, '"');
	buffer_append_time(&draft->json, ms);
	buffer_append_char(&draft->json, '"');
}

/* Opens an object or array; returns where its first member will write its comma, see close_bracket. */
static size_t open(struct draft *draft, struct slice key, char bracket)
{
	if (key.data)
		name(draft, key);
	buffer_append_char(&draft->json, bracket);
	return draft->json.size;
}

/* The first member's comma (at the place that open returned) becomes a space. */
static void close_bracket(struct draft *draft, size_t first, char bracket)
{
	if (draft->json.size > first)
		draft->json.data[first] = ' ';
	buffer_append_char(&draft->json, bracket);
}

static const struct slice crs_names[] = {
	[CRS_UNKNOWN] = { "unknown", 7 },
	[CRS_WGS84] = { "WGS84", 5 },
	[CRS_GCJ02] = { "WGS84", 5 },
	[CRS_BD09] = { "WGS84", 5 },
};

static void write_area(struct draft *draft)
{
	const struct report *report = &draft->job->event.report;
	size_t first = open(draft, SLICE("area"), '{');
	member(draft, SLICE("areaDesc"), draft->place);
	if (report->has_position) {
		name(draft, SLICE("lat"));
		buffer_append_decimal(&draft->json, draft->lat, POSITION_DECIMALS);
		name(draft, SLICE("long"));
		buffer_append_decimal(&draft->json, draft->lon, POSITION_DECIMALS);
		member(draft, SLICE("crs"), crs_names[report->crs]);
	}
	optional_member(draft, SLICE("jurisdiction_id"), report->jurisdiction_id);
	optional_member(draft, SLICE("grid_id"), report->grid_id);
	optional_member(draft, SLICE("community_id"), report->community_id);
	optional_member(draft, SLICE("shop_id"), report->shop_id);
	optional_member(draft, SLICE("building"), report->building);
	close_bracket(draft, first, '}');
}

static struct slice default_topic(const struct draft *draft)
{
	return slice_of(draft->job->settings->alert_topics[draft->category]);
}

static struct slice route_topic(const struct draft *draft, const struct route *route)
{
	return route->topic.size ? route->topic : default_topic(draft);
}

static void write_routes(struct draft *draft)
{
	size_t first = open(draft, SLICE("routes"), '[');
	for (size_t i = 0; i < draft->routing.count; i++) {
		buffer_append_char(&draft->json, ',');
		size_t inner = open(draft, (struct slice){ 0 }, '{');
		member(draft, SLICE("agency"), draft->routing.routes[i].agency);
		member(draft, SLICE("topic"), route_topic(draft, &draft->routing.routes[i]));
		member(draft, SLICE("role"), draft->routing.routes[i].role);
		member(draft, SLICE("rule"), draft->routing.rule);
		close_bracket(draft, inner, '}');
	}
	close_bracket(draft, first, ']');
}

/* How soon the agencies are to act, and which row said so. */
static void write_response(struct draft *draft)
{
	const struct routing *routing = &draft->routing;
	if (!routing->response_rule.data)
		return;
	size_t first = open(draft, SLICE("response"), '{');
	optional_member(draft, SLICE("acknowledge_within"), routing->acknowledge_within);
	optional_member(draft, SLICE("check_within"), routing->check_within);
	member(draft, SLICE("rule"), routing->response_rule);
	close_bracket(draft, first, '}');
}

static void write_spans(struct draft *draft)
{
	const struct verdict *verdict = &draft->job->verdict;
	size_t first = open(draft, SLICE("spans"), '[');
	for (size_t i = 0; i < verdict->evidence_count; i++) {
		const struct evidence *evidence = &verdict->evidence[i];
		buffer_append_char(&draft->json, ',');
		size_t inner = open(draft, (struct slice){ 0 }, '{');
		member(draft, SLICE("rule"), evidence->rule);
		number_member(draft, SLICE("from"), evidence->from);
		number_member(draft, SLICE("to"), evidence->to);
		number_member(draft, SLICE("weight"), evidence->weight);
		if (evidence->to > evidence->from && evidence->to <= draft->description.size)
			member(draft, SLICE("text"), cut((struct slice){ draft->description.data + evidence->from,
									 evidence->to - evidence->from }, TEXT_MAX));
		close_bracket(draft, inner, '}');
	}
	close_bracket(draft, first, ']');
}

static void write_decision(struct draft *draft)
{
	const struct verdict *verdict = &draft->job->verdict;
	size_t first = open(draft, SLICE("decision"), '{');
	member(draft, SLICE("ruleset"), ruleset_id(draft->job->ruleset));
	size_t rules = open(draft, SLICE("rules"), '[');
	for (size_t i = 0; i < verdict->evidence_count; i++) {
		buffer_append_char(&draft->json, ',');
		buffer_append_json_string(&draft->json, verdict->evidence[i].rule);
	}
	close_bracket(draft, rules, ']');
	write_spans(draft);
	number_member(draft, SLICE("score"), verdict->score);
	number_member(draft, SLICE("margin"), verdict->margin);
	number_member(draft, SLICE("severity_margin"), verdict->severity_margin);
	member(draft, SLICE("category"), slice_of(category_name(verdict->category)));
	name(draft, SLICE("unsure"));
	buffer_append(&draft->json, verdict->unsure ? SLICE("true") : SLICE("false"));
	close_bracket(draft, first, '}');
}

static void write_media(struct draft *draft)
{
	const struct report *report = &draft->job->event.report;
	size_t first = open(draft, SLICE("media"), '[');
	for (size_t i = 0; i < report->media_count; i++) {
		buffer_append_char(&draft->json, ',');
		size_t inner = open(draft, (struct slice){ 0 }, '{');
		member(draft, SLICE("url"), cut(or_empty(report->media[i].url), URL_MAX));
		optional_member(draft, SLICE("sha256"), report->media[i].sha256);
		close_bracket(draft, inner, '}');
	}
	close_bracket(draft, first, ']');
}

static void write_source(struct draft *draft)
{
	const struct input_record *record = draft->job->record;
	size_t first = open(draft, SLICE("source"), '{');
	member(draft, SLICE("topic"), slice_of(draft->job->settings->input_topics[record->input]));
	number_member(draft, SLICE("partition"), record->partition);
	number_member(draft, SLICE("offset"), record->offset);
	close_bracket(draft, first, '}');
	first = open(draft, SLICE("report"), '{');
	member(draft, SLICE("source"), cut(draft->job->event.source, TEXT_MAX));
	member(draft, SLICE("id"), cut(draft->job->event.id, TEXT_MAX));
	close_bracket(draft, first, '}');
}

static void write_words(struct draft *draft)
{
	const struct verdict *verdict = &draft->job->verdict;
	const struct hazard *hazard = verdict->hazard;
	member(draft, SLICE("identifier"), draft->id);
	member(draft, SLICE("status"), SLICE("Actual"));
	member(draft, SLICE("msgType"), SLICE("Alert"));
	member(draft, SLICE("scope"), SLICE("Restricted"));
	member(draft, SLICE("category"), hazard->cap_category);
	member(draft, SLICE("event"), hazard->event);
	member(draft, SLICE("hazard_code"), hazard->code);
	member(draft, SLICE("urgency"), hazard->urgency);
	member(draft, SLICE("severity"), slice_of(severity_name(verdict->severity)));
	member(draft, SLICE("certainty"), verdict->unsure ? SLICE("Possible") : SLICE("Likely"));
	name(draft, SLICE("headline"));
	struct slice headline[] = { hazard->event, draft->place.size ? SLICE(" · ") : SLICE(""), draft->place };
	buffer_append_json_string(&draft->json, join(draft->arena, headline, 3));
	member(draft, SLICE("description"), cut(draft->description, DESCRIPTION_MAX));
}

/* Stream time, not the clock: the same event always gives the same bytes. */
static void write_times(struct draft *draft)
{
	int64_t event_time = draft->job->event.time_ms;
	int64_t stream_time = draft->job->stream->time_ms;
	if (stream_time != STREAM_TIME_NONE)
		time_member(draft, SLICE("sent"), stream_time);
	if (event_time != EVENT_TIME_NONE)
		time_member(draft, SLICE("effective"), event_time);
}

static void write_data(struct draft *draft)
{
	const struct job *job = draft->job;
	size_t first = open(draft, SLICE("data"), '{');
	write_words(draft);
	write_area(draft);
	write_times(draft);
	member(draft, SLICE("dedup_key"), draft->dedup_key);
	write_routes(draft);
	write_response(draft);
	write_decision(draft);
	if (job->settings->pseudonym_key.size)
		member(draft, SLICE("reporter_ref"),
		       digest_keyed(job->settings->pseudonym_key, job->event.rider_id, PSEUDONYM_SIZE, draft->arena));
	write_media(draft);
	write_source(draft);
	close_bracket(draft, first, '}');
}

static struct slice write_envelope(struct draft *draft)
{
	const struct job *job = draft->job;
	buffer_init(&draft->json, draft->arena, JSON_FIRST);
	size_t first = open(draft, (struct slice){ 0 }, '{');
	member(draft, SLICE("specversion"), SLICE("1.0"));
	member(draft, SLICE("type"), SLICE("rider.alert.v1"));
	member(draft, SLICE("source"), SLICE("/riderwatch"));
	member(draft, SLICE("id"), draft->id);
	member(draft, SLICE("subject"), draft->job->verdict.hazard->code);
	if (job->stream->time_ms != STREAM_TIME_NONE)
		time_member(draft, SLICE("time"), job->stream->time_ms);
	member(draft, SLICE("datacontenttype"), SLICE("application/json"));
	member(draft, SLICE("rwcategory"), slice_of(category_name(draft->category)));
	write_data(draft);
	close_bracket(draft, first, '}');
	return buffer_slice(&draft->json);
}

/* ---- the records ---- */

static const struct header *alert_headers(const struct draft *draft, size_t *count)
{
	struct header *headers = arena_alloc(draft->arena, 2 * sizeof *headers);
	headers[0] = (struct header){ SLICE("content-type"), SLICE("application/cloudevents+json; charset=utf-8") };
	*count = 1;
	if (draft->job->event.traceparent.size)
		headers[(*count)++] = (struct header){ SLICE("traceparent"),
						       arena_copy(draft->arena, draft->job->event.traceparent) };
	return headers;
}

static bool topic_is_new(const struct draft *draft, size_t route)
{
	for (size_t i = 0; i < route; i++) {
		if (slice_equal(route_topic(draft, &draft->routing.routes[i]), route_topic(draft, &draft->routing.routes[route])))
			return false;
	}
	return true;
}

static void add_record(const struct draft *draft, struct slice topic, struct slice payload)
{
	struct output_record *out = chunk_add_record(draft->job->chunk);
	out->topic = topic;
	out->key = draft->dedup_key;
	out->payload = payload;
	out->headers = alert_headers(draft, &out->header_count);
}

void alert_add(struct job *job, enum category category)
{
	struct draft draft = { .job = job, .arena = &job->chunk->arena, .category = category };
	const struct report *report = &job->event.report;
	enum severity severity = job->verdict.severity;
	draft.id = alert_id(&draft);
	draft.place = mask_numbers(cut(or_empty(report->address_string), TEXT_MAX), draft.arena);
	draft.description = mask_numbers(or_empty(report->description), draft.arena);
	draft.lat = report->lat;
	draft.lon = report->lon;
	if (report->has_position)
		geo_to_wgs84(report->crs, &draft.lat, &draft.lon);
	draft.dedup_key = dedup_key(&draft);
	ruleset_route(job->ruleset, category, severity, job->verdict.hazard, report->jurisdiction_id, &draft.routing);
	struct slice payload = write_envelope(&draft);
	for (size_t i = 0; i < draft.routing.count; i++) {
		if (topic_is_new(&draft, i))
			add_record(&draft, route_topic(&draft, &draft.routing.routes[i]), payload);
	}
	if (draft.routing.count == 0)
		add_record(&draft, default_topic(&draft), payload);
	job->chunk->alerts[category][severity]++;
	if (severity > job->chunk->urgency)
		job->chunk->urgency = severity;
}
