/* SPDX-License-Identifier: Apache-2.0 */
#include "metrics.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <math.h>
#include <regex.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>
#include "input_record.h"
#include "log.h"
#include "outcomes.h"
#include "protocol.h"
#include "reasons.h"
#include "rider_event.h"
#include "verdict.h"

static struct metrics *metrics;
static char *text;

static void render(void)
{
	size_t size;
	free(text);
	FILE *out = open_memstream(&text, &size);
	metrics_render(metrics, out);
	fclose(out);
}

/* The line must be there, whole. */
static void expect_line(const char *line)
{
	size_t size = strlen(line);
	for (const char *at = text; (at = strstr(at, line)); at += size)
		if ((at == text || at[-1] == '\n') && at[size] == '\n')
			return;
	fail_msg("no line \"%s\"", line);
}

static void expect_absent(const char *part)
{
	if (strstr(text, part))
		fail_msg("\"%s\" should not be there", part);
}

static int start(void **state)
{
	(void)state;
	metrics = metrics_new("rider.reports.v1", "a \"b\"\\c\n");
	return 0;
}

static int stop(void **state)
{
	(void)state;
	metrics_free(&metrics);
	free(text);
	text = NULL;
	return metrics ? -1 : 0;
}

static void test_every_line_has_the_text_format(void **state)
{
	(void)state;
	regex_t comment, sample;
	assert_int_equal(regcomp(&comment, "^# (HELP|TYPE) [a-z_]+ .+$", REG_EXTENDED | REG_NOSUB), 0);
	assert_int_equal(regcomp(&sample,
				 "^[a-z_]+(\\{[a-z]+=\"([^\"\\\\]|\\\\[n\"\\\\])*\"(,[a-z]+=\"([^\"\\\\]|\\\\[n\"\\\\])"
				 "*\")*\\})? "
				 "[-+0-9.e]+$",
				 REG_EXTENDED | REG_NOSUB),
			 0);
	metrics_observe(metrics, METRIC_EVENT_AGE, 0.3);
	metrics_set(metrics, METRIC_APPLIED_OFFSET, INPUT_REPORTS, 3, 7);
	metrics_set(metrics, METRIC_TRANSACTION_SECONDS_SUM, 0, 0, 1e-7);
	metrics_set_text(metrics, METRIC_RULES_INFO, "x");
	render();
	assert_int_equal(text[strlen(text) - 1], '\n');
	size_t samples = 0;
	for (char *rest = text, *line; (line = strsep(&rest, "\n")) && rest;) {
		bool is_sample = regexec(&sample, line, 0, NULL, 0) == 0;
		if (!is_sample && regexec(&comment, line, 0, NULL, 0) != 0)
			fail_msg("not in the text format: %s", line);
		samples += is_sample;
	}
	assert_true(samples > 60);
	regfree(&comment);
	regfree(&sample);
}

static void test_help_and_type_of_every_row(void **state)
{
	(void)state;
	static const char *const rows[][3] = {
#define METRIC(symbol, type, name, first, second, help) { name, #type, help },
#include "metrics.def"
#undef METRIC
	};
	char line[512];
	render();
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		const char *type = strcmp(rows[i][1], "COUNTER") == 0 ? "counter"
				   : strcmp(rows[i][1], "HISTOGRAM") == 0 || strcmp(rows[i][1], "TIMER") == 0
					   ? "histogram"
					   : "gauge";
		size_t size = strlen(rows[i][0]);
		snprintf(line, sizeof(line), "# HELP %s %s\n# TYPE %s %s", rows[i][0], rows[i][2], rows[i][0], type);
		expect_line(line);
		/* Counters end in _total, and nothing else does. */
		assert_int_equal(strcmp(rows[i][0] + size - 6, "_total") == 0, strcmp(type, "counter") == 0);
	}
}

