/* SPDX-License-Identifier: Apache-2.0 */
#include "kafka_fault.h"

#include <stddef.h>

#define FAULT(name, skips, taints, advice)                                                                             \
	{                                                                                                              \
		RD_KAFKA_RESP_ERR_##name, skips, taints, advice                                                        \
	}

static const struct kafka_fault faults[] = {
	FAULT(TOPIC_AUTHORIZATION_FAILED, false, false,
	      "grant this user Read and Describe on the input topics, Write and Describe on the output topics"),
	FAULT(GROUP_AUTHORIZATION_FAILED, false, false,
	      "grant this user Read on the group and on <group>.shadow (a prefixed ACL covers both)"),
	FAULT(CLUSTER_AUTHORIZATION_FAILED, false, false, "grant this user IdempotentWrite on the cluster"),
	FAULT(TRANSACTIONAL_ID_AUTHORIZATION_FAILED, false, false,
	      "grant this user Write and Describe on the transactional id <group>-<instance>"),
	FAULT(INVALID_TRANSACTION_TIMEOUT, false, false,
	      "lower kafka.transaction_timeout or raise the brokers' transaction.max.timeout.ms"),
	FAULT(INVALID_SESSION_TIMEOUT, false, false,
	      "set kafka.session_timeout between the brokers' group.min.session.timeout.ms and "
	      "group.max.session.timeout.ms"),
	FAULT(INCONSISTENT_GROUP_PROTOCOL, false, false,
	      "another kind of consumer is in this group: stop it, or choose another kafka.group"),
	FAULT(INVALID_GROUP_ID, false, false, "choose another kafka.group"),
	FAULT(FENCED_INSTANCE_ID, false, false,
	      "another process runs with this kafka.instance: give each its own name, then restart; if there is none, "
	      "the coordinator was silent for a whole session and took our return for another's: restart"),
	FAULT(UNKNOWN_TOPIC_OR_PART, false, false,
	      "create the topic (scripts/create-topics), or correct its name under topics or in the routes"),
	FAULT(_UNKNOWN_TOPIC, false, false,
	      "create the topic (scripts/create-topics), or correct its name under topics or in the routes"),
	FAULT(_UNKNOWN_PARTITION, false, false,
	      "the topic was deleted, or has fewer partitions than expected: create the topic (scripts/create-topics) "
	      "or add partitions to it"),
	FAULT(TOPIC_EXCEPTION, false, false, "the topic name is not valid: correct it under topics or in the routes"),
	FAULT(MSG_SIZE_TOO_LARGE, false, true,
	      "raise max.message.bytes of the topic above events.max_bytes + 64 KiB, or lower events.max_bytes"),
	FAULT(INVALID_TIMESTAMP, false, true,
	      "the clocks of this host and of the broker differ by more than the topic's "
	      "message.timestamp.after.max.ms"),
	FAULT(OFFSET_METADATA_TOO_LARGE, false, false, "raise the brokers' offset.metadata.max.bytes to 4096"),
	FAULT(_BAD_MSG, true, false,
	      "the batch is damaged (checksum): restore that segment from a replica, then restart"),
	FAULT(INVALID_MSG, true, false, "the broker found the batch damaged: restore that segment from a replica"),
	FAULT(_BAD_COMPRESSION, true, false, "the batch cannot be uncompressed: restore that segment from a replica"),
	FAULT(_NOT_IMPLEMENTED, true, false,
	      "the batch uses a compression or format that this librdkafka was built without: install one that has it"),
};

const struct kafka_fault *kafka_fault_find(rd_kafka_resp_err_t code)
{
	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++)
		if (faults[i].code == code)
			return &faults[i];
	return NULL;
}
