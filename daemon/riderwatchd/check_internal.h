/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by the check*.c files: check.c (the table of checks, and findings), check_kafka.c (brokers, topics, instance),
 * check_rights.c (what this user may do), check_settings.c (how topics are set up), check_redis.c,
 * check_sentinel.c. */
#pragma once
#include <librdkafka/rdkafka.h>
#include <stdbool.h>
#include <sysexits.h>
#include "check.h"
#include "redis_info.h"
#include "redis_link.h"

enum { CHECK_ANSWER_MS = 5000, CHECK_TOPICS_MAX = 6 + ROUTE_TOPICS_MAX };

enum check_level { CHECK_NOTE, CHECK_WARNING, CHECK_ERROR, CHECK_LEVELS };
enum check_kind { CHECK_INPUT, CHECK_ALERTS, CHECK_DEAD_LETTERS };

struct check_topic {
	char name[256];
	const char *setting; /* where its name comes from */
	enum check_kind kind;
	bool exists;
	int32_t partitions;
	int replicas; /* fewest of any of its partitions */
};

struct check {
	const struct config *config;
	const struct ruleset *ruleset;
	FILE *out;
	const char *part; /* of the check at hand: what its findings begin with */
	size_t found[CHECK_LEVELS];
	int status; /* EX_OK, or of the first error */

	bool kafka_answers, redis_answers;
	rd_kafka_t *probe; /* NULL: not there */
	rd_kafka_resp_err_t last_code;
	char last_error[512]; /* what librdkafka said last about a connection */
	struct check_topic topics[CHECK_TOPICS_MAX];
	size_t topic_count;
	bool instance_runs;
	rd_kafka_resp_err_t group_errors[2]; /* of the group and its shadow: why they cannot be described */
	int probes_left;                     /* records sent and not refused yet */
	struct redis_link redis;
	struct redis_info info;
};

/* status: the exit code if this is the first error. The text names cause and remedy. */
void check_find(struct check *check, enum check_level level, int status, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

typedef void check_f(struct check *check);
check_f check_brokers, check_topics, check_partitions, check_own_topics, check_instance;
check_f check_settings;
check_f check_reads, check_writes, check_groups, check_transactions;
check_f check_redis_connects, check_redis_server, check_redis_rights, check_redis_keys, check_redis_library,
	check_redis_clock, check_redis_certificates;
check_f check_sentinels, check_failover;

/* check_rights.c: of the probe's records. */
void check_on_delivery(rd_kafka_t *handle, const rd_kafka_message_t *message, void *opaque);
/* check_kafka.c: does the coordinator of a group only need time? */
bool check_is_passing(rd_kafka_resp_err_t code);
/* check_kafka.c: a handle whose errors go to check->last_error, NULL after a finding. */
rd_kafka_t *check_handle(struct check *check, int role);
