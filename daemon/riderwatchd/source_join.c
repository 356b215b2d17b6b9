/* SPDX-License-Identifier: Apache-2.0 */
/* What must be so before we join the group: both topics there, with one number of partitions, and nobody left in the
 * group whose assignment is of before that number. */
#include "source_internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include "kafka_fault.h"
#include "log.h"
#include "membership.h"
#include "monotonic.h"
#include "must.h"

#define GROUP_TIMEOUT_MS 1000
#define JOIN_RETRY_MS 500

/* Lets librdkafka say why. Before we are told to join there is nothing else to hear; later, records would be lost. */
static void hear_trouble(struct source *source)
{
	MUST(source->state == SOURCE_OUTSIDE && !source->join_at);
	for (rd_kafka_message_t *message; (message = rd_kafka_consumer_poll(source->consumer, 0));)
		rd_kafka_message_destroy(message);
}

static void say_fault(const char *topic, rd_kafka_resp_err_t code, char *error, size_t error_size)
{
	const struct kafka_fault *fault = kafka_fault_find(code);

	snprintf(error, error_size, "input topic %s: %s; %s", topic, rd_kafka_err2str(code),
		 fault ? fault->advice : "is the leader of its partitions up?");
}

static int32_t count_of(struct source *source, enum input input, int timeout_ms, char *error, size_t error_size)
{
	const struct source_topic *topic = &source->topics[input];
	const struct rd_kafka_metadata *metadata;
	rd_kafka_resp_err_t code = rd_kafka_metadata(source->consumer, 0, topic->handle, &metadata, timeout_ms);
	int32_t count = -1;

	if (code) {
		hear_trouble(source);
		snprintf(error, error_size, "brokers do not answer: %s",
			 source->trouble[0] ? source->trouble : "no connection in time; riderwatchd --check says why");
		return -1;
	}
	code = metadata->topic_cnt == 1 ? metadata->topics[0].err : RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART;
	if (!code)
		count = metadata->topics[0].partition_cnt;
	else
		say_fault(topic->name, code, error, error_size);
	rd_kafka_metadata_destroy(metadata);
	return count;
}

int32_t source_partition_count(struct source *source, int timeout_ms, char *error, size_t error_size)
{
	int32_t reports, deliveries;

	if ((reports = count_of(source, INPUT_REPORTS, timeout_ms, error, error_size)) < 0 ||
	    (deliveries = count_of(source, INPUT_DELIVERIES, timeout_ms, error, error_size)) < 0)
		return -1;
	if (reports == deliveries)
		return reports;
	snprintf(error, error_size,
		 "%s has %" PRId32 " partitions, %s has %" PRId32
		 ": both must have the same number, so that a rider's events share "
		 "one shard; add partitions to the smaller one before any events are in it",
		 source->topics[INPUT_REPORTS].name, reports, source->topics[INPUT_DELIVERIES].name, deliveries);
	return -1;
}

/* Partitions of the topic that members hold; -1 when that cannot be told. A group without members holds none, but gives
 * all anew. */
static int32_t held(const struct rd_kafka_group_info *group, const char *topic)
{
	int32_t sum = 0;

	for (int i = 0; i < group->member_cnt; i++) {
		const struct rd_kafka_group_member_info *member = &group->members[i];
		int32_t count = membership_assigned(
			(struct slice){ member->member_assignment, (size_t)member->member_assignment_size },
			slice_of(topic));
		if (count < 0)
			return -1;
		sum += count;
	}
	return sum;
}

static bool group_is_outdated(const struct source *source, const struct rd_kafka_group_info *group)
{
	if (group->err || group->member_cnt == 0 || strcmp(group->state, "Stable") != 0)
		return false;
	for (int input = 0; input < INPUT_COUNT; input++) {
		int32_t count = held(group, source->topics[input].name);
		if (count >= 0 && count < source->partitions)
			return true;
	}
	return false;
}

/* Only a precaution: where the group may not be described, we join. */
static bool must_wait(const struct source *source)
{
	const struct rd_kafka_group_list *list;
	rd_kafka_resp_err_t code = rd_kafka_list_groups(source->consumer, source->group, &list, GROUP_TIMEOUT_MS);
	bool outdated = false;

	if (code) {
		log_warning("the group cannot be looked at before joining it; allow Describe on it", "error=%s",
			    rd_kafka_err2name(code));
		return false;
	}
	for (int i = 0; i < list->group_cnt; i++)
		outdated = outdated || group_is_outdated(source, &list->groups[i]);
	rd_kafka_group_list_destroy(list);
	return outdated;
}

static void subscribe(struct source *source)
{
	rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(INPUT_COUNT);
	rd_kafka_resp_err_t code;

	for (int input = 0; input < INPUT_COUNT; input++)
		rd_kafka_topic_partition_list_add(list, source->topics[input].name, RD_KAFKA_PARTITION_UA);
	code = rd_kafka_subscribe(source->consumer, list);
	rd_kafka_topic_partition_list_destroy(list);
	if (code)
		source_fatal(source, "cannot subscribe to the input topics: %s", rd_kafka_err2str(code));
}

void source_try_join(struct source *source)
{
	if (monotonic_ms() < source->join_at)
		return;
	if (must_wait(source)) {
		log_limited(LOG_WARNING,
			    "the group still holds an assignment of before partitions were added; joining when it is "
			    "forgotten",
			    "group=%s at_most=kafka.session_timeout", source->group);
		source->join_at = monotonic_ms() + JOIN_RETRY_MS;
		return;
	}
	source->join_at = 0;
	subscribe(source);
}

void source_join(struct source *source, int32_t partitions)
{
	source->partitions = partitions;
	source->join_at = monotonic_ms();
	source_try_join(source);
}
