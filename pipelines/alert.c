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
	struct slice parts[] = { event->source, SLICE("\n"), event->id, SLICE("\n"),
				 slice_of(category_name(draft->category)) };
	return digest_parts(parts, sizeof parts / sizeof *parts, ALERT_ID_SIZE, draft->arena);
}

static struct slice join(struct arena *arena, const struct slice *parts, size_t count)
{
	struct buffer text;
	size_t size = 0;
	for (size_t i = 0; i < count; i++)
		size += parts[i].size;
	buffer_init(&text, arena, size);
	for (size_t i = 0; i < count; i++)
		buffer_append(&text, parts[i]);
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
		place = join(draft->arena,
			     (struct slice[]){ SLICE("building:"), cut(report->community_id, TEXT_MAX), SLICE("/"),
					       cut(report->building, TEXT_MAX) },
			     4);
	else if (report->has_position)
		place = cell(draft);
	else if (report->address_string.size)
		place = join(draft->arena, (struct slice[]){ SLICE("address:"), draft->place }, 2);
	else
		place = join(draft->arena, (struct slice[]){ SLICE("report:"), cut(draft->job->event.id, TEXT_MAX) },
			     2);
	return join(draft->arena, (struct slice[]){ draft->job->verdict.hazard->code, SLICE("@"), place }, 3);
}

/* ---- JSON members: each begins with its comma ---- */

/* How a member begins that has this name, a literal without anything to escape. */
#define NAME(literal) SLICE(",\"" literal "\":")
/* The same for one that is an object or array. */
#define OPEN(literal, bracket) SLICE(",\"" literal "\":" bracket)
/* A whole member that is always the same. */
#define FIXED(literal, text) ",\"" literal "\":\"" text "\""

static void put(struct draft *draft, struct slice json)
{
	buffer_append(&draft->json, json);
}

static void member(struct draft *draft, struct slice name, struct slice text)
{
	put(draft, name);
	buffer_append_json_string(&draft->json, text);
}

static void optional_member(struct draft *draft, struct slice name, struct slice text)
{
	if (text.size)
		member(draft, name, cut(text, TEXT_MAX));
}

static void number_member(struct draft *draft, struct slice name, int64_t number)
{
	put(draft, name);
	buffer_append_int(&draft->json, number);
}

static void time_member(struct draft *draft, struct slice name, int64_t ms)
{
	put(draft, name);
	buffer_append_char(&draft->json, '"');
	buffer_append_time(&draft->json, ms);
	buffer_append_char(&draft->json, '"');
}

/* begin: what comes in front of the first member of an object or array, its bracket last. Returns where that member
 * will write its comma, see close_bracket. */
