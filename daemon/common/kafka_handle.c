/* SPDX-License-Identifier: Apache-2.0 */
#include "kafka_handle.h"

rd_kafka_t *kafka_consumer_new(const struct config *config, enum kafka_role role, char *error, size_t error_size)
{
	rd_kafka_conf_t *conf = kafka_conf_new(config, role, error, error_size);
	rd_kafka_t *handle = conf ? rd_kafka_new(RD_KAFKA_CONSUMER, conf, error, error_size) : NULL;

	if (!handle && conf)
		rd_kafka_conf_destroy(conf);
	return handle;
}

rd_kafka_resp_err_t kafka_count_partitions(rd_kafka_t *handle, rd_kafka_topic_t *topic, int timeout_ms, int32_t *count)
{
	const struct rd_kafka_metadata *metadata;
	rd_kafka_resp_err_t code = rd_kafka_metadata(handle, 0, topic, &metadata, timeout_ms);

	*count = 0;
	if (code)
		return code;
	code = metadata->topic_cnt == 1 ? metadata->topics[0].err : RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART;
	if (!code)
		*count = metadata->topics[0].partition_cnt;
	rd_kafka_metadata_destroy(metadata);
	return code;
}
