/* SPDX-License-Identifier: Apache-2.0 */
/* When records came, in a program that does nothing else, so that it never is what is measured.
 * alerts: reads alert topics (read_committed) until it is told to end by SIGTERM; a line each: partition and offset of
 * the alert's report, microseconds since 1970 when it was seen, severity. intended: reads the reports to their present
 * end; a line each: partition, offset, milliseconds since 1970 when it was due to be sent. Tab separated; "ready" on
 * standard error once it reads. */
#include <inttypes.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>
#include "alloc.h"
#include "records.h"

#define VALUE_MAX 65536
#define POLL_MS 100

struct stamp {
	int64_t partition, offset, us;
	char severity[12];
};

static volatile sig_atomic_t stopped;
static struct stamp *stamps;
static size_t stamp_count, stamp_capacity;

static void on_stop(int number)
{
	(void)number;
	stopped = 1;
}

static int64_t now_us(void)
{
	struct timespec now;
	clock_gettime(CLOCK_REALTIME, &now);
	return now.tv_sec * 1000000LL + now.tv_nsec / 1000;
}

/* What stands behind a member's name, or "". */
static const char *member(const char *text, const char *name)
{
	const char *found = strstr(text, name);
	return found ? found + strlen(name) : "";
}

static void keep_alert(const rd_kafka_message_t *message)
{
	static char value[VALUE_MAX];
	struct stamp stamp = { .us = now_us() };

	if (!message->payload || message->len >= VALUE_MAX)
		return;
	memcpy(value, message->payload, message->len);
	value[message->len] = '\0';
	const char *source = member(value, "\"source\":{");
	stamp.partition = atoll(member(source, "\"partition\":"));
	stamp.offset = atoll(member(source, "\"offset\":"));
	const char *severity = member(value, "\"severity\":\"");
	snprintf(stamp.severity, sizeof(stamp.severity), "%.*s", (int)strcspn(severity, "\""), severity);
	if (stamp_count == stamp_capacity) {
		stamp_capacity = stamp_capacity ? stamp_capacity * 2 : 65536;
		stamps = alloc_resize(stamps, stamp_capacity * sizeof(*stamps));
	}
	stamps[stamp_count++] = stamp;
}

static rd_kafka_t *open_alerts(const char *brokers, char **topics, int count)
{
	const char *const rows[][2] = {
		{ "bootstrap.servers", brokers },        { "group.id", "riderwatch-bench-stamps" },
		{ "isolation.level", "read_committed" }, { "enable.auto.commit", "false" },
		{ "fetch.wait.max.ms", "100" },          { "enable.partition.eof", "true" }
	};
	char error[512];
	rd_kafka_conf_t *conf = rd_kafka_conf_new();

	records_set(conf, rows, sizeof(rows) / sizeof(*rows));
	rd_kafka_t *kafka = rd_kafka_new(RD_KAFKA_CONSUMER, conf, error, sizeof(error));
	if (!kafka)
		bench_fail("consumer", error);
	rd_kafka_poll_set_consumer(kafka);
	rd_kafka_topic_partition_list_t *assignment = rd_kafka_topic_partition_list_new(8);
	for (int i = 0; i < count; i++)
		records_add_topic(kafka, topics[i], assignment);
	rd_kafka_assign(kafka, assignment);
	rd_kafka_topic_partition_list_destroy(assignment);
	return kafka;
}

static void read_alerts(const char *brokers, char **topics, int count)
{
	rd_kafka_t *kafka = open_alerts(brokers, topics, count);
	bool ready = false;

	while (!stopped) {
		rd_kafka_message_t *message = rd_kafka_consumer_poll(kafka, POLL_MS);
		if (!message)
			continue;
		if (!message->err)
			keep_alert(message);
		else if (message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF && !ready)
			ready = fprintf(stderr, "ready\n") > 0;
		rd_kafka_message_destroy(message);
	}
	rd_kafka_destroy(kafka);
	for (size_t i = 0; i < stamp_count; i++)
		printf("%" PRId64 "\t%" PRId64 "\t%" PRId64 "\t%s\n", stamps[i].partition, stamps[i].offset,
		       stamps[i].us, stamps[i].severity);
	free(stamps);
}

static void print_intended(const rd_kafka_message_t *message)
{
	rd_kafka_headers_t *headers;
	const void *due;
	size_t size;

	if (rd_kafka_message_headers(message, &headers) ||
	    rd_kafka_header_get_last(headers, "rw-intended-ms", &due, &size))
		return;
	printf("%" PRId32 "\t%" PRId64 "\t%.*s\n", message->partition, message->offset, (int)size, (const char *)due);
}

static void read_intended(const char *brokers, char **topics, int count)
{
	struct records records;

	records_open(&records, brokers, topics, count);
	while (records_next(&records))
		for (size_t i = 0; i < records.count; i++)
			print_intended(records.batch[i]);
	records_close(&records);
}

int main(int argc, char **argv)
{
	struct sigaction stop = { .sa_handler = on_stop };

	sigaction(SIGTERM, &stop, NULL);
	sigaction(SIGINT, &stop, NULL);
	if (argc > 3 && !strcmp(argv[1], "alerts"))
		read_alerts(argv[2], argv + 3, argc - 3);
	else if (argc > 3 && !strcmp(argv[1], "intended"))
		read_intended(argv[2], argv + 3, argc - 3);
	else
		return fprintf(stderr, "usage: stamps alerts|intended BROKERS TOPIC...\n"), EX_USAGE;
	return EX_OK;
}
