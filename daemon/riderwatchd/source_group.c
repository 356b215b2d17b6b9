/* SPDX-License-Identifier: Apache-2.0 */
#include "source_internal.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include "alloc.h"
#include "kafka_fault.h"
#include "log.h"
#include "membership.h"

void source_fatal(struct source *source, const char *format, ...)
{
	char text[1024];
	va_list arguments;

	if (source->fatal || source->state == SOURCE_CLOSING)
		return;
	source->fatal = true;
	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	source->callbacks->on_fatal(source->context, text);
}

/* librdkafka has no other way to the generation before 2.8. */
bool source_membership(const rd_kafka_consumer_group_metadata_t *metadata, int32_t *generation, bool *has_member)
{
	void *buffer = NULL;
	size_t size = 0;
	rd_kafka_error_t *error = rd_kafka_consumer_group_metadata_write(metadata, &buffer, &size);

	if (error) {
		rd_kafka_error_destroy(error);
		return false;
	}
	bool parsed = membership_parse((struct slice){ buffer, size }, generation, has_member);
	rd_kafka_mem_free(NULL, buffer);
	return parsed;
}

static size_t list_partitions(const struct source *source, const rd_kafka_topic_partition_list_t *list,
			      struct source_partition *partitions)
{
	size_t count = 0;

	for (int i = 0; i < list->cnt; i++)
		for (int input = 0; input < INPUT_COUNT; input++)
			if (strcmp(list->elems[i].topic, source->topics[input].name) == 0)
				partitions[count++] = (struct source_partition){ input, list->elems[i].partition, -1 };
	return count;
}

/* Brokers check nothing at all when a transaction commits offsets without generation or member, so such metadata is
 * refused: giving the assignment back makes the library join again. */
static rd_kafka_consumer_group_metadata_t *take_metadata(struct source *source)
{
	rd_kafka_consumer_group_metadata_t *metadata = rd_kafka_consumer_group_metadata(source->consumer);
	int32_t generation = -1;
	bool has_member = false;

	if (metadata && source_membership(metadata, &generation, &has_member) && generation >= 0 && has_member)
		return metadata;
	log_warning("assignment without a valid group membership: joining again", "generation=%d member=%d",
		    (int)generation, (int)has_member);
	if (metadata)
		rd_kafka_consumer_group_metadata_destroy(metadata);
	return NULL;
}

static void on_assign(struct source *source, const rd_kafka_topic_partition_list_t *list)
{
	rd_kafka_consumer_group_metadata_t *metadata = take_metadata(source);
	rd_kafka_topic_partition_list_t *none;
	struct source_partition *partitions;
	size_t count;

	if (!metadata) {
		rd_kafka_assign(source->consumer, NULL);
		return;
	}
	/* The answer to the group comes at once, with nothing to read: where to start is known only after the load, and
	 * until an answer the library would hold up every rebalance of the group. */
	none = rd_kafka_topic_partition_list_new(0);
	rd_kafka_assign(source->consumer, none);
	rd_kafka_topic_partition_list_destroy(none);
	source->state = SOURCE_MEMBER;
	source->lost = source->parked = source->moved = false;
	partitions = alloc_zeroed((size_t)list->cnt + 1, sizeof(*partitions));
	count = list_partitions(source, list, partitions);
	source->callbacks->on_assigned(source->context, partitions, count, metadata);
	free(partitions);
}

static void on_revoke(struct source *source)
{
	/* The library forgets "lost" when an assignment is made meanwhile; a commit is fenced by its metadata all the
	 * same. */
	bool lost = source->lost || rd_kafka_assignment_lost(source->consumer);

	source_forget(source);
	source->state = SOURCE_REVOKING;
	source->callbacks->on_revoked(source->context, lost);
}

