/* SPDX-License-Identifier: Apache-2.0 */
#include "decode_compare.h"
#include <jansson.h>
#include <stdio.h>
#include "decode_oracle.h"

static char disagreement[512];

static bool is_syntax(enum reason reason)
{
	return reason >= REASON_BYTE_ORDER_MARK && reason <= REASON_DUPLICATE_KEY;
}

static bool same_slice(const char *name, struct slice ours, struct slice theirs)
{
	if ((ours.data == NULL) == (theirs.data == NULL) && slice_equal(ours, theirs))
		return true;
	snprintf(disagreement, sizeof(disagreement), "%s: decoded '%.*s', expected '%.*s'", name, (int)ours.size,
		 ours.data ? ours.data : "", (int)theirs.size, theirs.data ? theirs.data : "");
	return false;
}

static bool same_number(const char *name, double ours, double theirs)
{
	if (ours == theirs)
		return true;
	snprintf(disagreement, sizeof(disagreement), "%s: decoded %.17g, expected %.17g", name, ours, theirs);
	return false;
}

static bool same_report(const struct report *ours, const struct report *theirs)
{
	bool same = same_slice("description", ours->description, theirs->description) &&
		    same_number("service_code", ours->service_code, theirs->service_code) &&
		    same_number("has_position", ours->has_position, theirs->has_position) &&
		    same_number("lat", ours->lat, theirs->lat) && same_number("long", ours->lon, theirs->lon) &&
		    same_number("crs", ours->crs, theirs->crs) &&
		    same_slice("jurisdiction_id", ours->jurisdiction_id, theirs->jurisdiction_id) &&
		    same_slice("address_string", ours->address_string, theirs->address_string) &&
		    same_slice("shop_id", ours->shop_id, theirs->shop_id) &&
		    same_slice("community_id", ours->community_id, theirs->community_id) &&
		    same_slice("grid_id", ours->grid_id, theirs->grid_id) &&
		    same_slice("building", ours->building, theirs->building) &&
		    same_number("media", (double)ours->media_count, (double)theirs->media_count) &&
		    same_number("labels", (double)ours->label_count, (double)theirs->label_count);

	for (size_t i = 0; same && i < ours->media_count; i++)
		same = same_slice("media.url", ours->media[i].url, theirs->media[i].url) &&
		       same_slice("media.sha256", ours->media[i].sha256, theirs->media[i].sha256);
	for (size_t i = 0; same && i < ours->label_count; i++)
		same = same_slice("label", ours->labels[i], theirs->labels[i]);
	return same;
}

static bool same_event(const struct rider_event *ours, const struct rider_event *theirs)
{
	bool same = same_number("type", ours->type, theirs->type) && same_slice("id", ours->id, theirs->id) &&
		    same_slice("source", ours->source, theirs->source) &&
		    same_slice("rider_id", ours->rider_id, theirs->rider_id) &&
		    same_slice("traceparent", ours->traceparent, theirs->traceparent) &&
		    same_number("time", (double)ours->time_ms, (double)theirs->time_ms) &&
		    same_number("dropped", ours->dropped, theirs->dropped);

	if (!same || ours->type == EVENT_REPORT_CREATED)
		return same && same_report(&ours->report, &theirs->report);
	if (ours->type == EVENT_REPORT_REVIEWED)
		return same_slice("report_id", ours->review.report_id, theirs->review.report_id) &&
		       same_number("decision", ours->review.decision, theirs->review.decision);
	return same_slice("order_id", ours->delivery.order_id, theirs->delivery.order_id) &&
	       same_number("charity", ours->delivery.charity, theirs->delivery.charity) &&
	       same_slice("jurisdiction_id", ours->delivery.jurisdiction_id, theirs->delivery.jurisdiction_id);
}

static bool same_refusal(enum reason reason, const struct fault *fault, const struct opinion *opinion)
{
	if (!fault->field && is_syntax(reason) && is_syntax(opinion->reason) && !opinion->field)
		return true; /* jansson does not say which */
	if (reason == opinion->reason &&
	    (fault->field == opinion->field ||
	     (fault->field && opinion->field && strcmp(fault->field, opinion->field) == 0)))
		return true;
	snprintf(disagreement, sizeof(disagreement), "decoded: reason %s, field %s, position %zu; expected %s, %s",
		 reason ? reason_text(reason) : "ok", fault->field ? fault->field : "-", fault->position,
		 opinion->reason ? reason_text(opinion->reason) : "ok", opinion->field ? opinion->field : "-");
	return false;
}

