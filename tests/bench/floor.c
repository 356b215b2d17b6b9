/* SPDX-License-Identifier: Apache-2.0 */
/* Baselines on the benchmark's topics: what the parts cost that no such daemon can do without, and nothing else.
 * Prints one line of JSON: records, and CPU seconds of the whole program and of each part. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sysexits.h>
#include <time.h>
#include "bare_counters.h"
#include "byte_scan.h"
#include "matcher.h"
#include "pipeline.h"
#include "records.h"

#define ALERT_MAX 65536

enum part { CONSUME, SCAN, MATCH, PRODUCE, COUNT, PART_COUNT };

struct run {
	struct records records;
	double seconds[PART_COUNT]; /* of this thread */
	uint64_t texts, invalid, words, produced;
	/* parts */
	struct matcher *matcher;
	struct slice found[RECORDS_BATCH];
	size_t found_count;
	/* produce */
	rd_kafka_t *producer;
	rd_kafka_topic_t *topic;
	uint64_t alerts, alert_size;
	/* counters */
	struct bare_counters counters;
};

static const char *const part_names[PART_COUNT] = { "consume", "scan", "match", "produce", "count" };
static char alert_bytes[ALERT_MAX];

static double thread_seconds(void)
{
	struct timespec time;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

/* Charges what went since *since to a part. */
static void charge(struct run *run, enum part part, double *since)
{
	double now = thread_seconds();
	run->seconds[part] += now - *since;
	*since = now;
}

static void scan_batch(struct run *run)
{
	run->found_count = 0;
	for (size_t i = 0; i < run->records.count; i++) {
		const rd_kafka_message_t *message = run->records.batch[i];
		bool valid;
		struct slice text = byte_scan((struct slice){ message->payload, message->len }, &valid);
		run->invalid += !valid;
		if (text.size)
			run->found[run->found_count++] = text;
	}
	run->texts += run->found_count;
}

static void match_batch(struct run *run)
{
	for (size_t i = 0; i < run->found_count; i++)
		run->words += matcher_count(run->matcher, run->found[i]);
}

/* So many that they are spread evenly over the records. */
static void produce_batch(struct run *run)
{
	uint64_t due = run->alerts * (uint64_t)run->records.got / (uint64_t)run->records.wanted;

	for (; run->produced < due; run->produced++) {
		char key[24];
		int size = snprintf(key, sizeof(key), "%" PRIu64, run->produced);
		while (rd_kafka_produce(run->topic, RD_KAFKA_PARTITION_UA, RD_KAFKA_MSG_F_COPY, alert_bytes,
					run->alert_size, key, (size_t)size, NULL) < 0) {
			if (rd_kafka_last_error() != RD_KAFKA_RESP_ERR__QUEUE_FULL)
				bench_fail("produce", rd_kafka_err2str(rd_kafka_last_error()));
			rd_kafka_poll(run->producer, 10);
		}
	}
	rd_kafka_poll(run->producer, 0);
}

static void open_producer(struct run *run, const char *brokers, const char *topic)
{
	const char *const rows[][2] = { { "bootstrap.servers", brokers },
					{ "linger.ms", "5" },
					{ "enable.idempotence", "true" } };
	char error[512];
	rd_kafka_conf_t *conf = rd_kafka_conf_new();

	memset(alert_bytes, 'a', sizeof(alert_bytes));
	records_set(conf, rows, sizeof(rows) / sizeof(*rows));
	run->producer = rd_kafka_new(RD_KAFKA_PRODUCER, conf, error, sizeof(error));
	if (!run->producer)
		bench_fail("producer", error);
	run->topic = rd_kafka_topic_new(run->producer, topic, NULL);
}

static void close_producer(struct run *run)
{
	if (rd_kafka_flush(run->producer, 30000))
		bench_fail("produce", "not all alerts were acknowledged");
	rd_kafka_topic_destroy(run->topic);
	rd_kafka_destroy(run->producer);
}

/* ---- modes ---- */

static void run_consume(struct run *run, const char *brokers, char **words)
{
	(void)brokers;
	(void)words;
	while (records_next(&run->records))
		continue;
}

static void run_parts(struct run *run, const char *brokers, char **words)
{
	double since = thread_seconds();

	run->matcher = matcher_new(words[0]);
	if (!run->matcher)
		bench_fail(words[0], "no words in it");
	run->alerts = strtoull(words[2], NULL, 10);
	run->alert_size = strtoull(words[3], NULL, 10);
	if (run->alert_size > ALERT_MAX)
		bench_fail(words[3], "alerts are at most 65536 bytes");
	open_producer(run, brokers, words[1]);
	charge(run, PRODUCE, &since);
	while (records_next(&run->records)) {
		charge(run, CONSUME, &since);
		scan_batch(run);
		charge(run, SCAN, &since);
		match_batch(run);
		charge(run, MATCH, &since);
		produce_batch(run);
		charge(run, PRODUCE, &since);
	}
	close_producer(run);
	charge(run, PRODUCE, &since);
	matcher_free(&run->matcher);
}

static void run_counters(struct run *run, const char *brokers, char **words)
{
	(void)brokers;
	bare_counters_open(&run->counters, words[0]);
	while (records_next(&run->records)) {
		double since = thread_seconds();
		for (size_t i = 0; i < run->records.count; i++) {
			const rd_kafka_message_t *message = run->records.batch[i];
			bare_counters_add(&run->counters, message->partition,
					  (struct slice){ message->key, message->key_len });
		}
		charge(run, COUNT, &since);
	}
	bare_counters_close(&run->counters);
}

/* Riders as the generator names nearly all of its own. */
static void run_fill(struct run *run, const char *brokers, char **words)
{
	uint64_t riders = strtoull(words[1], NULL, 10), partitions = strtoull(words[2], NULL, 10);

	(void)brokers;
	bare_counters_open(&run->counters, words[0]);
	for (uint64_t i = 0; i < riders; i++) {
		char id[24];
		snprintf(id, sizeof(id), "r%07" PRIu64, i);
		bare_counters_fill(&run->counters, (int)((murmur2(slice_of(id)) & 0x7fffffff) % partitions),
				   slice_of(id));
	}
	bare_counters_close(&run->counters);
}

struct mode {
	const char *name;
	bool reads; /* topics follow */
	int words;  /* behind the brokers and before the topics */
	void (*run)(struct run *run, const char *brokers, char **words);
	const char *usage;
};

static const struct mode modes[] = {
	{ "consume", true, 0, run_consume, "BROKERS TOPIC...: read, and no more" },
	{ "parts", true, 4, run_parts,
	  "BROKERS WORDS TO ALERTS BYTES TOPIC...: read, scan, match the words of a file, produce so many records to "
	  "TO" },
	{ "counters", true, 1, run_counters, "BROKERS REDIS TOPIC...: read, three HINCRBYs a record" },
	{ "fill", false, 3, run_fill, "BROKERS REDIS RIDERS PARTITIONS: counters of so many riders, with no event" },
};
#define MODE_COUNT (sizeof(modes) / sizeof(*modes))

static int usage(void)
{
	for (size_t i = 0; i < MODE_COUNT; i++)
		fprintf(stderr, "%s floor %s %s\n", i ? "      " : "usage:", modes[i].name, modes[i].usage);
	return EX_USAGE;
}

static const struct mode *find_mode(int argc, char **argv)
{
	for (size_t i = 0; i < MODE_COUNT; i++)
		if (argc >= modes[i].words + 3 + modes[i].reads && !strcmp(argv[1], modes[i].name))
			return &modes[i];
	return NULL;
}

static double seconds_of(struct timeval time)
{
	return (double)time.tv_sec + (double)time.tv_usec / 1e6;
}

static void print(const struct run *run)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	printf("{\"records\": %" PRId64 ", \"texts\": %" PRIu64 ", \"invalid\": %" PRIu64 ", \"words\": %" PRIu64
	       ", \"produced\": %" PRIu64 ", \"peak_mib\": %.1f, \"cpu\": %.6f",
	       run->records.got, run->texts, run->invalid, run->words, run->produced, (double)usage.ru_maxrss / 1024,
	       seconds_of(usage.ru_utime) + seconds_of(usage.ru_stime));
	for (int part = 0; part < PART_COUNT; part++)
		printf(", \"%s\": %.6f", part_names[part], run->seconds[part]);
	printf("}\n");
}

int main(int argc, char **argv)
{
	static struct run run;
	const struct mode *mode = find_mode(argc, argv);

	if (!mode)
		return usage();
	if (mode->reads)
		records_open(&run.records, argv[2], argv + 3 + mode->words, argc - 3 - mode->words);
	mode->run(&run, argv[2], argv + 3);
	if (mode->reads)
		records_close(&run.records);
	print(&run);
	return EX_OK;
}
