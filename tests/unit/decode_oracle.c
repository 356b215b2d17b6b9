/* SPDX-License-Identifier: Apache-2.0 */
#include "decode_oracle.h"
#include <ctype.h>
#include <inttypes.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <time.h>
#include "must.h"

static struct slice header(const struct input_record *record, const char *name)
{
	struct slice found = { NULL, 0 };

	for (size_t i = 0; i < record->header_count; i++)
		if (record->headers[i].name.size == strlen(name) &&
		    strncasecmp(record->headers[i].name.data, name, strlen(name)) == 0)
			found = record->headers[i].value;
	return found;
}

/* ---- small readers ---- */

#define PATTERNS_MAX 16

/* Each pattern is a literal of this file, and compiled once: that would take most of the time. */
static const regex_t *compiled(const char *pattern)
{
	static struct {
		const char *pattern;
		regex_t regex;
	} rows[PATTERNS_MAX];
	size_t i = 0;

	while (i < PATTERNS_MAX && rows[i].pattern && rows[i].pattern != pattern)
		i++;
	MUST(i < PATTERNS_MAX);
	if (!rows[i].pattern)
		MUST(regcomp(&rows[i].regex, pattern, REG_EXTENDED | REG_NOSUB) == 0);
	rows[i].pattern = pattern;
	return &rows[i].regex;
}

static bool matches(struct slice text, const char *pattern)
{
	char *copy = strndup(text.data, text.size);
	bool matched;

	MUST(copy);
	matched = strlen(copy) == text.size && regexec(compiled(pattern), copy, 0, NULL, 0) == 0;
	free(copy);
	return matched;
}

static json_t *get(json_t *object, const char *name)
{
	json_t *value = json_object_get(object, name);

	return json_is_null(value) ? NULL : value;
}

static struct slice text_of(json_t *value)
{
	return (struct slice){ json_string_value(value), json_string_length(value) };
}

static bool time_of(struct slice text, int64_t *ms)
{
	int year, month, day, hour, minute, second, offset_hour = 0, offset_minute = 0;
	char copy[64], fraction[4] = "000", *rest;
	struct tm tm, again;
	time_t seconds;

	if (text.size < 20 || !matches(text, "^[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}:[0-9]{2}([.][0-9]+)?"
					     "([Zz]|[+-][0-9]{2}:[0-9]{2})$"))
		return false;
	snprintf(copy, sizeof(copy), "%.19s", text.data);
	sscanf(copy, "%4d-%2d-%2d%*c%2d:%2d:%2d", &year, &month, &day, &hour, &minute, &second);
	if (hour > 23 || minute > 59 || second > 60)
		return false;
	tm = (struct tm){ .tm_year = year - 1900, .tm_mon = month - 1, .tm_mday = day };
	seconds = timegm(&tm);
	gmtime_r(&seconds, &again);
	if (again.tm_year != year - 1900 || again.tm_mon != month - 1 || again.tm_mday != day)
		return false;
	seconds += hour * 3600 + minute * 60 + second;
	rest = strndup(text.data + 19, text.size - 19);
	if (rest[0] == '.')
		for (int i = 0; i < 3 && isdigit((unsigned char)rest[1 + i]); i++)
			fraction[i] = rest[1 + i];
	if (strpbrk(rest, "+-"))
		sscanf(strpbrk(rest, "+-") + 1, "%2d:%2d", &offset_hour, &offset_minute);
	seconds -= (strchr(rest, '-') ? -1 : 1) * (offset_hour * 3600 + offset_minute * 60);
	free(rest);
	*ms = (int64_t)seconds * 1000 + atoi(fraction);
	gmtime_r(&seconds, &again);
	return offset_hour <= 23 && offset_minute <= 59 && again.tm_year >= 115 && again.tm_year <= 200;
}

static bool is_json_type(struct slice text)
{
	struct slice type = text;
	const char *end = text.data ? memchr(text.data, ';', text.size) : NULL;

	if (text.size == 0)
		return true;
	if (end)
		type.size = (size_t)(end - text.data);
	for (size_t i = 0; i < type.size; i++)
		if (type.data[i] == '\0')
			return false;
	if (matches(type, "^[ \t]*[Aa][Pp][Pp][Ll][Ii][Cc][Aa][Tt][Ii][Oo][Nn]/"
			  "[Cc][Ll][Oo][Uu][Dd][Ee][Vv][Ee][Nn][Tt][Ss]"))
		return false;
	return matches(type, "^[ \t]*([Aa][Pp][Pp][Ll][Ii][Cc][Aa][Tt][Ii][Oo][Nn]|[Tt][Ee][Xx][Tt])/[Jj][Ss][Oo][Nn][ "
			     "\t]*$") ||
	       matches(type, "/.*[+][Jj][Ss][Oo][Nn][ \t]*$") || matches(type, "[+].*/.*[+][Jj][Ss][Oo][Nn][ \t]*$");
}

