/* SPDX-License-Identifier: Apache-2.0 */
#include "kafka_statistics.h"

#include <jansson.h>

static int64_t number(const json_t *object, const char *name)
{
	return json_integer_value(json_object_get(object, name));
}

static void raise_to(int64_t *most, int64_t value)
{
	*most = value > *most ? value : *most;
}

static void add_broker(struct kafka_statistics *statistics, const json_t *broker)
{
	statistics->connects += number(broker, "connects");
	statistics->disconnects += number(broker, "disconnects");
	statistics->request_errors += number(broker, "txerrs") + number(broker, "rxerrs");
	statistics->request_timeouts += number(broker, "req_timeouts");
	raise_to(&statistics->rtt_us, number(json_object_get(broker, "rtt"), "p99"));
	raise_to(&statistics->throttle_ms, number(json_object_get(broker, "throttle"), "max"));
}

static void add_topic(struct kafka_statistics *statistics, json_t *topic)
{
	const char *name;
	json_t *partition;

	json_object_foreach(json_object_get(topic, "partitions"), name, partition)
	{
		statistics->queued += number(partition, "fetchq_cnt");
	}
}

void kafka_statistics_read(struct kafka_statistics *statistics, const char *text, size_t size)
{
	json_t *json = json_loadb(text, size, 0, NULL), *member;
	const json_t *group = json_object_get(json, "cgrp");
	const char *name;

	if (!json_is_object(json)) {
		json_decref(json);
		return;
	}
	*statistics = (struct kafka_statistics){ .queued = number(json, "msg_cnt"),
						 .rebalances = number(group, "rebalance_cnt"),
						 .assigned = number(group, "assignment_size") };
	json_object_foreach(json_object_get(json, "brokers"), name, member)
	{
		add_broker(statistics, member);
	}
	json_object_foreach(json_object_get(json, "topics"), name, member)
	{
		add_topic(statistics, member);
	}
	json_decref(json);
}
