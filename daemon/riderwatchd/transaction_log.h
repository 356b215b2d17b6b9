/* SPDX-License-Identifier: Apache-2.0 */
/* How Kafka says that the transactions of one transactional.id ended. Blocking calls, for the worker thread. */
#pragma once
#include <librdkafka/rdkafka.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "must.h"

/* A partition of an output topic or of __consumer_offsets, and how the last transaction that took it in was ended. */
struct transaction_part {
	char *topic;
	int32_t partition;
	bool committed;
};

struct transaction_parts {
	struct transaction_part *list;
	size_t count;
};

enum transaction_log_result {
	TRANSACTION_LOG_READ,  /* parts are those of the latest transactions; none when there were none */
	TRANSACTION_LOG_LATER, /* brokers do not answer, code says how */
	TRANSACTION_LOG_NEVER, /* code: no right to read it, or these brokers have no such topic */
};

/* Reads backwards from the end until it finds a transaction of id that was ended. handle: a consumer of role
 * KAFKA_UNCOMMITTED; until: monotonic ms. Ask after init_transactions(), so that nothing of id can change any more. */
MUST_CHECK enum transaction_log_result transaction_log_read(rd_kafka_t *handle, const char *id, int64_t until,
							    struct transaction_parts *parts, rd_kafka_resp_err_t *code);
/* Adds the part, or says how its last transaction ended. topic is copied. */
void transaction_parts_set(struct transaction_parts *parts, const char *topic, size_t topic_size, int32_t partition,
			   bool committed);
void transaction_parts_fini(struct transaction_parts *parts);