static void refuse(struct opinion *opinion, enum reason reason, const char *field)
{
	if (opinion->reason != REASON_NONE)
		return;
	opinion->reason = reason;
	opinion->field = field;
}

static void drop(struct opinion *opinion, enum dropped_field field)
{
	opinion->event.dropped |= UINT32_C(1) << field;
}

/* A text, or an integer's decimal form; *reason says what else it is. */
static struct slice id_of(struct opinion *opinion, json_t *value, enum reason *reason)
{
	char digits[32];

	*reason = REASON_NONE;
	if (json_is_integer(value)) {
		snprintf(digits, sizeof(digits), "%" JSON_INTEGER_FORMAT, json_integer_value(value));
		return arena_copy(&opinion->arena, slice_of(digits));
	}
	if (!json_is_string(value))
		*reason = REASON_WRONG_TYPE;
	else if (json_string_length(value) == 0)
		*reason = REASON_INVALID_VALUE;
	return json_is_string(value) ? text_of(value) : (struct slice){ NULL, 0 };
}

static void require_id(struct opinion *opinion, const char *name, const char *dotted, struct slice *to)
{
	json_t *value = get(opinion->data, name);
	enum reason reason = REASON_MISSING_FIELD;

	if (value)
		*to = id_of(opinion, value, &reason);
	if (reason != REASON_NONE)
		refuse(opinion, reason, dotted);
}

/* Position of the value among words, or -1. */
static int word_of(json_t *value, const char *words)
{
	char padded[64];
	const char *found;

	if (!json_is_string(value) || json_string_length(value) > 20 || json_string_length(value) == 0)
		return -1;
	snprintf(padded, sizeof(padded), " %s ", json_string_value(value));
	if (strchr(json_string_value(value), ' ') || !(found = strstr(words, padded)))
		return -1;
	int index = 0;
	for (const char *at = words; at < found; at++)
		index += *at == ' ';
	return index;
}

/* ---- the rules ---- */

static void judge_envelope(struct opinion *opinion, const struct input_record *record)
{
	json_t *id = get(opinion->envelope, "id"), *source = get(opinion->envelope, "source");
	json_t *event_time = get(opinion->envelope, "time"), *trace = get(opinion->envelope, "traceparent");
	struct rider_event *event = &opinion->event;
	struct slice none = { NULL, 0 };
	struct slice traces[] = { event->type == EVENT_REPORT_CREATED ? header(record, "traceparent") : none,
				  text_of(trace) };

	if (!id)
		refuse(opinion, REASON_MISSING_FIELD, "id");
	else if (!json_is_string(id))
		refuse(opinion, REASON_WRONG_TYPE, "id");
	else if (json_string_length(id) == 0)
		refuse(opinion, REASON_INVALID_VALUE, "id");
	event->id = text_of(id);
	event->time_ms = EVENT_TIME_NONE;
	if (event_time && (!json_is_string(event_time) || !time_of(text_of(event_time), &event->time_ms))) {
		event->time_ms = EVENT_TIME_NONE;
		drop(opinion, DROPPED_TIME);
	}
	event->source = source ? text_of(source) : SLICE("");
	if (!source && opinion->cloudevent)
		refuse(opinion, REASON_MISSING_FIELD, "source");
	else if (source && !json_is_string(source))
		refuse(opinion, REASON_WRONG_TYPE, "source");
	else if (source && json_string_length(source) == 0 && opinion->cloudevent)
		refuse(opinion, REASON_INVALID_VALUE, "source");
	for (int i = 0; i < 2 && !event->traceparent.data; i++)
		if (traces[i].data && matches(traces[i], "^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$") &&
		    !matches(traces[i], "^(ff|..-0{32}|..-.{32}-0{16})"))
			event->traceparent = traces[i];
	if (!event->traceparent.data && (trace || traces[0].data))
		drop(opinion, DROPPED_TRACEPARENT);
}

