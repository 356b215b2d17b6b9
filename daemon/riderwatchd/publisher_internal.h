/* SPDX-License-Identifier: Apache-2.0 */
/* Parts of the publisher: publisher.c (queues, thread), publisher_producer.c (the handle), publisher_open.c and
 * publisher_sweep.c (what brokers left open), publisher_transaction.c, publisher_offsets.c. Everything but the two queues belongs to the worker thread. */
#pragma once
#include <pthread.h>
#include <stdatomic.h>
#include "publisher.h"
#include "transaction_log.h"
#include "watchdog.h"

#define CALL_MS 1000   /* timeout of one call; retriable ones are called again */
#define COMMIT_MS 3000 /* of a commit, which is not; as long as a request may take, socket.timeout.ms */
/* The broker looks for expired transactions every 10 s only. */
#define EXPIRY_MARGIN_MS 12000

struct producer_topic {
	char *name;
	rd_kafka_topic_t *handle; /* NULL without producer */
	int32_t partitions;       /* 0: not known yet */
};

/* The transactional producer; handle is NULL until it could be created, and after it broke. */
struct producer {
	rd_kafka_t *handle;
	atomic_bool tainted; /* set by broker threads: a transactional request failed or timed out */
	/* Set by broker threads: a broker closed a connection. It may have crashed, and forgotten to end a transaction,
	 * which only the start of a producer looks for. */
	atomic_bool cut;
	bool unused; /* no transaction was begun since it was made */
	struct producer_topic *topics;
	size_t topic_count;
	/* First record of the current transaction that could not be delivered. */
	rd_kafka_resp_err_t failed;
	char failed_topic[256];
};

struct publisher_job;
struct publisher_answer;

struct publisher {
	const struct config *config;
	const struct publisher_callbacks *callbacks;
	void *context;
	rd_kafka_t *consumer; /* borrowed */
	rd_kafka_t *shadow;
	rd_kafka_consumer_group_metadata_t *shadow_metadata;
	struct producer producer;
	struct watchdog *watchdog;

	pthread_t thread;
	bool running;
	pthread_mutex_t lock; /* guards the lists and stats */
	pthread_cond_t work;
	struct publisher_job *jobs, **jobs_end;
	struct publisher_answer *answers, **answers_end;
	struct publisher_stats stats;
	atomic_bool stopping;
	int answer_fd;
	struct event *answered;
};

/* Queues on_fatal for the loop thread. */
void publisher_fault(struct publisher *publisher, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Reports code through publisher_fault() when retrying never mends it; returns whether it did. taints may be NULL. */
bool publisher_report(struct publisher *publisher, rd_kafka_resp_err_t code, const char *what, bool *taints);

/* False: brokers do not answer, or a fault was reported. */
bool producer_recreate(struct publisher *publisher);
void producer_close(struct producer *producer, struct watchdog *watchdog);
void producer_fini(struct producer *producer, struct watchdog *watchdog);
/* Ends what brokers left open of this transactional.id, as it was ended. False: make another producer. */
bool producer_sweep(struct publisher *publisher);
/* What is open although it was ended, and how; *offsets_count: partitions of __consumer_offsets. False: later. */
bool open_parts_find(struct publisher *publisher, int64_t until, struct transaction_parts *parts, int32_t *offsets_count);
/* The partition keeps committed offsets of groups. */
bool part_is_offsets(const struct transaction_part *part);
/* Handle of the topic, made on first use; NULL without producer. */
rd_kafka_topic_t *producer_topic(struct producer *producer, struct slice name);

enum publish_result transaction_run(struct publisher *publisher, const struct publish_job *job);
/* The texts are the caller's to free. */
void offsets_read(struct publisher *publisher, enum input input, int32_t partition, struct offsets_reply *reply,
		  char **group_metadata, char **shadow_metadata);
