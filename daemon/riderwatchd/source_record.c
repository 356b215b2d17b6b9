/* SPDX-License-Identifier: Apache-2.0 */
#include "source_internal.h"

#include <string.h>
#include "alloc.h"
#include "log.h"

enum input source_input(const struct source *source, const rd_kafka_message_t *message)
{
	const char *name;

	for (int input = 0; input < INPUT_COUNT; input++)
		if (message->rkt == source->topics[input].handle)
			return input;
	name = message->rkt ? rd_kafka_topic_name(message->rkt) : NULL;
	for (int input = 0; name && input < INPUT_COUNT; input++)
		if (strcmp(name, source->topics[input].name) == 0)
			return input;
	return INPUT_COUNT;
}

static struct slice bytes(const void *data, size_t size)
{
	return (struct slice){ data, data ? size : 0 };
}

/* Fills source->headers; returns how many there are. The slices point into the message. */
static size_t read_headers(struct source *source, rd_kafka_message_t *message)
{
	rd_kafka_headers_t *headers;
	size_t count = 0;
	const char *name;
	const void *value;
	size_t size;

	if (rd_kafka_message_headers(message, &headers))
		return 0;
	while (!rd_kafka_header_get_all(headers, count, &name, &value, &size)) {
		if (count == source->header_size) {
			source->header_size = source->header_size ? 2 * source->header_size : 16;
			source->headers = alloc_resize(source->headers, source->header_size * sizeof(*source->headers));
		}
		source->headers[count++] = (struct header){ slice_of(name), bytes(value, size) };
	}
	return count;
}

void source_deliver(struct source *source, rd_kafka_message_t *message)
{
	enum input input = source_input(source, message);
	rd_kafka_timestamp_type_t type;
	struct input_record record;
	int64_t *next;

	if (source->state != SOURCE_MEMBER || input == INPUT_COUNT || message->partition >= source->topics[input].size)
		return;
	next = &source->topics[input].next[message->partition];
	if (*next == SOURCE_NOT_READ || message->offset < *next) {
		log_limited(LOG_WARNING, "record of a partition that is not read, or from before its position: dropped",
			    "topic=%s partition=%d offset=%lld position=%lld", source->topics[input].name,
			    (int)message->partition, (long long)message->offset, (long long)*next);
		return;
	}
	*next = message->offset + 1;
	record = (struct input_record){
		.input = input,
		.partition = message->partition,
		.offset = message->offset,
		.timestamp_ms = rd_kafka_message_timestamp(message, &type),
		.key = bytes(message->key, message->key_len),
		.value = bytes(message->payload, message->len),
	};
	record.header_count = read_headers(source, message);
	record.headers = record.header_count ? source->headers : NULL;
	source->callbacks->on_record(source->context, &record);
}
