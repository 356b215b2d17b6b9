/* SPDX-License-Identifier: Apache-2.0 */
#include "log_feed.h"

#include <stdlib.h>
#include "alloc.h"
#include "kafka_record.h"

#define BATCH_RECORDS 8192
/* The library waits for a full batch for so long, however much it has. */
#define WAIT_MS 20
#define SILENT_TURNS_MAX (30000 / WAIT_MS)

struct log_feed {
	struct kafka_link *link;
	enum input input;
	int32_t partition;
	bool started;
	int64_t next; /* everything below it was handed over, or is not there */
	rd_kafka_message_t *batch[BATCH_RECORDS];
	ssize_t at, count; /* batch[at .. count) are fetched and not handed over */
	struct kafka_headers headers;
};

struct log_feed *log_feed_new(struct kafka_link *link, enum input input, int32_t partition, int64_t from)
{
	struct log_feed *feed = alloc_zeroed(1, sizeof(*feed));
	feed->link = link;
	feed->input = input;
	feed->partition = partition;
	feed->next = from;
	return feed;
}

/* Only when records are wanted: a partition that nobody reads yet would fill the library's queue. */
static bool start(struct log_feed *feed)
{
	struct kafka_link *link = feed->link;
	feed->started =
		feed->started || rd_kafka_consume_start(link->topics[feed->input], feed->partition, feed->next) == 0;
	return feed->started ||
	       kafka_link_fail(link, "reading cannot begin", rd_kafka_last_error(), "is the partition's leader up?");
}

void log_feed_free(struct log_feed **feed)
{
	if (!*feed)
		return;
	while ((*feed)->at < (*feed)->count)
		rd_kafka_message_destroy((*feed)->batch[(*feed)->at++]);
	if ((*feed)->started)
		rd_kafka_consume_stop((*feed)->link->topics[(*feed)->input], (*feed)->partition);
	kafka_headers_fini(&(*feed)->headers);
	free(*feed);
	*feed = NULL;
}

/* Errors that librdkafka gets over by itself; the silence that they cause is bounded. */
static bool is_passing(rd_kafka_resp_err_t code)
{
	return code == RD_KAFKA_RESP_ERR__TRANSPORT || code == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN ||
	       code == RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION || code == RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE;
}

static bool take_error(struct log_feed *feed, const rd_kafka_message_t *message)
{
	if (message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
		/* What lies between the last record and here is of the log's own making. */
		feed->next = message->offset > feed->next ? message->offset : feed->next;
		return true;
	}
	if (is_passing(message->err))
		return true;
	return kafka_link_fail(feed->link, kafka_link_topic(feed->link, feed->input), message->err,
			       "records were deleted while they were read? run again");
}

/* Hands over one message. False: error, or it lies at or beyond until and stays. */
static bool take(struct log_feed *feed, int64_t until, log_feed_record_f *on_record, void *context, bool *failed)
{
	rd_kafka_message_t *message = feed->batch[feed->at];
	struct input_record record;
	if (message->err) {
		*failed = !take_error(feed, message);
	} else if (message->offset >= until) {
		feed->next = until;
		return false;
	} else {
		kafka_record_read(message, feed->input, &feed->headers, &record);
		on_record(context, &record);
		feed->next = message->offset + 1;
	}
	rd_kafka_message_destroy(message);
	feed->at++;
	return !*failed;
}

static bool fetch(struct log_feed *feed, int *silent_turns)
{
	feed->at = 0;
	feed->count = rd_kafka_consume_batch(feed->link->topics[feed->input], feed->partition, WAIT_MS, feed->batch,
					     BATCH_RECORDS);
	rd_kafka_poll(feed->link->reader, 0);
	*silent_turns = feed->count > 0 ? 0 : *silent_turns + 1;
	if (feed->count < 0)
		feed->count = 0;
	return *silent_turns < SILENT_TURNS_MAX ||
	       kafka_link_fail(feed->link, kafka_link_topic(feed->link, feed->input), RD_KAFKA_RESP_ERR__TIMED_OUT,
			       "no record came for 30 s");
}

bool log_feed_run(struct log_feed *feed, int64_t until, log_feed_record_f *on_record,
		  void (*on_turn)(void *context, uint64_t records), void *context)
{
	int silent_turns = 0;
	bool failed = false;
	if (feed->next < until && !start(feed))
		return false;
	while (feed->next < until) {
		ssize_t first = feed->at;
		while (feed->at < feed->count && feed->next < until && take(feed, until, on_record, context, &failed))
			;
		on_turn(context, (uint64_t)(feed->at - first));
		if (failed)
			return false;
		if (feed->at == feed->count && feed->next < until && !fetch(feed, &silent_turns))
			return false;
	}
	return true;
}
