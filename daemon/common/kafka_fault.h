/* SPDX-License-Identifier: Apache-2.0 */
/* Error codes that trying again never mends: what a person has to change. */
#pragma once
#include <stdbool.h>
#include <librdkafka/rdkafka.h>

struct kafka_fault {
	rd_kafka_resp_err_t code;
	bool skips;  /* consumer: the library steps over the bytes it could not read */
	bool taints; /* producer: sequence numbers are out of step afterwards, it must be re-created */
	const char *advice;
};

/* NULL when the code is not a fault of configuration or data: the caller may try again. */
const struct kafka_fault *kafka_fault_find(rd_kafka_resp_err_t code);

/* Brokers, or the library, do not know the topic or the partition: as long as brokers start that passes. */
bool kafka_topic_is_unknown(rd_kafka_resp_err_t code);

/* Why a connection does not come about. */
struct kafka_obstacle {
	rd_kafka_resp_err_t code;
	const char *words; /* in librdkafka's text; NULL: any */
	bool refused;      /* the broker was reached and does not let this user in */
	const char *advice;
	int before; /* only of librdkafka before this version; 0: of any */
};

/* The first row that fits a code and text of librdkafka's error callback; never NULL. */
const struct kafka_obstacle *kafka_obstacle_find(rd_kafka_resp_err_t code, const char *text);
