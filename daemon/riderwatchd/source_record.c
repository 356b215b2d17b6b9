/* SPDX-License-Identifier: Apache-2.0 */
#include "source_internal.h"

#include <string.h>
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

void source_deliver(struct source *source, rd_kafka_message_t *message)
{
	enum input input = source_input(source, message);
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
	kafka_record_read(message, input, &source->headers, &record);
	source->callbacks->on_record(source->context, &record);
}
