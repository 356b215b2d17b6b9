/* SPDX-License-Identifier: Apache-2.0 */
/* Events as one JSON object a line, for people and for programs without Kafka. */
#pragma once
#include <stdio.h>
#include "fold.h"

struct printer {
	FILE *file;
	const char *topics[TOPIC_COUNT];
	int64_t *offsets; /* next offset by topic and partition: as if the topics had been empty */
	uint32_t partitions;
	uint64_t printed;
	struct text line;
};

void printer_init(struct printer *printer, FILE *file, const char *const topics[TOPIC_COUNT], uint32_t partitions);
void printer_fini(struct printer *printer);
/* {"topic":..,"partition":..,"offset":..,"timestamp":..,"key":..,"headers":[[name,value],..],"value":..}; a value that
 * is not an event comes as "value_base64". fold may be NULL. Returns false when the output is closed or full. */
bool printer_print(struct printer *printer, const struct event *event, struct fold *fold);
