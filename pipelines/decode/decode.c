/* SPDX-License-Identifier: Apache-2.0 */
#include "rider_event.h"
#include "decode/fields.h"
#include "decode/headers.h"
#include "decode/rules.h"
#include "decode/text_forms.h"

const char *dropped_field_name(enum dropped_field field)
{
	static const char *const names[DROPPED_FIELD_COUNT] = {
#define DROPPED_FIELD(symbol, name) [DROPPED_##symbol] = name,
#include "event_fields.def"
#undef DROPPED_FIELD
	};

	MUST(field < DROPPED_FIELD_COUNT);
	return names[field];
}

/* One record on its way to an event. */
struct decoding {
	const struct input_record *record;
	struct arena *arena;
	struct fault *fault;
	struct slice text; /* the value without framing */
	struct document document;
	struct document inner;    /* of data_base64 */
	struct fields attributes; /* of binary mode */
	struct event_source from;
};

/* ---- headers ---- */

/* Binary mode: the attributes are headers. Their bytes are taken as they are (no percent-decoding). */
static enum reason take_attributes(struct decoding *decoding, struct header_list headers)
{
	static const struct {
		struct slice header;
		enum field field;
		const char *name; /* reported when its bytes are no text; NULL: the field's own rule finds that out */
	} rows[] = {
		{ { "ce_specversion", 14 }, FIELD_SPECVERSION, "specversion" },
		{ { "ce_type", 7 }, FIELD_TYPE, "type" },
		{ { "ce_id", 5 }, FIELD_ID, "id" },
		{ { "ce_source", 9 }, FIELD_SOURCE, "source" },
		{ { "ce_time", 7 }, FIELD_TIME, NULL },
		{ { "ce_traceparent", 14 }, FIELD_TRACEPARENT, NULL },
	};
	struct fields *envelope = &decoding->attributes;

	fields_init(envelope);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		const struct header *header = headers_find(headers, rows[i].header);
		enum reason reason;

		if (!header)
			continue;
		reason = rows[i].name ? utf8_check(header->value) : REASON_NONE;
		if (reason != REASON_NONE)
			return fault_set(decoding->fault, reason, rows[i].name, 0);
		fields_set(envelope, rows[i].field, (struct value){ VALUE_STRING, header->value, 0 });
	}
	return REASON_NONE;
}

/* ---- bytes ---- */

static enum reason check_size(struct decoding *decoding, size_t max_bytes)
{
	struct slice value = decoding->record->value;

	if (!value.data)
		return fault_set(decoding->fault, REASON_TOMBSTONE, NULL, 0);
	if (value.size == 0)
		return fault_set(decoding->fault, REASON_EMPTY_VALUE, NULL, 0);
	if (value.size > max_bytes)
		return fault_set(decoding->fault, REASON_TOO_LARGE, NULL, 0);
	return REASON_NONE;
}

/* Schema-registry framing: a zero byte and a 32-bit schema id in front of the payload. */
static enum reason strip_framing(struct decoding *decoding)
{
	const size_t framing = 5;
	struct slice value = decoding->record->value;
	bool framed = value.size > framing && value.data[0] == '\0';

	decoding->text = value;
	if (framed && value.data[framing] == '{')
		decoding->text = (struct slice){ value.data + framing, value.size - framing };
	else if (framed && value.data[1] == '\0')
		return fault_set(decoding->fault, REASON_UNSUPPORTED_FORMAT, NULL, 0); /* Avro or Protobuf */
	return REASON_NONE;
}

static enum reason check_byte_order_mark(struct decoding *decoding)
{
	static const struct slice marks[] = { { "\xef\xbb\xbf", 3 }, { "\xfe\xff", 2 }, { "\xff\xfe", 2 } };

	for (size_t i = 0; i < sizeof(marks) / sizeof(*marks); i++)
		if (slice_starts_with(decoding->text, marks[i]))
			return fault_set(decoding->fault, REASON_BYTE_ORDER_MARK, NULL, 0);
	return REASON_NONE;
}