static void judge_jurisdiction(struct opinion *opinion, struct slice *to)
{
	json_t *value = get(opinion->data, "jurisdiction_id");
	enum reason reason;
	struct slice text;

	if (!value)
		return;
	text = id_of(opinion, value, &reason);
	if (reason == REASON_NONE && matches(text, "^[0-9]{6}$"))
		*to = text;
	else
		drop(opinion, DROPPED_JURISDICTION);
}

static void judge_place(struct opinion *opinion)
{
	json_t *lat = get(opinion->data, "lat"), *lon = get(opinion->data, "long"), *crs = get(opinion->data, "crs");
	struct report *report = &opinion->event.report;
	double y = json_number_value(lat), x = json_number_value(lon);
	int index = word_of(crs, " WGS84 GCJ02 BD09 ");

	if (json_is_number(lat) && json_is_number(lon) && y >= -90 && y <= 90 && x >= -180 && x <= 180 &&
	    (y != 0 || x != 0)) {
		report->has_position = true;
		report->lat = y;
		report->lon = x;
	} else if (lat || lon) {
		drop(opinion, DROPPED_POSITION);
	}
	report->crs = index < 0 ? CRS_UNKNOWN : (enum crs)(index + 1);
	if (crs && index < 0)
		drop(opinion, DROPPED_CRS);
}

static void judge_site(struct opinion *opinion)
{
	struct report *report = &opinion->event.report;
	json_t *site = get(opinion->data, "site"), *address = get(opinion->data, "address_string");
	const struct {
		const char *name;
		struct slice *to;
	} rows[] = { { "shop_id", &report->shop_id },
		     { "community_id", &report->community_id },
		     { "grid_id", &report->grid_id },
		     { "building", &report->building } };

	report->address_string = text_of(address);
	if (address && !json_is_string(address))
		drop(opinion, DROPPED_ADDRESS);
	if (site && !json_is_object(site))
		drop(opinion, DROPPED_SITE);
	for (size_t i = 0; i < 4; i++) {
		json_t *value = get(site, rows[i].name);
		enum reason reason;
		struct slice text;

		if (!value)
			continue;
		text = id_of(opinion, value, &reason);
		if (reason == REASON_NONE)
			*rows[i].to = text;
		else if (reason == REASON_WRONG_TYPE)
			drop(opinion, DROPPED_SITE);
	}
}

static void judge_medium(struct opinion *opinion, json_t *medium)
{
	struct report *report = &opinion->event.report;
	json_t *url = get(medium, "url"), *sha = get(medium, "sha256"), *labels = get(medium, "labels"), *label;
	bool full = report->media_count == MEDIA_MAX;
	size_t i;

	if (!json_is_object(medium)) {
		drop(opinion, DROPPED_MEDIA);
		return;
	}
	if (full)
		return;
	if ((url && !json_is_string(url)) || (sha && !json_is_string(sha)) || (labels && !json_is_array(labels)))
		drop(opinion, DROPPED_MEDIA);
	if (json_is_string(url) || json_is_string(sha))
		report->media[report->media_count++] = (struct media){ text_of(url), text_of(sha) };
	json_array_foreach(labels, i, label)
	{
		if (!json_is_string(label))
			drop(opinion, DROPPED_MEDIA);
		else if (json_string_length(label) > 0 && report->label_count < LABELS_MAX)
			report->labels[report->label_count++] = text_of(label);
	}
}

static void judge_report(struct opinion *opinion)
{
	json_t *description = get(opinion->data, "description"), *service = get(opinion->data, "service_code");
	json_t *media = get(opinion->data, "media"), *medium;
	struct report *report = &opinion->event.report;
	int index = word_of(service, " fire food emergency other ");
	size_t i;

	if (!description)
		refuse(opinion, REASON_MISSING_FIELD, "data.description");
	else if (!json_is_string(description))
		refuse(opinion, REASON_WRONG_TYPE, "data.description");
	report->description = text_of(description);
	report->service_code = index < 0 ? SERVICE_NONE : (enum service_code)(index + 1);
	if (service && index < 0)
		drop(opinion, DROPPED_SERVICE_CODE);
	judge_place(opinion);
	judge_jurisdiction(opinion, &report->jurisdiction_id);
	judge_site(opinion);
	if (media && !json_is_array(media))
		drop(opinion, DROPPED_MEDIA);
	json_array_foreach(media, i, medium) judge_medium(opinion, medium);
}

