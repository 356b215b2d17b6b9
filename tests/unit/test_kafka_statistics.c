/* SPDX-License-Identifier: Apache-2.0 */
#include "kafka_statistics.h"
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

static const char sample[] =
	"{\"name\":\"riderwatch#consumer-1\",\"msg_cnt\":3,\"brokers\":{"
	"\"a:1/1\":{\"nodeid\":1,\"connects\":4,\"disconnects\":1,\"txerrs\":2,\"rxerrs\":3,\"req_timeouts\":5,"
	"\"rtt\":{\"p99\":1500,\"max\":9},\"throttle\":{\"max\":7}},"
	"\"b:1/2\":{\"nodeid\":2,\"connects\":1,\"disconnects\":1,\"rtt\":{\"p99\":900},\"throttle\":{\"max\":70}}},"
	"\"topics\":{\"r\":{\"partitions\":{\"0\":{\"fetchq_cnt\":10},\"1\":{\"fetchq_cnt\":20},\"-1\":{}}},"
	"\"d\":{\"partitions\":{\"0\":{\"fetchq_cnt\":12}}}},"
	"\"cgrp\":{\"rebalance_cnt\":6,\"assignment_size\":2}}";

static void test_sums_and_maxima(void **state)
{
	struct kafka_statistics found = { .connects = 99 };
	static const struct kafka_statistics expected = { .connects = 5,
							  .disconnects = 2,
							  .request_errors = 5,
							  .request_timeouts = 5,
							  .rtt_us = 1500,
							  .throttle_ms = 70,
							  .queued = 45,
							  .rebalances = 6,
							  .assigned = 2 };
	(void)state;
	kafka_statistics_read(&found, sample, strlen(sample));
	assert_memory_equal(&found, &expected, sizeof(found));
}

static void test_texts_of_another_shape(void **state)
{
	static const char *const texts[] = { "", "[]", "7", "{\"brokers\":", "null" };
	struct kafka_statistics found;
	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		found = (struct kafka_statistics){ .connects = 99 };
		kafka_statistics_read(&found, texts[i], strlen(texts[i]));
		assert_int_equal(found.connects, 99);
	}
	static const char odd[] = "{\"brokers\":7,\"topics\":[1],\"cgrp\":null,\"msg_cnt\":\"x\"}";
	kafka_statistics_read(&found, odd, strlen(odd));
	assert_int_equal(found.connects, 0);
	assert_int_equal(found.queued, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sums_and_maxima),
		cmocka_unit_test(test_texts_of_another_shape),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