void source_on_rebalance(rd_kafka_t *consumer, rd_kafka_resp_err_t code, rd_kafka_topic_partition_list_t *partitions,
			 void *opaque)
{
	struct source *source = opaque;

	if (source->state == SOURCE_CLOSING) {
		rd_kafka_assign(consumer, NULL);
	} else if (code == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS) {
		on_assign(source, partitions);
	} else if (code == RD_KAFKA_RESP_ERR__REVOKE_PARTITIONS) {
		on_revoke(source);
	} else {
		log_warning("rebalance failed", "error=%s", rd_kafka_err2name(code));
		rd_kafka_assign(consumer, NULL);
	}
}

/* Faults that retrying never mends end the process; everything else is the library's to retry. */
static bool end_on_fault(struct source *source, rd_kafka_resp_err_t code, const char *where, const char *reason)
{
	const struct kafka_fault *fault = kafka_fault_find(code);
	char text[512] = "";

	if (code == RD_KAFKA_RESP_ERR__FATAL) {
		code = rd_kafka_fatal_error(source->consumer, text, sizeof(text));
		fault = kafka_fault_find(code);
		source_fatal(source, "Kafka consumer cannot go on: %s (%s): %s", rd_kafka_err2name(code), text,
			     fault ? fault->advice : "restart");
		return true;
	}
	/* A topic may be unknown for a moment while brokers start; that it exists was checked at start. */
	if (!fault || kafka_topic_is_unknown(code))
		return false;
	source_fatal(source, "Kafka consumer, %s: %s (%s): %s", where, rd_kafka_err2name(code), reason ? reason : "",
		     fault->advice);
	return true;
}

void source_on_error(rd_kafka_t *consumer, int code, const char *reason, void *opaque)
{
	struct source *source = opaque;
	const char *advice = kafka_obstacle_find(code, reason)->advice;

	(void)consumer;
	if (end_on_fault(source, code, "connection", reason))
		return;
	/* That all brokers are down says nothing which the error before did not. */
	if (code != RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN)
		snprintf(source->trouble, sizeof(source->trouble), "%s; %s", reason, advice);
	log_limited(LOG_WARNING, "Kafka consumer has trouble", "error=%s reason=\"%s\" advice=\"%s\"",
		    rd_kafka_err2name(code), reason, advice);
}

static void out_of_range(struct source *source, enum input input, const rd_kafka_message_t *message)
{
	struct source_topic *topic = &source->topics[input];
	int64_t offset;

	if (source->state != SOURCE_MEMBER || message->partition < 0 || message->partition >= topic->size)
		return;
	offset = topic->next[message->partition];
	if (offset == SOURCE_NOT_READ)
		return;
	topic->next[message->partition] = SOURCE_NOT_READ;
	log_warning("position is outside the log", "topic=%s partition=%d offset=%lld", topic->name,
		    (int)message->partition, (long long)offset);
	if (source->callbacks->on_out_of_range)
		source->callbacks->on_out_of_range(source->context, input, message->partition, offset);
	else
		source_fatal(source,
			     "%s partition %d: offset %lld is outside the log: records were deleted before they were "
			     "read, or the topic was made anew",
			     topic->name, (int)message->partition, (long long)offset);
}

void source_message_error(struct source *source, const rd_kafka_message_t *message)
{
	enum input input = source_input(source, message);
	const char *topic = input == INPUT_COUNT ? "group" : source->topics[input].name;
	char where[320];

	snprintf(where, sizeof(where), "%s partition %d offset %lld", topic, (int)message->partition,
		 (long long)message->offset);
	if (message->err == RD_KAFKA_RESP_ERR__MAX_POLL_EXCEEDED) {
		source->lost = true;
		log_error("thrown out of the group: the loop did not run for max.poll.interval.ms", NULL);
	} else if (message->err == RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET && input != INPUT_COUNT) {
		out_of_range(source, input, message);
	} else if (!end_on_fault(source, message->err, where, rd_kafka_message_errstr(message))) {
		log_limited(LOG_WARNING, "Kafka consumer has trouble", "error=%s topic=%s partition=%d",
			    rd_kafka_err2name(message->err), topic, (int)message->partition);
	}
}
