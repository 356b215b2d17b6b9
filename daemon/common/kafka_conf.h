/* SPDX-License-Identifier: Apache-2.0 */
/* librdkafka configurations of the daemon's handles: what the protocol needs, then the operator's properties. */
#pragma once
#include <librdkafka/rdkafka.h>
#include "config.h"
#include "must.h"

enum kafka_role {
	KAFKA_CONSUMER, /* member of the group, reads the input topics */
	KAFKA_SHADOW,   /* only asks for the offsets of "<group>.shadow", never joins it */
	KAFKA_READER, /* belongs to no group: reads partitions from where it is told, commits nothing, hears of ends */
	/* The same, but sees what is not committed: where the log ends, and how transactions were ended. */
	KAFKA_UNCOMMITTED,
	KAFKA_PRODUCER, /* transactional */
	KAFKA_WRITER,   /* not transactional: the daemon's transactional.id is not ours to take */
	KAFKA_PROBE,    /* asks what may be done: what it produces is refused by every broker that would let it write */
	KAFKA_ROLE_COUNT
};

/* Bytes a record may have beyond events.max_bytes: key, headers and framing of a dead letter. */
#define KAFKA_RECORD_OVERHEAD 65536

/* A configuration for rd_kafka_new(), which owns it when it succeeds; its messages go to log.h. NULL when a property is
 * unknown, has a bad value or belongs to the daemon: error then says which, why, and what to set instead. */
rd_kafka_conf_t *kafka_conf_new(const struct config *config, enum kafka_role role, char *error,
				size_t error_size) MUST_CHECK;
/* Adds a problem for each role whose configuration cannot be made. */
void kafka_conf_check(const struct config *config, struct problems *problems);
/* config_load, and whatever can be checked of the daemon's configuration without a network: secrets, librdkafka's
 * properties. NULL when there was any problem. */
struct config *config_load_checked(const struct config_sources *sources, struct problems *problems);
void kafka_conf_shadow_group(const struct config *config, char *text, size_t size);
void kafka_conf_transactional_id(const struct config *config, char *text, size_t size);
