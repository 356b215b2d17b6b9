/* SPDX-License-Identifier: Apache-2.0 */
/* Are the topics set up as the guarantee needs them? */
#include "check_internal.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include "kafka_conf.h"
#include "must.h"

enum { HOUR = 3600 * 1000 };

/* ---- what each setting must be ---- */

static bool is_compacted(const struct check *check, const char *value)
{
	(void)check;
	return strstr(value, "compact") != NULL;
}

static bool is_sender_time(const struct check *check, const char *value)
{
	(void)check;
	return strcmp(value, "LogAppendTime") != 0;
}

/* Three windows of the default of a day: to start without Redis, two are read. */
static bool is_short_lived(const struct check *check, const char *value)
{
	int64_t ms = strtoll(value, NULL, 10);
	return ms >= 0 && ms < 3 * check->config->events_dedup_hours * HOUR;
}

static bool is_bounded(const struct check *check, const char *value)
{
	(void)check;
	return strtoll(value, NULL, 10) >= 0;
}

static bool is_narrow(const struct check *check, const char *value)
{
	return strtoll(value, NULL, 10) < check->config->events_max_bytes + KAFKA_RECORD_OVERHEAD;
}

static const struct rule {
	unsigned kinds;
	const char *setting;
	bool (*is_wrong)(const struct check *check, const char *value);
	enum check_level level;
	const char *advice; /* what it does, and what to do */
} rules[] = {
	{ 1 << CHECK_INPUT, "message.timestamp.type", is_sender_time, CHECK_ERROR,
	  "senders' clocks would drive deduplication and daily caps: set LogAppendTime" },
	{ 1 << CHECK_INPUT, "cleanup.policy", is_compacted, CHECK_ERROR,
	  "events of a rider would be deleted before they are counted: set delete" },
	{ 1 << CHECK_ALERTS | 1 << CHECK_DEAD_LETTERS, "cleanup.policy", is_compacted, CHECK_WARNING,
	  "of alerts or dead letters with one key only the last would be kept: set delete" },
	{ 1 << CHECK_INPUT, "retention.ms", is_short_lived, CHECK_WARNING,
	  "what Redis lost, and a start without Redis, need three times events.dedup_hours: keep records longer" },
	{ 1 << CHECK_INPUT, "retention.bytes", is_bounded, CHECK_WARNING,
	  "a busy day can delete records that Redis has not counted: set -1 and bound the time alone" },
	{ 1 << CHECK_DEAD_LETTERS, "max.message.bytes", is_narrow, CHECK_ERROR,
	  "a dead letter carries its record whole: set it above events.max_bytes + 64 KiB" },
};

static void judge(struct check *check, const struct check_topic *topic, const char *setting, const char *value)
{
	for (size_t i = 0; i < sizeof(rules) / sizeof(*rules); i++)
		if (rules[i].kinds >> topic->kind & 1 && strcmp(rules[i].setting, setting) == 0 &&
		    rules[i].is_wrong(check, value))
			check_find(check, rules[i].level, EX_UNAVAILABLE, "topic %s has %s=%s; %s", topic->name,
				   setting, value, rules[i].advice);
}

/* ---- asking ---- */

static const struct check_topic *find_topic(const struct check *check, const char *name)
{
	for (size_t i = 0; i < check->topic_count; i++)
		if (strcmp(check->topics[i].name, name) == 0)
			return &check->topics[i];
	return NULL;
}

/* False: this user may not ask. */
static bool take_resource(struct check *check, const rd_kafka_ConfigResource_t *resource)
{
	const struct check_topic *topic = find_topic(check, rd_kafka_ConfigResource_name(resource));
	size_t count;
	const rd_kafka_ConfigEntry_t **entries = rd_kafka_ConfigResource_configs(resource, &count);

	if (rd_kafka_ConfigResource_error(resource) || !topic)
		return false;
	for (size_t i = 0; i < count; i++) {
		const char *value = rd_kafka_ConfigEntry_value(entries[i]);
		if (value)
			judge(check, topic, rd_kafka_ConfigEntry_name(entries[i]), value);
	}
	return true;
}

static bool take_answer(struct check *check, rd_kafka_event_t *event)
{
	size_t count = 0;
	const rd_kafka_ConfigResource_t **resources;
	bool all = true;

	if (!event || rd_kafka_event_error(event))
		return false;
	resources = rd_kafka_DescribeConfigs_result_resources(rd_kafka_event_DescribeConfigs_result(event), &count);
	for (size_t i = 0; i < count; i++)
		all &= take_resource(check, resources[i]);
	return all;
}

static bool ask(struct check *check, rd_kafka_ConfigResource_t **resources, size_t count)
{
	rd_kafka_queue_t *queue = rd_kafka_queue_new(check->probe);
	rd_kafka_AdminOptions_t *options = rd_kafka_AdminOptions_new(check->probe, RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS);
	char error[128];
	rd_kafka_event_t *event;
	bool all;

	rd_kafka_AdminOptions_set_request_timeout(options, CHECK_ANSWER_MS, error, sizeof(error));
	rd_kafka_DescribeConfigs(check->probe, resources, count, options, queue);
	event = rd_kafka_queue_poll(queue, CHECK_ANSWER_MS + 1000);
	all = take_answer(check, event);
	if (event)
		rd_kafka_event_destroy(event);
	rd_kafka_AdminOptions_destroy(options);
	rd_kafka_queue_destroy(queue);
	return all;
}

void check_settings(struct check *check)
{
	rd_kafka_ConfigResource_t *resources[CHECK_TOPICS_MAX];
	size_t count = 0;

	for (size_t i = 0; i < check->topic_count; i++)
		if (check->topics[i].exists)
			resources[count++] =
				rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, check->topics[i].name);
	if (count && !ask(check, resources, count))
		check_find(check, CHECK_NOTE, 0,
			   "this user may not read the settings of all topics, so cleanup.policy, "
			   "message.timestamp.type and retention were not checked; grant DescribeConfigs, or let "
			   "scripts/create-topics compare them");
	rd_kafka_ConfigResource_destroy_array(resources, count);
}