static void judge_review(struct opinion *opinion)
{
	json_t *decision = get(opinion->data, "decision");
	int index = word_of(decision, " upheld rejected duplicate fraud ");

	require_id(opinion, "report_id", "data.report_id", &opinion->event.review.report_id);
	if (!decision)
		refuse(opinion, REASON_MISSING_FIELD, "data.decision");
	else if (!json_is_string(decision))
		refuse(opinion, REASON_WRONG_TYPE, "data.decision");
	else if (index < 0)
		refuse(opinion, REASON_INVALID_VALUE, "data.decision");
	opinion->event.review.decision = index < 0 ? DECISION_UPHELD : (enum decision)index;
}

static void judge_delivery(struct opinion *opinion)
{
	json_t *charity = get(opinion->data, "charity");

	require_id(opinion, "order_id", "data.order_id", &opinion->event.delivery.order_id);
	if (charity && !json_is_boolean(charity))
		refuse(opinion, REASON_WRONG_TYPE, "data.charity");
	opinion->event.delivery.charity = json_is_true(charity);
	judge_jurisdiction(opinion, &opinion->event.delivery.jurisdiction_id);
}

static void judge_type(struct opinion *opinion)
{
	static const char *const names[] = { "rider.report.created.v1", "rider.report.reviewed.v1",
					     "rider.delivery.completed.v1" };
	json_t *type = get(opinion->envelope, "type");

	if (!type) {
		refuse(opinion, REASON_MISSING_FIELD, "type");
		return;
	}
	if (!json_is_string(type)) {
		refuse(opinion, REASON_WRONG_TYPE, "type");
		return;
	}
	for (int i = 0; i < 3; i++)
		if (slice_equal(text_of(type), slice_of(names[i]))) {
			opinion->event.type = (enum event_type)i;
			return;
		}
	if (matches(text_of(type), "^rider[.](report[.]created|report[.]reviewed|delivery[.]completed)[.]v[0-9]+$"))
		refuse(opinion, REASON_UNSUPPORTED_VERSION, "type");
	else
		refuse(opinion, REASON_UNSUPPORTED_TYPE, "type");
}

static void judge_version(struct opinion *opinion)
{
	json_t *version = get(opinion->envelope, "specversion");

	if (!opinion->cloudevent)
		return;
	if (!version)
		refuse(opinion, REASON_MISSING_FIELD, "specversion");
	else if (!json_is_string(version))
		refuse(opinion, REASON_WRONG_TYPE, "specversion");
	else if (!matches(text_of(version), "^1[.][0-9]+$"))
		refuse(opinion, REASON_UNSUPPORTED_VERSION, "specversion");
}

/* Where the data of a whole (not binary) value are. data_base64 is left to the table of cases. */
static void find_data(struct opinion *opinion)
{
	json_t *data = get(opinion->value, "data"), *type = get(opinion->value, "datacontenttype");
	static const char *const names[] = {
		"rider_id", "description",     "service_code",   "lat",       "long",     "crs",      "site",
		"media",    "jurisdiction_id", "address_string", "report_id", "decision", "order_id", "charity"
	};
	bool flat = !opinion->cloudevent && !json_is_object(data);

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		flat = flat || (!opinion->cloudevent && json_object_get(opinion->value, names[i]));
	if (type && !json_is_string(type))
		refuse(opinion, REASON_WRONG_TYPE, "datacontenttype");
	else if (type && !is_json_type(text_of(type)))
		refuse(opinion, REASON_UNSUPPORTED_FORMAT, "datacontenttype");
	opinion->data = flat ? opinion->value : data;
	if (!flat && get(opinion->value, "data_base64"))
		opinion->known = false;
}

static void judge(struct opinion *opinion, const struct input_record *record)
{
	judge_version(opinion);
	judge_type(opinion);
	if (!opinion->data)
		find_data(opinion);
	judge_envelope(opinion, record);
	if (!opinion->data)
		refuse(opinion, REASON_MISSING_FIELD, "data");
	else if (!json_is_object(opinion->data))
		refuse(opinion, REASON_WRONG_TYPE, "data");
	if (opinion->reason != REASON_NONE)
		return;
	require_id(opinion, "rider_id", "data.rider_id", &opinion->event.rider_id);
	if (opinion->event.type == EVENT_REPORT_CREATED)
		judge_report(opinion);
	else if (opinion->event.type == EVENT_REPORT_REVIEWED)
		judge_review(opinion);
	else
		judge_delivery(opinion);
}

