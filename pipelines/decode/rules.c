/* SPDX-License-Identifier: Apache-2.0 */
#include "decode/rules.h"
#include "decode/headers.h"
#include <errno.h>
#include <stdlib.h>
#include "decode/text_forms.h"

enum reason fault_set(struct fault *fault, enum reason reason, const char *field, size_t position)
{
	*fault = (struct fault){ reason, field, position };
	return reason;
}

/* ---- how values are read: to is the event's member; NONE, WRONG_TYPE or INVALID_VALUE ---- */

static enum reason read_text(const struct value *value, void *to)
{
	if (value->kind != VALUE_STRING)
		return REASON_WRONG_TYPE;
	*(struct slice *)to = value->text;
	return REASON_NONE;
}

static enum reason read_id(const struct value *value, void *to)
{
	enum reason reason = read_text(value, to);

	return reason == REASON_NONE && value->text.size == 0 ? REASON_INVALID_VALUE : reason;
}

/* Identifiers that some systems send as numbers: a whole number within 64 bits becomes its decimal text. */
static enum reason read_id_or_integer(const struct value *value, void *to)
{
	struct slice text = value->text;

	if (value->kind != VALUE_INTEGER)
		return read_id(value, to);
	if (text.size > 20)
		return REASON_INVALID_VALUE;
	errno = 0;
	if (strtoll(text.data, NULL, 10) == 0 && text.data[0] == '-')
		text = (struct slice){ text.data + 1, text.size - 1 }; /* "-0" */
	if (errno == ERANGE)
		return REASON_INVALID_VALUE;
	*(struct slice *)to = text;
	return REASON_NONE;
}

/* As above, but empty is as good as absent. */
static enum reason read_place_id(const struct value *value, void *to)
{
	enum reason reason = read_id_or_integer(value, to);

	if (reason != REASON_NONE)
		*(struct slice *)to = (struct slice){ NULL, 0 };
	return value->kind == VALUE_STRING ? REASON_NONE : reason;
}

static enum reason read_jurisdiction(const struct value *value, void *to)
{
	if (value->kind != VALUE_STRING && value->kind != VALUE_INTEGER)
		return REASON_WRONG_TYPE;
	if (value->text.size != 6)
		return REASON_INVALID_VALUE;
	for (size_t i = 0; i < 6; i++)
		if (value->text.data[i] < '0' || value->text.data[i] > '9')
			return REASON_INVALID_VALUE;
	*(struct slice *)to = value->text;
	return REASON_NONE;
}

static enum reason read_flag(const struct value *value, void *to)
{
	if (value->kind != VALUE_TRUE && value->kind != VALUE_FALSE)
		return REASON_WRONG_TYPE;
	*(bool *)to = value->kind == VALUE_TRUE;
	return REASON_NONE;
}

static enum reason read_event_time(const struct value *value, void *to)
{
	int64_t ms;

	if (value->kind != VALUE_STRING)
		return REASON_WRONG_TYPE;
	if (!read_time(value->text, &ms))
		return REASON_INVALID_VALUE;
	*(int64_t *)to = ms;
	return REASON_NONE;
}

/* A word of a closed list; an empty place in the list is a number without a word. */
static enum reason read_word(const struct value *value, const struct slice *words, size_t count, unsigned *index)
{
	if (value->kind != VALUE_STRING)
		return REASON_WRONG_TYPE;
	for (size_t i = 0; i < count; i++) {
		if (!words[i].data || !slice_equal(value->text, words[i]))
			continue;
		*index = (unsigned)i;
		return REASON_NONE;
	}
	return REASON_INVALID_VALUE;
}

#define WORD(literal)                                                                                                  \
	{                                                                                                              \
		literal, sizeof(literal) - 1                                                                           \
	}
#define COUNT_OF(array) (sizeof(array) / sizeof(*(array)))

static enum reason read_crs(const struct value *value, void *to)
{
	static const struct slice words[] = {
		[CRS_WGS84] = WORD("WGS84"), [CRS_GCJ02] = WORD("GCJ02"), [CRS_BD09] = WORD("BD09")
	};
	unsigned index = CRS_UNKNOWN;
	enum reason reason = read_word(value, words, COUNT_OF(words), &index);

	*(enum crs *)to = index;
	return reason;
}

static enum reason read_service_code(const struct value *value, void *to)
{
	static const struct slice words[] = {
		[SERVICE_FIRE] = WORD("fire"),
		[SERVICE_FOOD] = WORD("food"),
		[SERVICE_EMERGENCY] = WORD("emergency"),
		[SERVICE_OTHER] = WORD("other"),
	};
	unsigned index = SERVICE_NONE;
	enum reason reason = read_word(value, words, COUNT_OF(words), &index);

	*(enum service_code *)to = index;
	return reason;
}

static enum reason read_decision(const struct value *value, void *to)
{
	struct slice words[DECISION_COUNT];
	unsigned index = 0;
	for (enum decision decision = 0; decision < DECISION_COUNT; decision++)
		words[decision] = slice_of(decision_name(decision));
	enum reason reason = read_word(value, words, DECISION_COUNT, &index);

