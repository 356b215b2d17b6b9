/* SPDX-License-Identifier: Apache-2.0 */
/* Source and publisher against real brokers. Skipped unless RIDERWATCH_TEST_BROKERS names them;
 * RIDERWATCH_TEST_BROKER_PID is the process that is stopped and continued for the test of a broker that hangs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>
#include "log.h"
#include "monotonic.h"
#include "publisher_scenarios.h"

static struct kafka_fixture fixture;

#define SCENARIO(name)                                                                                                 \
	static void name(void **state)                                                                                 \
	{                                                                                                              \
		(void)state;                                                                                           \
		scenario_##name(&fixture);                                                                             \
	}
SCENARIO(reads_all_in_bounded_turns)
SCENARIO(moves)
SCENARIO(move_from_inside_a_record)
SCENARIO(stops_reading)
SCENARIO(two_members)
SCENARIO(out_of_range)
SCENARIO(record_content)
SCENARIO(commits)
SCENARIO(unset_offsets)
SCENARIO(publish_without_producer)
SCENARIO(refused_member)
SCENARIO(fenced)
SCENARIO(unknown_topic)
SCENARIO(record_too_large)
SCENARIO(added_topic)

static pid_t stop_broker(const char *pid, unsigned seconds)
{
	pid_t child = fork();

	if (child == 0) {
		sleep(seconds);
		kill(atoi(pid), SIGCONT);
		_exit(0);
	}
	kill(atoi(pid), SIGSTOP);
	return child;
}

/* The broker hangs in the middle of a transaction: whatever comes of it, the producer is tainted, and the stable offset
 * tells the same as the records that are visible. */
static void broker_hangs(void **state)
{
	const char *pid = getenv("RIDERWATCH_TEST_BROKER_PID");
	static struct kafka_seen seen;
	struct reader member = { 0 };
	struct desk desk;
	pid_t child;

	(void)state;
	if (!pid)
		skip();
	kafka_fixture_new_group(&fixture);
	reader_open(&member, &fixture, "one");
	desk_open(&desk, &member, &fixture, "one");
	desk_recreate(&desk, true);
	assert_int_equal(desk_publish(&desk, fixture.dead, 1, "before", 1, "a"), PUBLISH_COMMITTED);
	child = stop_broker(pid, 5);
	desk_publish(&desk, fixture.dead, 1, "during", 2, "b");
	waitpid(child, NULL, 0);
	assert_true(desk.tainted);
	desk_recreate(&desk, true);
	desk_read(&desk, INPUT_REPORTS, 0);
	assert_true(desk.reply.ok);
	assert_int_equal(desk.reply.group.offset, desk.reply.shadow.offset);
	kafka_fixture_read(&fixture, fixture.dead, true, (size_t)desk.reply.group.offset, 500, &seen);
	assert_int_equal(seen.count, desk.reply.group.offset);
	if (desk.result == PUBLISH_COMMITTED)
		assert_int_equal(seen.count, 2);
	if (desk.result == PUBLISH_ABORTED)
		assert_int_equal(seen.count, 1);
	assert_int_equal(desk_publish(&desk, fixture.dead, 1, "after", 3, "c"), PUBLISH_COMMITTED);
	assert_string_equal(desk.fatal, "");
	desk_close(&desk);
	reader_close(&member);
}

/* No heartbeat for longer than the session: the partitions are revoked as lost, and given again. What was read before
 * cannot be committed any more, what is read afterwards can. */
