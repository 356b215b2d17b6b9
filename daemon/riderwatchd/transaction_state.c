/* SPDX-License-Identifier: Apache-2.0 */
#include "transaction_state.h"

#include <stdint.h>

#define FLEXIBLE 1 /* version from which lengths are varints plus one */
#define NEWEST 1

/* What is left to read; bad once anything went beyond the end. */
struct bytes {
	const unsigned char *at, *end;
	bool bad;
};

static struct bytes bytes_of(struct slice slice)
{
	const unsigned char *data = (const unsigned char *)slice.data;

	return (struct bytes){ data, data ? data + slice.size : data, data == NULL };
}

static const unsigned char *take(struct bytes *bytes, size_t size)
{
	const unsigned char *at = bytes->at;

	if (bytes->bad || size > (size_t)(bytes->end - at)) {
		bytes->bad = true;
		return NULL;
	}
	bytes->at += size;
	return at;
}

/* Big-endian, two's complement; 0 when bad. */
static int64_t take_number(struct bytes *bytes, size_t size)
{
	const unsigned char *at = take(bytes, size);
	uint64_t number = at && at[0] >= 0x80 ? UINT64_MAX : 0;

	for (size_t i = 0; at && i < size; i++)
		number = number << 8 | at[i];
	return (int64_t)number;
}

static uint32_t take_varint(struct bytes *bytes)
{
	uint32_t number = 0;

	for (int shift = 0; shift < 35; shift += 7) {
		const unsigned char *at = take(bytes, 1);

		if (!at)
			return 0;
		number |= (uint32_t)(*at & 0x7f) << shift;
		if (*at < 0x80)
			return number;
	}
	bytes->bad = true;
	return 0;
}

/* Number of elements; none for null. */
static int64_t take_length(struct bytes *bytes, int version, size_t size)
{
	int64_t length = version >= FLEXIBLE ? (int64_t)take_varint(bytes) - 1 : take_number(bytes, size);

	return bytes->bad || length < 0 ? 0 : length;
}

static struct slice take_text(struct bytes *bytes, int version)
{
	size_t size = (size_t)take_length(bytes, version, 2);
	const unsigned char *at = take(bytes, size);

	return (struct slice){ (const char *)at, at ? size : 0 };
}

static void skip_tags(struct bytes *bytes, int version)
{
	uint32_t count = version >= FLEXIBLE ? take_varint(bytes) : 0;

	for (; count && !bytes->bad; count--) {
		take_varint(bytes); /* which one */
		take(bytes, take_varint(bytes));
	}
}

static void take_topic(struct bytes *bytes, int version, transaction_partition_f *on_partition, void *context)
{
	struct slice topic = take_text(bytes, version);

	for (int64_t left = take_length(bytes, version, 4); left && !bytes->bad; left--) {
		int partition = (int)take_number(bytes, 4);

		if (!bytes->bad)
			on_partition(context, topic, partition);
	}
	skip_tags(bytes, version);
}

struct slice transaction_state_id(struct slice key)
{
	struct bytes bytes = bytes_of(key);
	int64_t version = take_number(&bytes, 2);
	struct slice id = take_text(&bytes, 0);

	return bytes.bad || version != 0 ? (struct slice){ NULL, 0 } : id;
}

bool transaction_state_read(struct slice value, enum transaction_status *status, transaction_partition_f *on_partition,
			    void *context)
{
	struct bytes bytes = bytes_of(value);
	int version = (int)take_number(&bytes, 2);

	if (bytes.bad || version < 0 || version > NEWEST)
		return false;
	take(&bytes, 8 + 2 + 4); /* producer id, its epoch, timeout */
	int64_t code = take_number(&bytes, 1);
	if (code < 0 || code >= TRANSACTION_STATUS_COUNT)
		return false;
	*status = (enum transaction_status)code;
	for (int64_t left = take_length(&bytes, version, 4); left && !bytes.bad; left--)
		take_topic(&bytes, version, on_partition, context);
	take(&bytes, 8 + 8); /* when it was updated, and began */
	skip_tags(&bytes, version);
	return !bytes.bad;
}

/* One UTF-16 unit of at most three bytes; a damaged byte stands for itself. */
static uint32_t next_unit(struct slice name, size_t *at)
{
	const unsigned char *bytes = (const unsigned char *)name.data + *at;
	size_t left = name.size - *at;

	if (bytes[0] >= 0xe0 && left >= 3) {
		*at += 3;
		return (bytes[0] & 0xfu) << 12 | (bytes[1] & 0x3fu) << 6 | (bytes[2] & 0x3fu);
	}
	if (bytes[0] >= 0xc0 && left >= 2) {
		*at += 2;
		return (bytes[0] & 0x1fu) << 6 | (bytes[1] & 0x3fu);
	}
	*at += 1;
	return bytes[0];
}

int kafka_internal_partition(struct slice name, int count)
{
	uint32_t hash = 0;

	MUST(count > 0);
	for (size_t at = 0; at < name.size;)
		hash = hash * 31 + next_unit(name, &at);
	/* Kafka's Utils.abs: the least number, which has no positive one, gives 0. */
	uint32_t positive = hash > INT32_MAX ? 0u - hash : hash;
	return (int)((positive & INT32_MAX) % (uint32_t)count);
}
