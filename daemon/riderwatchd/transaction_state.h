/* SPDX-License-Identifier: Apache-2.0 */
/* Records of Kafka's topic __transaction_state: what a transaction coordinator remembers of a transactional.id. Format:
 * Kafka's message schemas TransactionLogKey (version 0) and TransactionLogValue (versions 0 and 1). */
#pragma once
#include "must.h"
#include "slice.h"

#define TRANSACTION_STATE_TOPIC "__transaction_state"

/* Codes of the format. */
enum transaction_status {
	TRANSACTION_EMPTY,
	TRANSACTION_ONGOING,
	TRANSACTION_PREPARE_COMMIT,
	TRANSACTION_PREPARE_ABORT,
	TRANSACTION_COMPLETE_COMMIT,
	TRANSACTION_COMPLETE_ABORT,
	TRANSACTION_DEAD,
	TRANSACTION_PREPARE_EPOCH_FENCE,
	TRANSACTION_STATUS_COUNT
};

/* One partition that takes part in the transaction; topic is valid during the call. */
typedef void transaction_partition_f(void *context, struct slice topic, int partition);

/* The transactional.id that the record is about; data == NULL when the key is of another kind or damaged. */
struct slice transaction_state_id(struct slice key);
/* False when value is damaged or of a version not known here: some partitions may have been told by then. */
MUST_CHECK bool transaction_state_read(struct slice value, enum transaction_status *status,
				       transaction_partition_f *on_partition, void *context);
/* Index of what Kafka keeps under name in an internal topic of so many partitions: String.hashCode of Java, its sign
 * cleared, modulo count. name is UTF-8 within the basic plane, as Kafka's own names are. */
int kafka_internal_partition(struct slice name, int count);