static void test_labels_come_from_the_enums(void **state)
{
	(void)state;
	metrics_add(metrics, METRIC_EVENTS, INPUT_REPORTS, OUTCOME_DUPLICATE, 3);
	metrics_add(metrics, METRIC_EVENTS, INPUT_REPORTS, OUTCOME_DUPLICATE, 4);
	metrics_add(metrics, METRIC_DEAD_LETTERS, REASON_NOT_JSON, 0, 1);
	metrics_add(metrics, METRIC_FIELDS_DROPPED, DROPPED_POSITION, 0, 2);
	metrics_add(metrics, METRIC_ALERTS, CATEGORY_FIRE, SEVERITY_EXTREME, 5);
	metrics_add(metrics, METRIC_TRANSACTIONS, PUBLISH_UNKNOWN, 0, 6);
	metrics_add(metrics, METRIC_LOADS, LOAD_WENT_BACK, 0, 7);
	metrics_add(metrics, METRIC_NOTICES, NOTICE_SHADOW_MISSING, 0, 8);
	metrics_add(metrics, METRIC_RULES_RELOADS, 1, 0, 9);
	render();
	expect_line("riderwatch_events_total{topic=\"rider.reports.v1\",outcome=\"duplicate\"} 7");
	expect_line("riderwatch_events_total{topic=\"rider.reports.v1\",outcome=\"counted\"} 0");
	expect_line("riderwatch_events_total{topic=\"a \\\"b\\\"\\\\c\\n\",outcome=\"duplicate\"} 0");
	expect_line("riderwatch_dead_letters_total{reason=\"not_json\"} 1");
	expect_line("riderwatch_fields_dropped_total{field=\"lat_long\"} 2");
	expect_line("riderwatch_alerts_total{category=\"fire\",severity=\"Extreme\"} 5");
	expect_line("riderwatch_transactions_total{result=\"unknown\"} 6");
	expect_line("riderwatch_loads_total{cause=\"went_back\"} 7");
	expect_line("riderwatch_notices_total{notice=\"shadow_missing\"} 8");
	expect_line("riderwatch_rules_reloads_total{result=\"refused\"} 9");
}

static void test_what_never_happens_has_no_series(void **state)
{
	(void)state;
	/* A chunk's counts are added row by row, these included. */
	metrics_add(metrics, METRIC_ALERTS, CATEGORY_OTHER, SEVERITY_NONE, 0);
	metrics_add(metrics, METRIC_DEAD_LETTERS, REASON_TOMBSTONE, 0, 1);
	render();
	expect_absent("category=\"other\"");
	expect_absent("severity=\"None\"");
	expect_absent("reason=\"tombstone\"");
	expect_absent("riderwatch_applied_offset{");
	expect_absent("riderwatch_rules_info{");
}

static void test_partitions_grow(void **state)
{
	(void)state;
	metrics_set(metrics, METRIC_APPLIED_OFFSET, INPUT_REPORTS, 0, 9007199254740991.0);
	metrics_set(metrics, METRIC_APPLIED_OFFSET, INPUT_REPORTS, 2, 10);
	metrics_set(metrics, METRIC_APPLIED_OFFSET, INPUT_DELIVERIES, 100, 11);
	metrics_set(metrics, METRIC_APPLIED_OFFSET, INPUT_REPORTS, 3, 12);
	metrics_set(metrics, METRIC_APPLIED_OFFSET, INPUT_REPORTS, 3, NAN);
	render();
	expect_line("riderwatch_applied_offset{topic=\"rider.reports.v1\",partition=\"0\"} 9007199254740991");
	expect_line("riderwatch_applied_offset{topic=\"rider.reports.v1\",partition=\"2\"} 10");
	expect_line("riderwatch_applied_offset{topic=\"a \\\"b\\\"\\\\c\\n\",partition=\"100\"} 11");
	expect_absent("partition=\"1\"");
	expect_absent("partition=\"3\"");
}

