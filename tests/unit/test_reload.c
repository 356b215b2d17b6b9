/* SPDX-License-Identifier: Apache-2.0 */
/* Configuration and rules load beside the loop, and the loop thread gets them. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>
#include "reload.h"

enum { LOADS = 5 };

struct seen {
	struct event_base *base;
	int loads, refusals, wanted;
	struct ruleset *ruleset;  /* in use */
	double shortest, longest; /* that the loop thread was busy with a swap, seconds */
	pthread_t thread;
	char problem[256]; /* the first of the last refusal */
};

static struct config_source shipped_list[] = { { 'o', "rules.folder=pipelines/rules" } };
static const struct config_sources shipped = { shipped_list, 1 };

static double cpu_seconds(void)
{
	struct timespec now;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void on_loaded(void *context, struct config *config, struct ruleset *fresh, const struct problems *problems)
{
	struct seen *seen = context;
	double before = cpu_seconds();

	assert_true(pthread_equal(pthread_self(), seen->thread));
	assert_true((fresh == NULL) == (problems->count > 0));
	assert_true((config == NULL) == (fresh == NULL));
	config_free(&config);
	seen->refusals += fresh == NULL;
	if (problems->count)
		snprintf(seen->problem, sizeof(seen->problem), "%s", problems->texts[0]);
	bool swapped = fresh && seen->ruleset;
	if (fresh) {
		struct ruleset *old = seen->ruleset;
		seen->ruleset = fresh;
		ruleset_unref(&old);
	}
	double took = cpu_seconds() - before;
	seen->longest = took > seen->longest ? took : seen->longest;
	if (swapped && (seen->shortest == 0 || took < seen->shortest))
		seen->shortest = took;
	if (++seen->loads == seen->wanted)
		event_base_loopbreak(seen->base);
}

static struct seen seen_new(int wanted)
{
	return (struct seen){ .base = event_base_new(), .wanted = wanted, .thread = pthread_self() };
}

static void seen_fini(struct seen *seen)
{
	ruleset_unref(&seen->ruleset);
	event_base_free(seen->base);
}

static void test_loads_and_swaps(void **state)
{
	struct seen seen = seen_new(1);
	struct reload *reload = reload_new(seen.base, &shipped, on_loaded, &seen);

	(void)state;
	for (int i = 0; i < LOADS; i++) {
		seen.wanted = i + 1;
		reload_start(reload);
		event_base_dispatch(seen.base);
	}
	assert_int_equal(seen.loads, LOADS);
	assert_int_equal(seen.refusals, 0);
	assert_non_null(seen.ruleset);
	print_message("a swap takes %.0f to %.0f us of the loop thread\n", seen.shortest * 1e6, seen.longest * 1e6);
	assert_true(seen.shortest < 0.001); /* the longest is as the machine is */
	reload_free(&reload);
	assert_null(reload);
	seen_fini(&seen);
}

/* Signals that come while a load is under way make one more load, not one each. */
static void test_signals_meanwhile(void **state)
{
	struct seen seen = seen_new(2);
	struct reload *reload = reload_new(seen.base, &shipped, on_loaded, &seen);

	(void)state;
	reload_start(reload);
	reload_start(reload);
	reload_start(reload);
	event_base_dispatch(seen.base);
	assert_int_equal(seen.loads, 2);
	assert_int_equal(event_base_loop(seen.base, EVLOOP_NONBLOCK), 0);
	assert_int_equal(seen.loads, 2);
	reload_free(&reload);
	seen_fini(&seen);
}

static void test_refused(void **state)
{
	static const struct {
		struct config_source source;
		const char *says;
	} rows[] = {
		{ { 'o', "rules.folder=/nonexistent" }, "/nonexistent: folder of the rules" },
		{ { 'o', "redis.port=0" }, "-o: redis.port is 0" },
		{ { 'X', "acks=1" }, "-X: kafka.properties: acks belongs to the daemon" },
		{ { 'o', "redis.password_file=/nonexistent" }, "-o: redis.password_file /nonexistent" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct config_source list[] = { shipped_list[0], rows[i].source };
		struct config_sources sources = { list, 2 };
		struct seen seen = seen_new(1);
		struct reload *reload = reload_new(seen.base, &sources, on_loaded, &seen);
		reload_start(reload);
		event_base_dispatch(seen.base);
		assert_int_equal(seen.refusals, 1);
		if (!strstr(seen.problem, rows[i].says))
			fail_msg("\"%s\" does not say \"%s\"", seen.problem, rows[i].says);
		reload_free(&reload);
		seen_fini(&seen);
	}
}

static void test_freed_while_loading(void **state)
{
	struct seen seen = seen_new(1);
	struct reload *reload = reload_new(seen.base, &shipped, on_loaded, &seen);

	(void)state;
	reload_start(reload);
	reload_free(&reload);
	assert_int_equal(seen.loads, 0);
	seen_fini(&seen);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_loads_and_swaps),
		cmocka_unit_test(test_signals_meanwhile),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_freed_while_loading),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
