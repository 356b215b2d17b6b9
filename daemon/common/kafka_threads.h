/* SPDX-License-Identifier: Apache-2.0 */
/* How exactly librdkafka's threads keep time. */
#pragma once
#include <librdkafka/rdkafka.h>

/* The main thread of a client made of this configuration need not wait for its timers to the microsecond. Without this
 * it spends most of its time in a loop: librdkafka waits in whole milliseconds and turns round through the rest. */
void kafka_threads_be_lenient(rd_kafka_conf_t *conf);
