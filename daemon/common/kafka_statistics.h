/* SPDX-License-Identifier: Apache-2.0 */
/* What librdkafka says of one client, from its statistics. */
#pragma once
#include <stddef.h>
#include <stdint.h>

/* Sums over brokers and partitions, but for the two maxima. */
struct kafka_statistics {
	int64_t connects, disconnects, request_errors, request_timeouts;
	int64_t rtt_us;      /* 99th percentile of the slowest broker */
	int64_t throttle_ms; /* of the broker that throttles most */
	int64_t queued;      /* records fetched and not taken, or produced and not acknowledged */
	int64_t rebalances, assigned;
};

/* json: what librdkafka's callback gets. What is missing or no number counts as 0; a text that is no such object leaves
 * all as it was. */
void kafka_statistics_read(struct kafka_statistics *statistics, const char *json, size_t size);
