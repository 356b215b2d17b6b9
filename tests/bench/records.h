/* SPDX-License-Identifier: Apache-2.0 */
/* Every record of some topics, from their start to the end they have now, with the daemon's consumer settings. */
#pragma once
#include <librdkafka/rdkafka.h>

#define RECORDS_BATCH 1000

struct records {
	rd_kafka_t *kafka;
	rd_kafka_queue_t *queue;
	int64_t wanted, got;
	rd_kafka_message_t *batch[RECORDS_BATCH]; /* of the last call; freed by the next one */
	size_t count;
};

/* Ends the program with a message when the brokers do not answer. */
void records_open(struct records *records, const char *brokers, char *const *topics, int topic_count);
void records_close(struct records *records);
/* Fills the batch; false at the end. Ends the program when no record comes for 10 s. */
int records_next(struct records *records);

/* Adds a topic's partitions, from their start, to a list; returns how many records they hold. */
int64_t records_add_topic(rd_kafka_t *kafka, const char *topic, rd_kafka_topic_partition_list_t *list);
/* Sets rows of name and value, or ends the program with the name of the one that is refused. */
void records_set(rd_kafka_conf_t *conf, const char *const (*rows)[2], size_t count);
/* Ends the program: exit code 69. */
_Noreturn void bench_fail(const char *what, const char *why);