static bool is_before_json(enum reason reason, const struct fault *fault)
{
	return reason == REASON_TOMBSTONE || reason == REASON_EMPTY_VALUE || reason == REASON_TOO_LARGE ||
	       (reason == REASON_UNSUPPORTED_FORMAT && (!fault->field || strcmp(fault->field, "content-type") == 0));
}

const char *decode_disagreement(const struct input_record *record, size_t max_bytes)
{
	struct opinion opinion;
	struct rider_event event;
	struct fault fault;
	struct arena arena;
	enum reason reason;
	bool same;

	arena_init(&arena);
	reason = event_decode(record, max_bytes, &arena, &event, &fault);
	same = is_before_json(reason, &fault);
	if (!same) {
		opinion_form(&opinion, record);
		same = !opinion.known || (same_refusal(reason, &fault, &opinion) &&
					  (reason != REASON_NONE || same_event(&event, &opinion.event)));
		opinion_forget(&opinion);
	}
	arena_fini(&arena);
	return same ? NULL : disagreement;
}

/* ---- promises ---- */

static bool is_within(struct slice part, struct slice whole)
{
	return whole.data && part.data >= whole.data && part.data + part.size <= whole.data + whole.size;
}

/* Text without NUL, in the record or in memory of the decoder's own (then the sanitizers judge each byte read). */
static bool is_sound(struct slice text, const struct input_record *record)
{
	json_t *copy;

	if (!text.data)
		return true;
	if (!is_within(text, record->value) && memmem(record->value.data, record->value.size, "\\", 1) == NULL &&
	    record->header_count == 0 && text.size > 0 &&
	    !memmem(record->value.data, record->value.size, "data_base64", 11))
		return false; /* nothing to unescape, so nothing to copy */
	copy = json_stringn(text.data, text.size);
	json_decref(copy);
	return copy != NULL && memchr(text.data, '\0', text.size) == NULL;
}

static bool are_sound(const struct rider_event *event, const struct input_record *record)
{
	const struct report *report = &event->report;
	bool sound = is_sound(event->id, record) && is_sound(event->source, record) &&
		     is_sound(event->rider_id, record) && is_sound(event->traceparent, record);

	if (event->type == EVENT_REPORT_REVIEWED)
		return sound && is_sound(event->review.report_id, record) && event->review.report_id.size > 0;
	if (event->type == EVENT_DELIVERY_COMPLETED)
		return sound && is_sound(event->delivery.order_id, record) && event->delivery.order_id.size > 0;
	sound = sound && report->description.data && is_sound(report->description, record) &&
		is_sound(report->address_string, record) && is_sound(report->shop_id, record) &&
		is_sound(report->community_id, record) && is_sound(report->grid_id, record) &&
		is_sound(report->building, record) && report->media_count <= MEDIA_MAX &&
		report->label_count <= LABELS_MAX;
	for (size_t i = 0; sound && i < report->media_count; i++)
		sound = is_sound(report->media[i].url, record) && is_sound(report->media[i].sha256, record);
	for (size_t i = 0; sound && i < report->label_count; i++)
		sound = is_sound(report->labels[i], record) && report->labels[i].size > 0;
	return sound;
}

const char *decode_broken_promise(const struct input_record *record, size_t max_bytes)
{
	struct rider_event event;
	struct fault fault;
	struct arena arena;
	const char *broken = NULL;
	enum reason reason;

	arena_init(&arena);
	reason = event_decode(record, max_bytes, &arena, &event, &fault);
	if (reason != fault.reason)
		broken = "the fault names another reason";
	else if (reason != REASON_NONE && fault.position > record->value.size)
		broken = "the fault lies behind the value";
	else if (reason == REASON_NONE && (event.id.size == 0 || event.rider_id.size == 0 || !event.source.data))
		broken = "id, rider_id or source is absent";
	else if (reason == REASON_NONE && !are_sound(&event, record))
		broken = "a text is not sound";
	arena_fini(&arena);
	return broken;
}
