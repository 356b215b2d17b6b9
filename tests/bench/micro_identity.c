/* SPDX-License-Identifier: Apache-2.0 */
/* The keyed hash that an event is known by, against the same hash over the same bytes in one piece, and the hash of the
 * record's key, against FNV-1a. */
#include "bench/micro_world.h"
#include "must.h"

struct hashing {
	struct micro_events events;
	struct slice *joined; /* source, NUL, id */
};

static const uint8_t key[STREAM_KEY_SIZE] = "a key of 16 byte";

static uint64_t identity_pass(void *context)
{
	const struct hashing *hashing = context;
	uint64_t sum = 0;

	for (size_t i = 0; i < hashing->events.count; i++) {
		const struct rider_event *event = &hashing->events.list[i]->event;
		sum += identity_event(key, event->source, event->id);
	}
	return sum;
}

/* ---- SipHash-2-4 as plainly as it can be written ---- */

#define ROTATE(x, bits) ((x) << (bits) | (x) >> (64 - (bits)))

static inline void mix(uint64_t v[4])
{
	v[0] += v[1], v[2] += v[3];
	v[1] = ROTATE(v[1], 13) ^ v[0], v[3] = ROTATE(v[3], 16) ^ v[2];
	v[0] = ROTATE(v[0], 32);
	v[2] += v[1], v[0] += v[3];
	v[1] = ROTATE(v[1], 17) ^ v[2], v[3] = ROTATE(v[3], 21) ^ v[0];
	v[2] = ROTATE(v[2], 32);
}

static inline void absorb(uint64_t v[4], uint64_t word)
{
	v[3] ^= word;
	mix(v);
	mix(v);
	v[0] ^= word;
}

static uint64_t siphash(struct slice text)
{
	uint64_t k[2], v[4], word = 0;
	size_t at = 0;

	memcpy(k, key, sizeof(k));
	v[0] = k[0] ^ 0x736f6d6570736575, v[1] = k[1] ^ 0x646f72616e646f6d;
	v[2] = k[0] ^ 0x6c7967656e657261, v[3] = k[1] ^ 0x7465646279746573;
	for (; text.size - at >= 8; at += 8) {
		memcpy(&word, text.data + at, 8);
		absorb(v, word);
	}
	word = (uint64_t)text.size << 56;
	for (size_t i = 0; at + i < text.size; i++)
		word |= (uint64_t)(unsigned char)text.data[at + i] << 8 * i;
	absorb(v, word);
	v[2] ^= 0xff;
	for (int i = 0; i < 4; i++)
		mix(v);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}

static uint64_t siphash_pass(void *context)
{
	const struct hashing *hashing = context;
	uint64_t sum = 0;

	for (size_t i = 0; i < hashing->events.count; i++)
		sum += siphash(hashing->joined[i]);
	return sum;
}

/* ---- key ---- */

static uint64_t murmur2_pass(void *context)
{
	const struct hashing *hashing = context;
	uint64_t sum = 0;

	for (size_t i = 0; i < hashing->events.count; i++)
		sum += murmur2(hashing->events.list[i]->event.rider_id);
	return sum;
}

static uint64_t fnv_pass(void *context)
{
	const struct hashing *hashing = context;
	uint64_t sum = 0;

	for (size_t i = 0; i < hashing->events.count; i++) {
		struct slice id = hashing->events.list[i]->event.rider_id;
		uint32_t hash = 0x811c9dc5;
		for (size_t at = 0; at < id.size; at++)
			hash = (hash ^ (unsigned char)id.data[at]) * 0x01000193;
		sum += hash;
	}
	return sum;
}

static bool is_any(const struct micro_event *event)
{
	return event != NULL;
}

static struct slice join(struct arena *arena, const struct rider_event *event)
{
	size_t size = event->source.size + 1 + event->id.size;
	char *text = arena_zalloc(arena, size);

	memcpy(text, event->source.data, event->source.size);
	memcpy(text + event->source.size + 1, event->id.data, event->id.size);
	return (struct slice){ text, size };
}

void micro_identity(const struct micro_world *world)
{
	struct hashing hashing = { .events = micro_events_select(world->events, is_any, MICRO_HOT) };

	hashing.joined = arena_alloc(&world->events->arena, hashing.events.count * sizeof(*hashing.joined));
	for (size_t i = 0; i < hashing.events.count; i++) {
		hashing.joined[i] = join(&world->events->arena, &hashing.events.list[i]->event);
		MUST(siphash(hashing.joined[i]) ==
		     identity_event(key, hashing.events.list[i]->event.source, hashing.events.list[i]->event.id));
	}
	micro_compare(&(struct micro_pair){
		.step = "identity of an event",
		.floor = "SipHash-2-4 of the bytes in one piece",
		.run = identity_pass,
		.run_floor = siphash_pass,
		.context = &hashing,
		.items = hashing.events.count,
		.kind = GOAL_RATIO_AT_MOST,
		.goal = 2,
	});
	micro_compare(&(struct micro_pair){
		.step = "partition of a key (murmur2)",
		.floor = "FNV-1a of the key",
		.run = murmur2_pass,
		.run_floor = fnv_pass,
		.context = &hashing,
		.items = hashing.events.count,
		.kind = GOAL_RATIO_AT_MOST,
		.goal = 1.2,
	});
}
