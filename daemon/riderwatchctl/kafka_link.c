/* SPDX-License-Identifier: Apache-2.0 */
#include "kafka_link.h"

#include <stdio.h>
#include <string.h>
#include <time.h>
#include "kafka_handle.h"

#define ANSWER_MS 10000
#define RETRY_MS 100
#define PATIENCE_MS 3000
#define SWEEP_MS 10000 /* how often a broker looks for such transactions, by default */

bool kafka_link_fail(struct kafka_link *link, const char *what, rd_kafka_resp_err_t code, const char *advice)
{
	snprintf(link->error, sizeof(link->error), "Kafka %s: %s: %s; %s", link->config->kafka_brokers, what,
		 rd_kafka_err2str(code), advice);
	return false;
}

/* The text that goes with *handle stays in link->error. */
static bool make_handle(struct kafka_link *link, enum kafka_role role, rd_kafka_t **handle)
{
	if (*handle)
		return true;
	*handle = kafka_consumer_new(link->config, role, link->error, sizeof(link->error));
	return *handle != NULL;
}

const char *kafka_link_topic(const struct kafka_link *link, enum input input)
{
	return input == INPUT_REPORTS ? link->config->topics_reports : link->config->topics_deliveries;
}

static bool count_partitions(struct kafka_link *link, enum input input, int32_t *count)
{
	const struct rd_kafka_metadata *metadata;
	rd_kafka_resp_err_t code = rd_kafka_metadata(link->reader, 0, link->topics[input], &metadata, ANSWER_MS);
	if (code)
		return kafka_link_fail(link, "no answer", code, "check kafka.brokers and the broker's log");
	code = metadata->topic_cnt == 1 ? metadata->topics[0].err : RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART;
	*count = metadata->topic_cnt == 1 ? metadata->topics[0].partition_cnt : 0;
	rd_kafka_metadata_destroy(metadata);
	return code ? kafka_link_fail(link, kafka_link_topic(link, input), code,
				      "check section topics of the configuration")
		    : true;
}

bool kafka_link_open(struct kafka_link *link, const struct config *config)
{
	int32_t counts[INPUT_COUNT];
	*link = (struct kafka_link){ .config = config };
	if (!make_handle(link, KAFKA_READER, &link->reader))
		return false;
	for (int input = 0; input < INPUT_COUNT; input++) {
		link->topics[input] = rd_kafka_topic_new(link->reader, kafka_link_topic(link, input), NULL);
		MUST(link->topics[input]);
		if (!count_partitions(link, input, &counts[input]))
			return false;
	}
	link->partitions = counts[INPUT_REPORTS];
	if (counts[INPUT_REPORTS] == counts[INPUT_DELIVERIES])
		return true;
	snprintf(link->error, sizeof(link->error), "%s has %d partitions, %s has %d: both must have the same number",
		 kafka_link_topic(link, INPUT_REPORTS), counts[INPUT_REPORTS], kafka_link_topic(link, INPUT_DELIVERIES),
		 counts[INPUT_DELIVERIES]);
	return false;
}

void kafka_link_close(struct kafka_link *link)
{
	rd_kafka_t *handles[] = { link->group, link->shadow, link->reader };
	for (int input = 0; input < INPUT_COUNT; input++)
		if (link->topics[input])
			rd_kafka_topic_destroy(link->topics[input]);
	for (size_t i = 0; i < sizeof(handles) / sizeof(*handles); i++)
		if (handles[i])
			rd_kafka_destroy_flags(handles[i], RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
	link->group = link->shadow = link->reader = NULL;
	link->topics[INPUT_REPORTS] = link->topics[INPUT_DELIVERIES] = NULL;
}

/* A partition that just got its leader, or another one. */
static bool is_passing(rd_kafka_resp_err_t code)
{
	return code == RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION || code == RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE ||
	       code == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART;
}

bool kafka_link_bounds(struct kafka_link *link, enum input input, int32_t partition, struct log_bounds *bounds)
{
	const struct timespec pause = { .tv_nsec = RETRY_MS * 1000000L };
	rd_kafka_resp_err_t code = RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION;
	for (int waited_ms = 0; is_passing(code) && waited_ms < ANSWER_MS; waited_ms += RETRY_MS) {
		if (waited_ms)
			nanosleep(&pause, NULL);
		code = rd_kafka_query_watermark_offsets(link->reader, kafka_link_topic(link, input), partition,
							&bounds->start, &bounds->end, ANSWER_MS);
	}
	return code ? kafka_link_fail(link, "the log's bounds cannot be read", code, "is the partition's leader up?")
		    : true;
}

static void copy_offset(const rd_kafka_topic_partition_t *entry, struct group_offset *offset)
{
	size_t size = entry->metadata ? entry->metadata_size : 0;
	offset->offset = entry->offset < 0 ? -1 : entry->offset;
	size = size < sizeof(offset->metadata) ? size : sizeof(offset->metadata) - 1;
	if (size)
		memcpy(offset->metadata, entry->metadata, size);
	offset->metadata[size] = '\0';
}

/* One question; code tells whether a transaction still holds some of the offsets. */
static rd_kafka_resp_err_t ask_committed(rd_kafka_t *handle, rd_kafka_topic_partition_list_t *wanted, int wait_ms)
{
	rd_kafka_resp_err_t code = rd_kafka_committed(handle, wanted, wait_ms);
	for (int i = 0; i < wanted->cnt && !code; i++)
		code = wanted->elems[i].err;
	return code;
}

/* After a crash the broker ends the open transaction, when its time is over and it looks for such. */
static rd_kafka_resp_err_t wait_committed(struct kafka_link *link, rd_kafka_t *handle,
					  rd_kafka_topic_partition_list_t *wanted)
{
	int wait_ms = (int)link->config->kafka_transaction_timeout + SWEEP_MS + ANSWER_MS;
	rd_kafka_resp_err_t code = ask_committed(handle, wanted, PATIENCE_MS);
	if (code != RD_KAFKA_RESP_ERR__TIMED_OUT && code != RD_KAFKA_RESP_ERR_UNSTABLE_OFFSET_COMMIT)
		return code;
	fprintf(stderr,
		"riderwatchctl: a transaction of the group is open (did a daemon crash?); waiting for its end\n");
	return ask_committed(handle, wanted, wait_ms);
}

bool kafka_link_committed(struct kafka_link *link, bool shadow, enum input input, struct group_offset *list)
{
	rd_kafka_t **handle = shadow ? &link->shadow : &link->group;
	if (!make_handle(link, shadow ? KAFKA_SHADOW : KAFKA_CONSUMER, handle))
		return false;
	rd_kafka_topic_partition_list_t *wanted = rd_kafka_topic_partition_list_new(link->partitions);
	for (int32_t p = 0; p < link->partitions; p++)
		rd_kafka_topic_partition_list_add(wanted, kafka_link_topic(link, input), p);
	rd_kafka_resp_err_t code = wait_committed(link, *handle, wanted);
	for (int32_t p = 0; p < link->partitions && !code; p++)
		copy_offset(&wanted->elems[p], &list[wanted->elems[p].partition]);
	/* Before anything else: a list that is still held makes rd_kafka_destroy() hang. */
	rd_kafka_topic_partition_list_destroy(wanted);
	return code ? kafka_link_fail(link, "the group's offsets cannot be read", code,
				      "needs Read on the groups <group> and <group>.shadow; run again when no "
				      "transaction is stuck")
		    : true;
}