/* ---- bytes to trees ---- */

static int depth_of(json_t *value)
{
	int deepest = 0;
	const char *key;
	json_t *child;
	size_t i;

	json_object_foreach(value, key, child)
	{
		int depth = depth_of(child);

		deepest = depth > deepest ? depth : deepest;
	}
	json_array_foreach(value, i, child)
	{
		int depth = depth_of(child);

		deepest = depth > deepest ? depth : deepest;
	}
	return json_is_object(value) || json_is_array(value) ? deepest + 1 : deepest;
}

static void take_attributes(struct opinion *opinion, const struct input_record *record)
{
	static const char *const names[] = { "specversion", "type", "id", "source", "time", "traceparent" };

	opinion->attributes = json_object();
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		char name[32];
		struct slice value;
		json_t *text;

		snprintf(name, sizeof(name), "ce_%s", names[i]);
		value = header(record, name);
		if (!value.data)
			continue;
		text = json_stringn(value.data, value.size);
		if (i < 4 && memchr(value.data, '\0', value.size) && text)
			refuse(opinion, REASON_NUL_BYTE, names[i]);
		else if (i < 4 && !text)
			opinion->known =
				false; /* which of NUL and invalid UTF-8 comes first is left to the table of cases */
		json_object_set_new(opinion->attributes, names[i], text ? text : json_string("not text"));
	}
}

/* Reads the JSON; false when the record is refused (or cannot be judged) there. */
static bool parse(struct opinion *opinion, const struct input_record *record)
{
	struct slice text = record->value;
	json_error_t error;

	if (text.size > 5 && text.data[0] == '\0' && text.data[5] == '{')
		text = (struct slice){ text.data + 5, text.size - 5 };
	/* jansson's own depth limit is beyond ours: what it refuses for depth is refused here as well. */
	opinion->value = json_loadb(text.data, text.size, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);
	if (memchr(text.data, '\0', text.size)) {
		refuse(opinion, REASON_NUL_BYTE, NULL); /* jansson overlooks one that follows a number */
	} else if (!opinion->value) {
		opinion->known = json_error_code(&error) != json_error_numeric_overflow;
		refuse(opinion, REASON_NOT_JSON, NULL);
	} else if (!json_is_object(opinion->value)) {
		refuse(opinion, REASON_NOT_JSON, NULL);
	} else if (depth_of(opinion->value) > 64) {
		refuse(opinion, REASON_TOO_DEEP, NULL);
	}
	return opinion->reason == REASON_NONE;
}

/* The value speaks for itself, whatever the headers say. */
static bool is_whole_event(json_t *value)
{
	return json_is_string(get(value, "specversion")) && json_is_string(get(value, "type")) &&
	       json_is_string(get(value, "id")) && json_is_string(get(value, "source")) &&
	       (get(value, "data") || get(value, "data_base64"));
}

void opinion_form(struct opinion *opinion, const struct input_record *record)
{
	struct slice type = header(record, "content-type");
	bool structured =
		type.data && matches(type, "^[ \t]*[Aa][Pp][Pp][Ll][Ii][Cc][Aa][Tt][Ii][Oo][Nn]/[Cc][Ll][Oo][Uu][Dd]"
					   "[Ee][Vv][Ee][Nn][Tt][Ss][+][Jj][Ss][Oo][Nn][ \t]*(;|$)");
	bool binary = !structured && header(record, "ce_specversion").data;

	memset(opinion, 0, sizeof(*opinion));
	opinion->known = true;
	arena_init(&opinion->arena);
	if (!parse(opinion, record))
		return;
	if (is_whole_event(opinion->value))
		binary = false;
	if (binary)
		take_attributes(opinion, record);
	opinion->envelope = binary ? opinion->attributes : opinion->value;
	opinion->data = binary ? opinion->value : NULL;
	opinion->cloudevent = binary || structured || get(opinion->value, "specversion");
	judge(opinion, record);
}

void opinion_forget(struct opinion *opinion)
{
	json_decref(opinion->value);
	json_decref(opinion->attributes);
	arena_fini(&opinion->arena);
}
