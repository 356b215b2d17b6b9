/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes to event, against jansson: a tree, and the same fields looked up in it. The tree alone says nothing of times,
 * numbers as ids, closed lists and headers, which the decoder reads as well. */
#include <jansson.h>
#include "bench/micro_world.h"

struct decoding {
	struct micro_events events;
	struct arena arena;
	const struct pipeline_settings *settings;
};

static uint64_t decode_pass(void *context)
{
	struct decoding *decoding = context;
	struct rider_event event;
	struct fault fault;
	uint64_t sum = 0;

	for (size_t i = 0; i < decoding->events.count; i++) {
		enum reason reason =
			event_decode(&decoding->events.list[i]->record, decoding->settings->max_event_bytes,
				     &decoding->arena, &event, &fault);
		sum += (uint64_t)reason + event.rider_id.size;
	}
	arena_reset(&decoding->arena);
	return sum;
}

/* ---- the floor ---- */

static uint64_t get(const json_t *object, const char *name)
{
	const json_t *value = json_object_get(object, name);

	return json_is_string(value) ? json_string_length(value) : (uint64_t)json_number_value(value);
}

static uint64_t get_media(const json_t *data)
{
	const json_t *media = json_object_get(data, "media"), *medium, *label;
	size_t i, j;
	uint64_t sum = 0;

	json_array_foreach(media, i, medium)
	{
		sum += get(medium, "url") + get(medium, "sha256");
		json_array_foreach(json_object_get(medium, "labels"), j, label) sum += json_string_length(label);
	}
	return sum;
}

#define NAMES_MAX 12

static const char *const envelope_names[NAMES_MAX] = { "specversion", "type",           "id", "source", "time",
						       "traceparent", "datacontenttype" };
static const char *const data_names[EVENT_TYPE_COUNT][NAMES_MAX] = {
	[EVENT_REPORT_CREATED] = { "rider_id", "description", "service_code", "lat", "long", "crs", "jurisdiction_id",
				   "address_string" },
	[EVENT_REPORT_REVIEWED] = { "rider_id", "report_id", "decision" },
	[EVENT_DELIVERY_COMPLETED] = { "rider_id", "order_id", "charity", "jurisdiction_id" },
};
static const char *const site_names[NAMES_MAX] = { "shop_id", "community_id", "grid_id", "building" };

static uint64_t get_all(const json_t *object, const char *const names[NAMES_MAX])
{
	uint64_t sum = 0;

	for (size_t i = 0; i < NAMES_MAX && names[i]; i++)
		sum += get(object, names[i]);
	return sum;
}

static uint64_t jansson_pass(void *context)
{
	const struct decoding *decoding = context;
	uint64_t sum = 0;

	for (size_t i = 0; i < decoding->events.count; i++) {
		const struct micro_event *event = decoding->events.list[i];
		struct slice text = event->record.value;
		json_t *root = json_loadb(text.data, text.size, JSON_REJECT_DUPLICATES, NULL);
		const json_t *data = json_object_get(root, "data");

		sum += get_all(root, envelope_names);
		sum += get_all(data ? data : root, data_names[event->event.type]);
		if (event->event.type == EVENT_REPORT_CREATED) {
			sum += get_all(json_object_get(data ? data : root, "site"), site_names);
			sum += get_media(data ? data : root);
		}
		json_decref(root);
	}
	return sum;
}

/* ---- which events ---- */

static bool is_any(const struct micro_event *event)
{
	return event != NULL;
}

static bool is_report(const struct micro_event *event)
{
	return event->event.type == EVENT_REPORT_CREATED;
}

static bool is_delivery(const struct micro_event *event)
{
	return event->event.type == EVENT_DELIVERY_COMPLETED;
}

static bool is_binary(const struct micro_event *event)
{
	for (size_t i = 0; i < event->record.header_count; i++) {
		if (slice_equal(event->headers[i].name, SLICE("ce_specversion")))
			return true;
	}
	return false;
}

void micro_decode(const struct micro_world *world)
{
	static const struct {
		const char *step;
		bool (*wanted)(const struct micro_event *event);
		double goal; /* 0: none, the tree knows nothing of headers */
	} rows[] = {
		{ "decode, all as they come", is_any, 12 },
		{ "decode, reports", is_report, 12 },
		{ "decode, deliveries", is_delivery, 12 },
		{ "decode, binary mode (headers too)", is_binary, 0 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct decoding decoding = { micro_events_select(world->events, rows[i].wanted, MICRO_HOT),
					     { 0 },
					     world->settings };
		arena_init(&decoding.arena);
		micro_compare(&(struct micro_pair){
			.step = rows[i].step,
			.floor = "json_loadb and gets",
			.run = decode_pass,
			.run_floor = jansson_pass,
			.context = &decoding,
			.items = decoding.events.count,
			.kind = GOAL_FASTER_AT_LEAST,
			.goal = rows[i].goal,
		});
		arena_fini(&decoding.arena);
	}
}