static void test_timer(void **state)
{
	(void)state;
	static const double samples[] = { 0.000004, 0.00002, 0.3, 100 };
	for (size_t i = 0; i < sizeof(samples) / sizeof(*samples); i++)
		metrics_observe(metrics, METRIC_DECIDE_SECONDS, samples[i]);
	render();
	expect_line("riderwatch_decide_seconds_bucket{le=\"5e-06\"} 1");
	expect_line("riderwatch_decide_seconds_bucket{le=\"2e-05\"} 2");
	expect_line("riderwatch_decide_seconds_bucket{le=\"0.5\"} 3");
	expect_line("riderwatch_decide_seconds_bucket{le=\"60\"} 3");
	expect_line("riderwatch_decide_seconds_bucket{le=\"+Inf\"} 4");
}

static void test_histogram(void **state)
{
	(void)state;
	static const double samples[] = { 0.004, 0.005, 0.2, 0.2, 5000, -1 };
	for (size_t i = 0; i < sizeof(samples) / sizeof(*samples); i++)
		metrics_observe(metrics, METRIC_EVENT_AGE, samples[i]);
	render();
	expect_line("riderwatch_event_age_seconds_bucket{le=\"0.005\"} 3");
	expect_line("riderwatch_event_age_seconds_bucket{le=\"0.1\"} 3");
	expect_line("riderwatch_event_age_seconds_bucket{le=\"0.25\"} 5");
	expect_line("riderwatch_event_age_seconds_bucket{le=\"3600\"} 5");
	expect_line("riderwatch_event_age_seconds_bucket{le=\"+Inf\"} 6");
	expect_line("riderwatch_event_age_seconds_count 6");
	const char *sum = strstr(text, "riderwatch_event_age_seconds_sum ");
	assert_non_null(sum);
	assert_float_equal(strtod(strchr(sum, ' '), NULL), 5000.409, 1e-9);
}

static void test_info(void **state)
{
	(void)state;
	metrics_set_text(metrics, METRIC_RULES_INFO, "old");
	metrics_set_text(metrics, METRIC_RULES_INFO, "0123456789abcdef");
	render();
	expect_line("riderwatch_rules_info{id=\"0123456789abcdef\"} 1");
	assert_non_null(strstr(text, "riderwatch_build_info{version=\"" RIDERWATCH_VERSION "\",librdkafka=\""));
}

static double number_after(const char *name)
{
	const char *at = strstr(text, name);
	assert_non_null(at);
	return strtod(at + strlen(name), NULL);
}

static void test_process_facts(void **state)
{
	(void)state;
	log_init(LOG_ERROR, LOG_TEXT, "unit");
	render();
	assert_true(number_after("\nprocess_resident_memory_bytes ") > 1e5);
	assert_true(number_after("\nprocess_open_fds ") >= 3);
	assert_true(number_after("\nprocess_max_fds ") >= number_after("\nprocess_open_fds "));
	assert_true(number_after("\nprocess_cpu_seconds_total ") >= 0);
	assert_true(fabs(number_after("\nprocess_start_time_seconds ") - (double)time(NULL)) < 60);
	double lines = number_after("riderwatch_log_lines_total{level=\"error\"} ");
	log_error("a line that this test writes", NULL);
	render();
	assert_float_equal(number_after("riderwatch_log_lines_total{level=\"error\"} "), lines + 1, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_every_line_has_the_text_format, start, stop),
		cmocka_unit_test_setup_teardown(test_help_and_type_of_every_row, start, stop),
		cmocka_unit_test_setup_teardown(test_labels_come_from_the_enums, start, stop),
		cmocka_unit_test_setup_teardown(test_what_never_happens_has_no_series, start, stop),
		cmocka_unit_test_setup_teardown(test_partitions_grow, start, stop),
		cmocka_unit_test_setup_teardown(test_histogram, start, stop),
		cmocka_unit_test_setup_teardown(test_timer, start, stop),
		cmocka_unit_test_setup_teardown(test_info, start, stop),
		cmocka_unit_test_setup_teardown(test_process_facts, start, stop),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