/* ---- envelope ---- */

static enum reason check_specversion(struct decoding *decoding)
{
	const struct value *version = fields_get(decoding->from.envelope, FIELD_SPECVERSION);

	if (!version)
		return fault_set(decoding->fault, REASON_MISSING_FIELD, "specversion", 0);
	if (version->kind != VALUE_STRING)
		return fault_set(decoding->fault, REASON_WRONG_TYPE, "specversion", version->position);
	if (!slice_starts_with(version->text, SLICE("1.")) || version->text.size < 3)
		return fault_set(decoding->fault, REASON_UNSUPPORTED_VERSION, "specversion", version->position);
	for (size_t i = 2; i < version->text.size; i++)
		if (version->text.data[i] < '0' || version->text.data[i] > '9')
			return fault_set(decoding->fault, REASON_UNSUPPORTED_VERSION, "specversion", version->position);
	return REASON_NONE;
}

static enum reason check_datacontenttype(struct decoding *decoding)
{
	const struct value *type = fields_get(decoding->from.envelope, FIELD_DATACONTENTTYPE);

	if (!type)
		return REASON_NONE;
	if (type->kind != VALUE_STRING)
		return fault_set(decoding->fault, REASON_WRONG_TYPE, "datacontenttype", type->position);
	if (media_type_of(type->text) != MEDIA_TYPE_JSON)
		return fault_set(decoding->fault, REASON_UNSUPPORTED_FORMAT, "datacontenttype", type->position);
	return REASON_NONE;
}

/* Data as base64 of a JSON object. */
static enum reason read_base64_data(struct decoding *decoding, const struct value *value)
{
	struct slice json;

	if (value->kind != VALUE_STRING)
		return fault_set(decoding->fault, REASON_WRONG_TYPE, "data_base64", value->position);
	if (!read_base64(value->text, decoding->arena, &json) ||
	    !document_read_data(&decoding->inner, json.data, json, decoding->arena))
		return fault_set(decoding->fault, REASON_INVALID_VALUE, "data_base64", value->position);
	decoding->from.data = &decoding->inner.data;
	return REASON_NONE;
}

/* Finds the data of an event whose envelope is the value's top level. */
static enum reason find_data(struct decoding *decoding)
{
	const struct value *data = fields_get(decoding->from.envelope, FIELD_DATA);
	const struct value *encoded = fields_get(decoding->from.envelope, FIELD_DATA_BASE64);

	if (data && encoded)
		return fault_set(decoding->fault, REASON_INVALID_VALUE, "data_base64", encoded->position);
	if (encoded)
		return read_base64_data(decoding, encoded);
	if (!data)
		return fault_set(decoding->fault, REASON_MISSING_FIELD, "data", 0);
	if (data->kind != VALUE_OBJECT)
		return fault_set(decoding->fault, REASON_WRONG_TYPE, "data", data->position);
	decoding->from.data = &decoding->document.data;
	return REASON_NONE;
}

/* Without specversion the value is bare JSON: its data stand at the top level, or, when none does, in an object `data`.
 */
static bool is_bare(const struct fields *top)
{
	const struct value *data = fields_get(top, FIELD_DATA);

	return !data || data->kind != VALUE_OBJECT || fields_have(top, SCOPE_DATA);
}

/* ---- the three modes, after the JSON was read ---- */

static enum reason finish(struct decoding *decoding, struct rider_event *event)
{
	enum reason reason = rules_read_envelope(&decoding->from, event, decoding->fault);

	if (reason == REASON_NONE && !decoding->from.data)
		reason = find_data(decoding);
	if (reason == REASON_NONE)
		reason = rules_read_data(&decoding->from, event, decoding->fault);
	return reason;
}

