/* SPDX-License-Identifier: Apache-2.0 */
#include "kafka_fault.h"

#include <stddef.h>
#include <string.h>

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

bool kafka_topic_is_unknown(rd_kafka_resp_err_t code)
{
	return code == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART || code == RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC ||
	       code == RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION;
}

const struct kafka_fault *kafka_fault_find(rd_kafka_resp_err_t code)
{
	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++)
		if (faults[i].code == code)
			return &faults[i];
	return NULL;
}

#define PLAIN_LISTENER                                                                                                 \
	"the listener speaks no TLS: use the TLS port in kafka.brokers, or take ssl out of security.protocol"

static const struct kafka_obstacle obstacles[] = {
	{ RD_KAFKA_RESP_ERR__RESOLVE, NULL, false, "correct the host name in kafka.brokers, or the name service" },
	{ RD_KAFKA_RESP_ERR__TRANSPORT, "Connection refused", false,
	  "no broker listens there: correct kafka.brokers, or start the broker" },
	{ RD_KAFKA_RESP_ERR__TRANSPORT, "security.protocol", false,
	  "the listener speaks another protocol: set security.protocol in kafka.properties to ssl, sasl_plaintext or "
	  "sasl_ssl" },
	{ RD_KAFKA_RESP_ERR__TRANSPORT, NULL, false,
	  "correct kafka.brokers, look at the broker's log, and at firewalls in between" },
	{ RD_KAFKA_RESP_ERR__AUTHENTICATION, "SCRAM", true,
	  "correct sasl.username in kafka.properties, and the password in kafka.password_file; brokers of Kafka 4 let "
	  "librdkafka before 2.6.1 not in by SCRAM: then use client certificates or sasl.mechanism PLAIN over TLS, or "
	  "install a newer librdkafka",
	  .before = 0x020601ff },
	{ RD_KAFKA_RESP_ERR__AUTHENTICATION, NULL, true,
	  "correct sasl.mechanism and sasl.username in kafka.properties, and the password in kafka.password_file" },
	{ RD_KAFKA_RESP_ERR__SSL, "certificate verify failed", true,
	  "the broker's certificate is not signed by an authority of ssl.ca.location, or names another host: correct "
	  "kafka.properties or kafka.brokers" },
	{ RD_KAFKA_RESP_ERR__SSL, "wrong version number", false, PLAIN_LISTENER },
	{ RD_KAFKA_RESP_ERR__SSL, "unexpected eof", false, PLAIN_LISTENER },
	{ RD_KAFKA_RESP_ERR__SSL, NULL, true,
	  "correct the ssl.* properties in kafka.properties; the broker may ask for a client certificate "
	  "(ssl.certificate.location, ssl.key.location)" },
};

static const struct kafka_obstacle unknown = { 0, NULL, false,
					       "correct kafka.brokers, look at the broker's log, and at firewalls in "
					       "between" };

const struct kafka_obstacle *kafka_obstacle_find(rd_kafka_resp_err_t code, const char *text)
{
	for (size_t i = 0; i < sizeof(obstacles) / sizeof(obstacles[0]); i++)
		if (obstacles[i].code == code && (!obstacles[i].words || strstr(text, obstacles[i].words)) &&
		    (!obstacles[i].before || rd_kafka_version() < obstacles[i].before))
			return &obstacles[i];
	return &unknown;
}