static void session_lost(void **state)
{
	const char *pid = getenv("RIDERWATCH_TEST_BROKER_PID");
	struct reader member = { .start_at_once = true };
	rd_kafka_consumer_group_metadata_t *old, *young;
	struct desk desk;
	pid_t child;

	(void)state;
	if (!pid)
		skip();
	kafka_fixture_new_group(&fixture);
	for (int partition = 0; partition < READER_PARTITIONS; partition++)
		kafka_fixture_produce(&fixture, fixture.reports, partition, 0, 20);
	reader_open(&member, &fixture, "one");
	desk_open(&desk, &member, &fixture, "one");
	assert_true(reader_until(&member, &member.records, 1, 20000));
	old = member.metadata;
	member.metadata = NULL;
	child = stop_broker(pid, 9);
	assert_true(reader_until(&member, &member.revoked, 1, 30000));
	waitpid(child, NULL, 0);
	assert_true(reader_until(&member, &member.assigned, 2, 30000));
	assert_int_equal(member.lost, 1);
	desk_recreate(&desk, true);
	young = member.metadata;
	member.metadata = old;
	assert_int_equal(desk_publish(&desk, fixture.dead, 1, "old", 1, "old"), PUBLISH_ABORTED);
	member.metadata = young;
	assert_int_equal(desk_publish(&desk, fixture.dead, 1, "young", 2, "young"), PUBLISH_COMMITTED);
	assert_string_equal(desk.fatal, "");
	assert_string_equal(member.fatal, "");
	assert_int_equal(member.wrong, 0);
	rd_kafka_consumer_group_metadata_destroy(old);
	desk_close(&desk);
	reader_close(&member);
}

/* The child joins the group, writes a byte and waits to be killed. */
static pid_t start_member(const char *group)
{
	int ends[2];
	char byte;
	pid_t child;

	assert_int_equal(pipe(ends), 0);
	child = fork();
	if (child == 0) {
		char fd[16];

		snprintf(fd, sizeof(fd), "%d", ends[1]);
		execl("/proc/self/exe", "member", fd, fixture.brokers, group, fixture.reports, fixture.deliveries,
		      NULL);
		_exit(1);
	}
	close(ends[1]);
	assert_int_equal(read(ends[0], &byte, 1), 1);
	close(ends[0]);
	return child;
}

static int be_member(char **arguments)
{
	struct reader member = { 0 };
	struct kafka_fixture copy = { 0 };

	log_init(LOG_ERROR, LOG_TEXT, "member");
	snprintf(copy.brokers, sizeof(copy.brokers), "%s", arguments[2]);
	snprintf(copy.group, sizeof(copy.group), "%s", arguments[3]);
	snprintf(copy.reports, sizeof(copy.reports), "%s", arguments[4]);
	snprintf(copy.deliveries, sizeof(copy.deliveries), "%s", arguments[5]);
	reader_open(&member, &copy, "one");
	if (!reader_until(&member, &member.assigned, 1, 20000) || write(atoi(arguments[1]), "x", 1) != 1)
		return 1;
	reader_run(&member, 60000);
	return 1;
}

/* A killed process that starts again under its name has its partitions at once, not after the session timeout of 6 s.
 */
static void killed_and_restarted(void **state)
{
	struct reader member = { .start_at_once = true };
	int64_t began;
	pid_t child;

	(void)state;
	kafka_fixture_new_group(&fixture);
	child = start_member(fixture.group);
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	began = monotonic_us();
	reader_open(&member, &fixture, "one");
	assert_true(reader_until(&member, &member.assigned, 1, 20000));
	printf("    killed and restarted: partitions after %.0f ms\n", (double)(monotonic_us() - began) / 1000);
	assert_true(monotonic_us() - began < 3000000);
	assert_int_equal(member.partitions, 2 * READER_PARTITIONS);
	reader_close(&member);
}

/* ---- measurements ---- */