static size_t open(struct draft *draft, struct slice begin)
{
	put(draft, begin);
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
	size_t first = open(draft, OPEN("area", "{"));
	member(draft, NAME("areaDesc"), draft->place);
	if (report->has_position) {
		put(draft, NAME("lat"));
		buffer_append_decimal(&draft->json, draft->lat, POSITION_DECIMALS);
		put(draft, NAME("long"));
		buffer_append_decimal(&draft->json, draft->lon, POSITION_DECIMALS);
		member(draft, NAME("crs"), crs_names[report->crs]);
	}
	optional_member(draft, NAME("jurisdiction_id"), report->jurisdiction_id);
	optional_member(draft, NAME("grid_id"), report->grid_id);
	optional_member(draft, NAME("community_id"), report->community_id);
	optional_member(draft, NAME("shop_id"), report->shop_id);
	optional_member(draft, NAME("building"), report->building);
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
	size_t first = open(draft, OPEN("routes", "["));
	for (size_t i = 0; i < draft->routing.count; i++) {
		size_t inner = open(draft, SLICE(",{"));
		member(draft, NAME("agency"), draft->routing.routes[i].agency);
		member(draft, NAME("topic"), route_topic(draft, &draft->routing.routes[i]));
		member(draft, NAME("role"), draft->routing.routes[i].role);
		member(draft, NAME("rule"), draft->routing.rule);
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
	size_t first = open(draft, OPEN("response", "{"));
	optional_member(draft, NAME("acknowledge_within"), routing->acknowledge_within);
	optional_member(draft, NAME("check_within"), routing->check_within);
	member(draft, NAME("rule"), routing->response_rule);
	close_bracket(draft, first, '}');
}

static void write_spans(struct draft *draft)
{
	const struct verdict *verdict = &draft->job->verdict;
	size_t first = open(draft, OPEN("spans", "["));
	for (size_t i = 0; i < verdict->evidence_count; i++) {
		const struct evidence *evidence = &verdict->evidence[i];
		size_t inner = open(draft, SLICE(",{"));
		member(draft, NAME("rule"), evidence->rule);
		number_member(draft, NAME("from"), evidence->from);
		number_member(draft, NAME("to"), evidence->to);
		number_member(draft, NAME("weight"), evidence->weight);
		if (evidence->to > evidence->from && evidence->to <= draft->description.size)
			member(draft, NAME("text"),
			       cut((struct slice){ draft->description.data + evidence->from,
						   evidence->to - evidence->from },
				   TEXT_MAX));
		close_bracket(draft, inner, '}');
	}
	close_bracket(draft, first, ']');
}

static void write_decision(struct draft *draft)
{
	const struct verdict *verdict = &draft->job->verdict;
	size_t first = open(draft, OPEN("decision", "{"));
	member(draft, NAME("ruleset"), ruleset_id(draft->job->ruleset));
	size_t rules = open(draft, OPEN("rules", "["));
	for (size_t i = 0; i < verdict->evidence_count; i++) {
		buffer_append_char(&draft->json, ',');
		buffer_append_json_string(&draft->json, verdict->evidence[i].rule);
	}
	close_bracket(draft, rules, ']');
	write_spans(draft);
	number_member(draft, NAME("score"), verdict->score);
	number_member(draft, NAME("margin"), verdict->margin);
	number_member(draft, NAME("severity_margin"), verdict->severity_margin);
	member(draft, NAME("category"), slice_of(category_name(verdict->category)));
	put(draft, NAME("unsure"));
	buffer_append(&draft->json, verdict->unsure ? SLICE("true") : SLICE("false"));
	close_bracket(draft, first, '}');
}

static void write_media(struct draft *draft)
{
	const struct report *report = &draft->job->event.report;
	size_t first = open(draft, OPEN("media", "["));
	for (size_t i = 0; i < report->media_count; i++) {
		size_t inner = open(draft, SLICE(",{"));
		member(draft, NAME("url"), cut(or_empty(report->media[i].url), URL_MAX));
		optional_member(draft, NAME("sha256"), report->media[i].sha256);
		close_bracket(draft, inner, '}');
	}
	close_bracket(draft, first, ']');
}

static void write_source(struct draft *draft)
{
	const struct input_record *record = draft->job->record;
	size_t first = open(draft, OPEN("source", "{"));
	member(draft, NAME("topic"), slice_of(draft->job->settings->input_topics[record->input]));
	number_member(draft, NAME("partition"), record->partition);
	number_member(draft, NAME("offset"), record->offset);
	close_bracket(draft, first, '}');
	first = open(draft, OPEN("report", "{"));
	member(draft, NAME("source"), cut(draft->job->event.source, TEXT_MAX));
	member(draft, NAME("id"), cut(draft->job->event.id, TEXT_MAX));
	close_bracket(draft, first, '}');
}

static void write_words(struct draft *draft)
{
	const struct verdict *verdict = &draft->job->verdict;
	const struct hazard *hazard = verdict->hazard;
	member(draft, NAME("identifier"), draft->id);
	put(draft, SLICE(FIXED("status", "Actual") FIXED("msgType", "Alert") FIXED("scope", "Restricted")));
	member(draft, NAME("category"), hazard->cap_category);
	member(draft, NAME("event"), hazard->event);
	member(draft, NAME("hazard_code"), hazard->code);
	member(draft, NAME("urgency"), hazard->urgency);
	member(draft, NAME("severity"), slice_of(severity_name(verdict->severity)));
	member(draft, NAME("certainty"), verdict->unsure ? SLICE("Possible") : SLICE("Likely"));
	put(draft, NAME("headline"));
	struct slice headline[] = { hazard->event, draft->place.size ? SLICE(" · ") : SLICE(""), draft->place };
	buffer_append_json_string(&draft->json, join(draft->arena, headline, 3));
	member(draft, NAME("description"), cut(draft->description, DESCRIPTION_MAX));
}

/* Stream time, not the clock: the same event always gives the same bytes. */
static void write_times(struct draft *draft)
{
	int64_t event_time = draft->job->event.time_ms;
	int64_t stream_time = draft->job->stream->time_ms;
	if (stream_time != STREAM_TIME_NONE)
		time_member(draft, NAME("sent"), stream_time);
	if (event_time != EVENT_TIME_NONE)
		time_member(draft, NAME("effective"), event_time);
}

static void write_data(struct draft *draft)
{
	const struct job *job = draft->job;
	size_t first = open(draft, OPEN("data", "{"));
	write_words(draft);
	write_area(draft);
	write_times(draft);
	member(draft, NAME("dedup_key"), draft->dedup_key);
	write_routes(draft);
	write_response(draft);
	write_decision(draft);
	if (job->settings->pseudonym_key.size)
		member(draft, NAME("reporter_ref"),
		       digest_keyed(job->settings->pseudonym_key, job->event.rider_id, PSEUDONYM_SIZE, draft->arena));
	write_media(draft);
	write_source(draft);
	close_bracket(draft, first, '}');
}

static struct slice write_envelope(struct draft *draft)
{
	const struct job *job = draft->job;
	buffer_init(&draft->json, draft->arena, JSON_FIRST);
	size_t first = open(draft, SLICE("{"));
	put(draft, SLICE(FIXED("specversion", "1.0") FIXED("type", "rider.alert.v1") FIXED("source", "/riderwatch")));
	member(draft, NAME("id"), draft->id);
	member(draft, NAME("subject"), draft->job->verdict.hazard->code);
	if (job->stream->time_ms != STREAM_TIME_NONE)
		time_member(draft, NAME("time"), job->stream->time_ms);
	put(draft, SLICE(FIXED("datacontenttype", "application/json")));
	member(draft, NAME("rwcategory"), slice_of(category_name(draft->category)));
	write_data(draft);
	close_bracket(draft, first, '}');
	return buffer_end(&draft->json);
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
		if (slice_equal(route_topic(draft, &draft->routing.routes[i]),
				route_topic(draft, &draft->routing.routes[route])))
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