	*(enum decision *)to = index;
	return reason;
}

/* ---- which fields there are: faults are found in the order of the rows ---- */

enum unusable { FAULT = DROPPED_FIELD_COUNT }; /* or an enum dropped_field: the event is kept, the value is not */

struct rule {
	enum field field;
	const char *name; /* as reported */
	bool required;
	unsigned unusable;
	enum reason (*read)(const struct value *value, void *to);
	size_t to;
};

#define RULE(symbol, name, required, unusable, read, member)                                                           \
	{                                                                                                              \
		FIELD_##symbol, name, required, unusable, read, offsetof(struct rider_event, member)                   \
	}
#define REQUIRED true
#define OPTIONAL false

static const struct rule envelope_rules[] = {
	RULE(ID, "id", REQUIRED, FAULT, read_id, id),
	RULE(TIME, "time", OPTIONAL, DROPPED_TIME, read_event_time, time_ms),
};
static const struct rule cloudevent_source_rule[] = { RULE(SOURCE, "source", REQUIRED, FAULT, read_id, source) };
static const struct rule bare_source_rule[] = { RULE(SOURCE, "source", OPTIONAL, FAULT, read_text, source) };

static const struct rule report_rules[] = {
	RULE(RIDER_ID, "data.rider_id", REQUIRED, FAULT, read_id_or_integer, rider_id),
	RULE(DESCRIPTION, "data.description", REQUIRED, FAULT, read_text, report.description),
	RULE(SERVICE_CODE, "data.service_code", OPTIONAL, DROPPED_SERVICE_CODE, read_service_code, report.service_code),
	RULE(CRS, "data.crs", OPTIONAL, DROPPED_CRS, read_crs, report.crs),
	RULE(JURISDICTION_ID, "data.jurisdiction_id", OPTIONAL, DROPPED_JURISDICTION, read_jurisdiction,
	     report.jurisdiction_id),
	RULE(ADDRESS_STRING, "data.address_string", OPTIONAL, DROPPED_ADDRESS, read_text, report.address_string),
	RULE(SHOP_ID, "data.site.shop_id", OPTIONAL, DROPPED_SITE, read_place_id, report.shop_id),
	RULE(COMMUNITY_ID, "data.site.community_id", OPTIONAL, DROPPED_SITE, read_place_id, report.community_id),
	RULE(GRID_ID, "data.site.grid_id", OPTIONAL, DROPPED_SITE, read_place_id, report.grid_id),
	RULE(BUILDING, "data.site.building", OPTIONAL, DROPPED_SITE, read_place_id, report.building),
};
static const struct rule review_rules[] = {
	RULE(RIDER_ID, "data.rider_id", REQUIRED, FAULT, read_id_or_integer, rider_id),
	RULE(REPORT_ID, "data.report_id", REQUIRED, FAULT, read_id_or_integer, review.report_id),
	RULE(DECISION, "data.decision", REQUIRED, FAULT, read_decision, review.decision),
};
static const struct rule delivery_rules[] = {
	RULE(RIDER_ID, "data.rider_id", REQUIRED, FAULT, read_id_or_integer, rider_id),
	RULE(ORDER_ID, "data.order_id", REQUIRED, FAULT, read_id_or_integer, delivery.order_id),
	RULE(CHARITY, "data.charity", OPTIONAL, FAULT, read_flag, delivery.charity),
	RULE(JURISDICTION_ID, "data.jurisdiction_id", OPTIONAL, DROPPED_JURISDICTION, read_jurisdiction,
	     delivery.jurisdiction_id),
};

static void drop(struct rider_event *event, enum dropped_field field)
{
	event->dropped |= UINT32_C(1) << field;
}

static enum reason apply(const struct rule *rules, size_t count, const struct fields *fields, struct rider_event *event,
			 struct fault *fault)
{
	for (const struct rule *rule = rules; rule < rules + count; rule++) {
		const struct value *value = fields_get(fields, rule->field);
		enum reason reason;

		if (!value && rule->required)
			return fault_set(fault, REASON_MISSING_FIELD, rule->name, 0);
		if (!value)
			continue;
		reason = rule->read(value, (char *)event + rule->to);
		if (reason == REASON_NONE)
			continue;
		if (rule->unusable == FAULT)
			return fault_set(fault, reason, rule->name, value->position);
		drop(event, rule->unusable);
	}
	return REASON_NONE;
}

/* ---- what needs more than one value ---- */

static bool read_coordinate(const struct value *value, double limit, double *coordinate)
{
	return value && (value->kind == VALUE_INTEGER || value->kind == VALUE_REAL) &&
	       read_double(value->text, coordinate) && *coordinate >= -limit && *coordinate <= limit;
}

static void read_position(const struct fields *fields, struct rider_event *event)
{
	const struct value *lat = fields_get(fields, FIELD_LAT), *lon = fields_get(fields, FIELD_LONG);
	struct report *report = &event->report;
	double lat_read, lon_read;

	if (!lat && !lon)
		return;
	if (!read_coordinate(lat, 90, &lat_read) || !read_coordinate(lon, 180, &lon_read) ||
	    (lat_read == 0 && lon_read == 0)) {
		drop(event, DROPPED_POSITION);
		return;
	}
	report->has_position = true;
	report->lat = lat_read;
	report->lon = lon_read;
}

