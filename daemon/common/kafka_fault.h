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
