/* SPDX-License-Identifier: Apache-2.0 */
/* A Kafka to test against: librdkafka's mock cluster, or real brokers from RIDERWATCH_TEST_BROKERS. Topics get names of
 * their own, so that tests can run again and again on the same brokers. */
#pragma once
#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>
#include "config.h"

struct kafka_fixture {
	rd_kafka_t *admin; /* owns the mock cluster, creates topics */
	rd_kafka_t *producer;
	rd_kafka_mock_cluster_t *mock; /* NULL with real brokers */
	char brokers[512];
	char run[32]; /* part of every name */
	char reports[64], deliveries[64], emergency[64], fire[64], food[64], dead[64], group[64];
};

/* brokers NULL: mock cluster. Creates the input topics with this many partitions and the output topics with three. */
void kafka_fixture_open(struct kafka_fixture *fixture, const char *brokers, int partitions);
/* A static member that leaves keeps its partitions until its session ends: each scenario takes a group of its own. */
void kafka_fixture_new_group(struct kafka_fixture *fixture);
void kafka_fixture_close(struct kafka_fixture *fixture);
/* Settings that point at the fixture; instance names the process. */
struct config kafka_fixture_config(const struct kafka_fixture *fixture, const char *instance);
void kafka_fixture_create_topic(struct kafka_fixture *fixture, const char *name, int partitions, const char *setting,
				const char *value);
/* Appends count records whose value is their number, from first on; on a new topic that is their offset. */
void kafka_fixture_produce(struct kafka_fixture *fixture, const char *topic, int partition, int64_t first, int count);

/* What a read_committed (or not) consumer sees of a topic from its start, all partitions, in order of arrival. */
struct kafka_seen {
	size_t count;
	struct kafka_seen_record {
		int32_t partition;
		char key[64], value[256];
		bool null_key, null_value;
		size_t headers;
		char header[128]; /* name=value of the first one */
	} records[512];
};
/* Waits until expected records came and then for quiet_ms more, to catch what should not come. */
void kafka_fixture_read(struct kafka_fixture *fixture, const char *topic, bool committed, size_t expected, int quiet_ms,
			struct kafka_seen *seen);
