/* SPDX-License-Identifier: Apache-2.0 */
/* Handles of librdkafka without callbacks of their own, and what is asked of most of them first. */
#pragma once
#include "kafka_conf.h"

/* A consumer of that role, which the caller destroys; NULL and error when it cannot be made. */
rd_kafka_t *kafka_consumer_new(const struct config *config, enum kafka_role role, char *error,
			       size_t error_size) MUST_CHECK;
/* Asks brokers how many partitions the topic has; with an error *count is 0. Blocks for timeout_ms at most. */
rd_kafka_resp_err_t kafka_count_partitions(rd_kafka_t *handle, rd_kafka_topic_t *topic, int timeout_ms,
					   int32_t *count) MUST_CHECK;