static enum reason decode_binary(struct decoding *decoding, struct header_list headers, struct rider_event *event)
{
	enum reason reason = take_attributes(decoding, headers);

	decoding->from.envelope = &decoding->attributes;
	decoding->from.source_required = true;
	decoding->from.data = &decoding->document.top;
	if (reason == REASON_NONE)
		reason = check_specversion(decoding);
	if (reason == REASON_NONE)
		reason = rules_read_type(decoding->from.envelope, event, decoding->fault);
	return reason == REASON_NONE ? finish(decoding, event) : reason;
}

static enum reason decode_whole(struct decoding *decoding, bool structured, struct rider_event *event)
{
	const struct fields *top = &decoding->document.top;
	enum reason reason = REASON_NONE;

	decoding->from.source_required = structured;
	if (structured)
		reason = check_specversion(decoding);
	else if (is_bare(top))
		decoding->from.data = top;
	if (reason == REASON_NONE)
		reason = rules_read_type(top, event, decoding->fault);
	if (reason == REASON_NONE)
		reason = check_datacontenttype(decoding);
	return reason == REASON_NONE ? finish(decoding, event) : reason;
}

/* ---- which mode ---- */

/* Framing and JSON. */
static enum reason read_value(struct decoding *decoding)
{
	enum reason reason = strip_framing(decoding);

	if (reason == REASON_NONE)
		reason = check_byte_order_mark(decoding);
	if (reason != REASON_NONE)
		return reason;
	if (!document_read(&decoding->document, decoding->record->value.data, decoding->text, decoding->arena))
		return fault_set(decoding->fault, decoding->document.scan.reason, NULL,
				 decoding->document.scan.position);
	return REASON_NONE;
}

/* reason: what is wrong with the value alone; it only counts when the content type says that it should be one of ours.
 */
static enum reason decode_by_headers(struct decoding *decoding, enum reason reason, struct rider_event *event)
{
	struct header_list headers = input_record_headers(decoding->record);
	enum media_type type = media_type_of(headers_value(headers, SLICE("content-type")));

	if (type == MEDIA_TYPE_OTHER)
		return fault_set(decoding->fault, REASON_UNSUPPORTED_FORMAT, "content-type", 0);
	if (reason != REASON_NONE)
		return reason;
	if (type == MEDIA_TYPE_JSON && headers_find(headers, SLICE("ce_specversion")))
		return decode_binary(decoding, headers, event);
	return decode_whole(decoding,
			    type == MEDIA_TYPE_CLOUDEVENT || fields_get(&decoding->document.top, FIELD_SPECVERSION),
			    event);
}

/* All that structured mode requires: no header could say that it is something else. */
static bool is_whole_event(const struct fields *top)
{
	static const enum field texts[] = { FIELD_SPECVERSION, FIELD_TYPE, FIELD_ID, FIELD_SOURCE };

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		const struct value *value = fields_get(top, texts[i]);

		if (!value || value->kind != VALUE_STRING)
			return false;
	}
	return fields_get(top, FIELD_DATA) || fields_get(top, FIELD_DATA_BASE64);
}

enum reason event_decode(const struct input_record *record, size_t max_bytes, struct arena *arena,
			 struct rider_event *event, struct fault *fault)
{
	struct decoding decoding;
	enum reason reason;

	decoding.record = record;
	decoding.arena = arena;
	decoding.fault = fault;
	decoding.from = (struct event_source){ .envelope = &decoding.document.top, .record = record };
	memset(event, 0, offsetof(struct rider_event, report));
	*fault = (struct fault){ REASON_NONE, NULL, 0 };
	reason = check_size(&decoding, max_bytes);
	if (reason != REASON_NONE)
		return reason;
	reason = read_value(&decoding);
	if (reason == REASON_NONE && is_whole_event(&decoding.document.top))
		return decode_whole(&decoding, true, event);
	return decode_by_headers(&decoding, reason, event);
}
