/* SPDX-License-Identifier: Apache-2.0 */
#include "kafka_record.h"

#include <stdlib.h>
#include "alloc.h"

static struct slice bytes(const void *data, size_t size)
{
	return (struct slice){ data, data ? size : 0 };
}

/* The slices point into the message. */
static struct header_list read_headers(void *origin)
{
	struct kafka_headers *headers = origin;
	rd_kafka_headers_t *found;
	size_t count = 0;
	const char *name;
	const void *value;
	size_t size;

	if (rd_kafka_message_headers(headers->message, &found))
		return (struct header_list){ NULL, 0 };
	while (!rd_kafka_header_get_all(found, count, &name, &value, &size)) {
		if (count == headers->size) {
			headers->size = headers->size ? 2 * headers->size : 16;
			headers->list = alloc_resize(headers->list, headers->size * sizeof(*headers->list));
		}
		headers->list[count++] = (struct header){ slice_of(name), bytes(value, size) };
	}
	return (struct header_list){ headers->list, count };
}

void kafka_record_read(rd_kafka_message_t *message, enum input input, struct kafka_headers *headers,
		       struct input_record *record)
{
	rd_kafka_timestamp_type_t type;

	headers->message = message;
	*record = (struct input_record){
		.input = input,
		.partition = message->partition,
		.offset = message->offset,
		.timestamp_ms = rd_kafka_message_timestamp(message, &type),
		.key = bytes(message->key, message->key_len),
		.value = bytes(message->payload, message->len),
		.read_headers = read_headers,
		.origin = headers,
	};
}

void kafka_headers_fini(struct kafka_headers *headers)
{
	free(headers->list);
	*headers = (struct kafka_headers){ 0 };
}

bool kafka_record_is_sweep(const rd_kafka_message_t *message)
{
	return !message->payload &&
	       slice_equal((struct slice){ message->key, message->key_len }, SLICE(KAFKA_SWEEP_KEY));
}