static void read_media(const struct fields *fields, struct rider_event *event)
{
	const struct value *media = fields_get(fields, FIELD_MEDIA), *site = fields_get(fields, FIELD_SITE);
	struct report *report = &event->report;

	memcpy(report->media, fields->media, fields->media_count * sizeof(*report->media));
	memcpy(report->labels, fields->labels, fields->label_count * sizeof(*report->labels));
	report->media_count = fields->media_count;
	report->label_count = fields->label_count;
	if ((media && media->kind != VALUE_ARRAY) || fields->media_unusable)
		drop(event, DROPPED_MEDIA);
	if (site && site->kind != VALUE_OBJECT)
		drop(event, DROPPED_SITE);
}

/* The record's own header goes before the envelope's extension. It is only asked for where an alert may hand it on. */
static void read_trace(const struct event_source *from, struct rider_event *event)
{
	const struct value *extension = fields_get(from->envelope, FIELD_TRACEPARENT);
	struct slice header = { NULL, 0 };

	if (event->type == EVENT_REPORT_CREATED)
		header = headers_value(input_record_headers(from->record), SLICE("traceparent"));
	if (header.data && is_traceparent(header))
		event->traceparent = header;
	else if (extension && extension->kind == VALUE_STRING && is_traceparent(extension->text))
		event->traceparent = extension->text;
	else if (header.data || extension)
		drop(event, DROPPED_TRACEPARENT);
}

/* ---- the event ---- */

/* Is text ".v" and a number? */
static bool is_version(struct slice text)
{
	if (text.size < 3 || !slice_starts_with(text, SLICE(".v")))
		return false;
	for (size_t i = 2; i < text.size; i++)
		if (text.data[i] < '0' || text.data[i] > '9')
			return false;
	return true;
}

enum reason rules_read_type(const struct fields *envelope, struct rider_event *event, struct fault *fault)
{
	static const struct slice stems[EVENT_TYPE_COUNT] = {
		[EVENT_REPORT_CREATED] = WORD("rider.report.created"),
		[EVENT_REPORT_REVIEWED] = WORD("rider.report.reviewed"),
		[EVENT_DELIVERY_COMPLETED] = WORD("rider.delivery.completed"),
	};
	const struct value *type = fields_get(envelope, FIELD_TYPE);

	if (!type)
		return fault_set(fault, REASON_MISSING_FIELD, "type", 0);
	if (type->kind != VALUE_STRING)
		return fault_set(fault, REASON_WRONG_TYPE, "type", type->position);
	for (size_t i = 0; i < EVENT_TYPE_COUNT; i++) {
		struct slice version;

		if (!slice_starts_with(type->text, stems[i]))
			continue;
		version = (struct slice){ type->text.data + stems[i].size, type->text.size - stems[i].size };
		event->type = (enum event_type)i;
		if (slice_equal(version, SLICE(".v1")))
			return REASON_NONE;
		if (is_version(version))
			return fault_set(fault, REASON_UNSUPPORTED_VERSION, "type", type->position);
	}
	return fault_set(fault, REASON_UNSUPPORTED_TYPE, "type", type->position);
}

enum reason rules_read_envelope(const struct event_source *from, struct rider_event *event, struct fault *fault)
{
	const struct rule *source_rule = from->source_required ? cloudevent_source_rule : bare_source_rule;
	enum reason reason;

	event->time_ms = EVENT_TIME_NONE;
	event->source = SLICE("");
	reason = apply(envelope_rules, COUNT_OF(envelope_rules), from->envelope, event, fault);
	if (reason == REASON_NONE)
		reason = apply(source_rule, 1, from->envelope, event, fault);
	if (reason == REASON_NONE)
		read_trace(from, event);
	return reason;
}

enum reason rules_read_data(const struct event_source *from, struct rider_event *event, struct fault *fault)
{
	static const struct {
		const struct rule *rules;
		size_t count, size;
	} types[EVENT_TYPE_COUNT] = {
		[EVENT_REPORT_CREATED] = { report_rules, COUNT_OF(report_rules), sizeof(struct report) },
		[EVENT_REPORT_REVIEWED] = { review_rules, COUNT_OF(review_rules), sizeof(struct review) },
		[EVENT_DELIVERY_COMPLETED] = { delivery_rules, COUNT_OF(delivery_rules), sizeof(struct delivery) },
	};
	enum reason reason;

	/* Only the member of this type: a report is large, and nearly all events are none. */
	memset((char *)event + offsetof(struct rider_event, report), 0, types[event->type].size);
	reason = apply(types[event->type].rules, types[event->type].count, from->data, event, fault);

	if (reason == REASON_NONE && event->type == EVENT_REPORT_CREATED) {
		read_position(from->data, event);
		read_media(from->data, event);
	}
	return reason;
}