static double thread_cpu_us(int who)
{
	struct rusage usage;

	getrusage(who, &usage);
	return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1e6 +
	       (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

static void cost_of_reading(void **state)
{
	struct reader reader = { .start_at_once = true };
	const int count = 500000;
	double loop, all;
	int64_t began;

	(void)state;
	kafka_fixture_new_group(&fixture);
	kafka_fixture_produce(&fixture, fixture.deliveries, 3, 0, count);
	reader_open(&reader, &fixture, "one");
	assert_true(reader_until(&reader, &reader.assigned, 1, 20000));
	began = monotonic_us();
	loop = thread_cpu_us(RUSAGE_THREAD);
	all = thread_cpu_us(RUSAGE_SELF);
	assert_true(reader_until(&reader, &reader.expected[INPUT_DELIVERIES][3], count, 60000));
	loop = thread_cpu_us(RUSAGE_THREAD) - loop;
	all = thread_cpu_us(RUSAGE_SELF) - all;
	printf("    reading %d records: %.2f us a record, CPU of the loop thread %.3f us, of the library's threads "
	       "%.3f us\n",
	       count, (double)(monotonic_us() - began) / count, loop / count, (all - loop) / count);
	assert_int_equal(reader.wrong, 0);
	reader_close(&reader);
}

static int by_value(const void *a, const void *b)
{
	return *(const int64_t *)a < *(const int64_t *)b ? -1 : *(const int64_t *)a > *(const int64_t *)b;
}

static void cost_of_transactions(void **state)
{
	enum { TRANSACTIONS = 200 };
	static int64_t us[TRANSACTIONS];
	struct reader member = { 0 };
	struct publisher_stats stats;
	struct desk desk;
	uint64_t before = 0;

	(void)state;
	kafka_fixture_new_group(&fixture);
	reader_open(&member, &fixture, "one");
	desk_open(&desk, &member, &fixture, "one");
	desk_read(&desk, INPUT_REPORTS, 0);
	desk_recreate(&desk, true);
	for (int i = 0; i < TRANSACTIONS; i++) {
		assert_int_equal(desk_publish(&desk, fixture.fire, 10, "an alert", i, "metadata"), PUBLISH_COMMITTED);
		publisher_stats(desk.publisher, &stats);
		us[i] = (int64_t)(stats.commit_us_total - before);
		before = stats.commit_us_total;
		reader_run(&member, 20);
	}
	printf("    first transaction %.1f ms;", (double)us[0] / 1000);
	qsort(us, TRANSACTIONS, sizeof(us[0]), by_value);
	printf(" 10 records, 2 groups, 20 ms apart: p50 %.1f, p90 %.1f, p99 %.1f ms\n",
	       (double)us[TRANSACTIONS / 2] / 1000, (double)us[TRANSACTIONS * 9 / 10] / 1000,
	       (double)us[TRANSACTIONS * 99 / 100] / 1000);
	desk_close(&desk);
	reader_close(&member);
}

int main(int count, char **arguments)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_all_in_bounded_turns),
		cmocka_unit_test(moves),
		cmocka_unit_test(move_from_inside_a_record),
		cmocka_unit_test(stops_reading),
		cmocka_unit_test(out_of_range),
		cmocka_unit_test(record_content),
		cmocka_unit_test(two_members),
		cmocka_unit_test(commits),
		cmocka_unit_test(unset_offsets),
		cmocka_unit_test(publish_without_producer),
		cmocka_unit_test(refused_member),
		cmocka_unit_test(fenced),
		cmocka_unit_test(unknown_topic),
		cmocka_unit_test(record_too_large),
		cmocka_unit_test(added_topic),
		cmocka_unit_test(killed_and_restarted),
		cmocka_unit_test(cost_of_transactions),
		cmocka_unit_test(cost_of_reading),
		cmocka_unit_test(broker_hangs),
		cmocka_unit_test(session_lost),
	};
	const char *brokers = getenv("RIDERWATCH_TEST_BROKERS");
	int failed;

	if (count == 6)
		return be_member(arguments);
	if (!brokers) {
		printf("test_kafka_adapters: skipped, RIDERWATCH_TEST_BROKERS is not set\n");
		return 0;
	}
	log_init(getenv("VERBOSE") ? LOG_INFO : LOG_ERROR, LOG_TEXT, "test");
	kafka_fixture_open(&fixture, brokers, READER_PARTITIONS);
	cmocka_set_test_filter(getenv("ONLY"));
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	kafka_fixture_close(&fixture);
	return failed;
}
