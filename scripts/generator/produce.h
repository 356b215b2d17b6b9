/* SPDX-License-Identifier: Apache-2.0 */
/* Events to Kafka: explicit partitions, idempotent, positions taken from the delivery reports. */
#pragma once
#include "fold.h"

struct producer;

/* Connects and asks for the topics. Returns NULL after a message. */
struct producer *producer_new(const char *brokers, const char *const topics[TOPIC_COUNT], const char *compression);
/* Partitions of each of the two topics. */
uint32_t producer_partitions(const struct producer *producer);
/* fold: told about every record; must outlive the producer's last call. NULL: none. */
void producer_set_fold(struct producer *producer, struct fold *fold);
/* Hands over one event; waits while the queue is full. intended_ms: added as header rw-intended-ms, 0: none.
 * Returns false after a message when the event cannot be sent at all. */
bool producer_send(struct producer *producer, const struct event *event, int64_t intended_ms);
/* Serves delivery reports for at most this long. */
void producer_poll(struct producer *producer, int wait_ms);
uint64_t producer_acknowledged(const struct producer *producer);
/* Waits until everything is acknowledged or has failed. Returns how many records were not acknowledged. */
uint64_t producer_finish(struct producer *producer);
void producer_free(struct producer **producer);
