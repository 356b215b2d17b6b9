/* SPDX-License-Identifier: Apache-2.0 */
/* A consumed message as the pipeline reads it. */
#pragma once
#include <librdkafka/rdkafka.h>
#include "input_record.h"

/* The headers of one record, read when they are asked for. The room is kept from one record to the next. */
struct kafka_headers {
	rd_kafka_message_t *message;
	struct header *list;
	size_t size;
};

/* The record borrows the message and the headers' room. */
void kafka_record_read(rd_kafka_message_t *message, enum input input, struct kafka_headers *headers,
		       struct input_record *record);
void kafka_headers_fini(struct kafka_headers *headers);

/* Key of a record without value that only ended a transaction which brokers had left open (publisher_sweep.c): whoever
 * reads an output topic passes over it. */
#define KAFKA_SWEEP_KEY "rw.sweep"
bool kafka_record_is_sweep(const rd_kafka_message_t *message);
