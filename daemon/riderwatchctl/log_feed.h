/* SPDX-License-Identifier: Apache-2.0 */
/* Records of one topic-partition, in offset order, up to an offset that may rise from call to call. */
#pragma once
#include "kafka_link.h"

typedef void log_feed_record_f(void *context, const struct input_record *record);

struct log_feed;

/* Reads from offset from on. link is borrowed. */
struct log_feed *log_feed_new(struct kafka_link *link, enum input input, int32_t partition, int64_t from);
void log_feed_free(struct log_feed **feed);
/* Hands over every record below until that was not handed over yet; on_turn is called now and then with the number of
 * records since the last call. until must not lie beyond the log's end. False and link->error when the log was cut or
 * does not answer. */
MUST_CHECK bool log_feed_run(struct log_feed *feed, int64_t until, log_feed_record_f *on_record,
			     void (*on_turn)(void *context, uint64_t records), void *context);
