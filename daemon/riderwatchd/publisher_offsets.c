/* SPDX-License-Identifier: Apache-2.0 */
#include "publisher_internal.h"

#include "alloc.h"
#include "kafka_fault.h"
#include "log.h"

#define READ_MS 1500

static const char *topic_of(const struct publisher *publisher, enum input input)
{
	return input == INPUT_REPORTS ? publisher->config->topics_reports : publisher->config->topics_deliveries;
}

static void failed(struct publisher *publisher, rd_kafka_resp_err_t code, const char *what, const char *topic,
		   int32_t partition)
{
	pthread_mutex_lock(&publisher->lock);
	publisher->stats.offset_reads_failed++;
	pthread_mutex_unlock(&publisher->lock);
	log_limited(LOG_WARNING,
		    "offsets cannot be read yet, the partition waits; if _TIMED_OUT lasts for a minute, grant Read on the "
		    "group and on <group>.shadow, or look for a transaction that nobody ends (kafka-transactions.sh "
		    "find-hanging)",
		    "what=\"%s\" topic=%s partition=%d error=%s", what, topic, (int)partition, rd_kafka_err2name(code));
	/* That the input topics exist was checked at start: a broker that starts may not know them for a moment. */
	if (!kafka_topic_is_unknown(code))
		publisher_report(publisher, code, topic, NULL);
}

/* Stable: waits until no transaction holds the offset, and times out while one does. */
static bool read_committed(struct publisher *publisher, rd_kafka_t *handle, const char *what, const char *topic,
			   int32_t partition, struct committed_offset *committed, char **metadata)
{
	rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
	rd_kafka_topic_partition_t *entry = rd_kafka_topic_partition_list_add(list, topic, partition);
	rd_kafka_resp_err_t code;
	char text[257];
	size_t size;

	watchdog_enter(publisher->watchdog, "rd_kafka_committed");
	code = rd_kafka_committed(handle, list, READ_MS);
	watchdog_leave(publisher->watchdog);
	if (!code)
		code = entry->err;
	if (code) {
		failed(publisher, code, what, topic, partition);
	} else {
		committed->offset = entry->offset == RD_KAFKA_OFFSET_INVALID ? PROTOCOL_OFFSET_NONE : entry->offset;
		size = entry->metadata_size < sizeof(text) - 1 ? entry->metadata_size : sizeof(text) - 1;
		snprintf(text, sizeof(text), "%.*s", (int)size, entry->metadata ? (const char *)entry->metadata : "");
		*metadata = alloc_text(text);
	}
	/* Before anything else: a list that is still held makes rd_kafka_destroy() hang. */
	rd_kafka_topic_partition_list_destroy(list);
	return !code;
}

static bool read_log_bounds(struct publisher *publisher, const char *topic, int32_t partition,
			    struct offsets_reply *reply)
{
	rd_kafka_resp_err_t code;

	watchdog_enter(publisher->watchdog, "rd_kafka_query_watermark_offsets");
	code = rd_kafka_query_watermark_offsets(publisher->consumer, topic, partition, &reply->log_start,
						&reply->log_end, READ_MS);
	watchdog_leave(publisher->watchdog);
	if (code)
		failed(publisher, code, "log bounds", topic, partition);
	return !code;
}

void offsets_read(struct publisher *publisher, enum input input, int32_t partition, struct offsets_reply *reply,
		  char **group_metadata, char **shadow_metadata)
{
	const char *topic = topic_of(publisher, input);

	*reply = (struct offsets_reply){ 0 };
	reply->group.offset = reply->shadow.offset = PROTOCOL_OFFSET_NONE;
	reply->ok = read_committed(publisher, publisher->consumer, "group", topic, partition, &reply->group,
				   group_metadata) &&
		    read_committed(publisher, publisher->shadow, "shadow group", topic, partition, &reply->shadow,
				   shadow_metadata) &&
		    read_log_bounds(publisher, topic, partition, reply);
	rd_kafka_poll(publisher->shadow, 0);
}
