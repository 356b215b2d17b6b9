/* SPDX-License-Identifier: Apache-2.0 */
/* Records of __transaction_state from any broker: read within their bounds, the same with whatever follows them. */
#include "fuzz/fuzz_input.h"
#include "transaction_state.h"

struct told {
	struct slice value;
	size_t count;
	uint64_t sum;
};

static void on_partition(void *context, struct slice topic, int partition)
{
	struct told *told = context;

	if (topic.size > 0)
		MUST(topic.data >= told->value.data && topic.data + topic.size <= told->value.data + told->value.size);
	told->count++;
	told->sum = told->sum * 31 + (uint32_t)partition + topic.size;
}

int FUZZ_FUNCTION(transaction_state)(const uint8_t *data, size_t size)
{
	char *copy = fuzz_copy((struct slice){ (const char *)data, size });
	struct told told = { .value = { copy, size } }, longer = { 0 };
	enum transaction_status status = TRANSACTION_DEAD, again = TRANSACTION_EMPTY;
	bool read = transaction_state_read(told.value, &status, on_partition, &told);
	struct slice id = transaction_state_id(told.value);

	MUST(told.count <= size / 4);
	MUST(!id.data || (id.data == copy + 4 && id.size <= size - 4));
	MUST(kafka_internal_partition(told.value, 50) < 50);
	if (read) {
		char *more = malloc(size + 3);

		MUST(more);
		memcpy(more, copy, size);
		memset(more + size, 0xff, 3);
		longer.value = (struct slice){ more, size + 3 };
		MUST(transaction_state_read(longer.value, &again, on_partition, &longer));
		MUST(again == status && longer.count == told.count && longer.sum == told.sum);
		free(more);
	}
	free(copy);
	return 0;
}
