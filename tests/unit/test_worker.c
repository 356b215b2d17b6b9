/* SPDX-License-Identifier: Apache-2.0 */
#include "worker.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <semaphore.h>
#include <cmocka.h>

struct counted {
	struct job job;
	sem_t *wait;
	int worked, ran, dropped;
};

static struct event_base *base;

static void work(struct job *job)
{
	struct counted *counted = (struct counted *)job;
	if (counted->wait)
		sem_wait(counted->wait);
	counted->worked++;
}

static void done(struct job *job, bool ran)
{
	struct counted *counted = (struct counted *)job;
	counted->ran += ran;
	counted->dropped += !ran;
}

static struct counted fresh(sem_t *wait)
{
	return (struct counted){ .job = { .work = work, .done = done }, .wait = wait };
}

static void test_jobs_are_done_and_handed_back(void **state)
{
	(void)state;
	struct worker *worker = worker_new(base, 100);
	struct counted jobs[50];
	for (int i = 0; i < 50; i++) {
		jobs[i] = fresh(NULL);
		assert_true(worker_submit(worker, &jobs[i].job));
	}
	for (int turns = 0; turns < 1000 && !jobs[49].ran; turns++)
		event_base_loop(base, EVLOOP_ONCE);
	for (int i = 0; i < 50; i++)
		assert_true(jobs[i].worked == 1 && jobs[i].ran == 1 && jobs[i].dropped == 0);
	worker_free(&worker);
	assert_null(worker);
}

static void test_too_many_are_refused(void **state)
{
	(void)state;
	sem_t gate;
	sem_init(&gate, 0, 0);
	struct worker *worker = worker_new(base, 2);
	struct counted first = fresh(&gate), second = fresh(NULL), third = fresh(NULL);
	assert_true(worker_submit(worker, &first.job));
	assert_true(worker_submit(worker, &second.job));
	assert_false(worker_submit(worker, &third.job));
	sem_post(&gate);
	while (!second.ran)
		event_base_loop(base, EVLOOP_ONCE);
	assert_true(worker_submit(worker, &third.job));
	worker_free(&worker);
	assert_int_equal(third.ran + third.dropped, 1);
}

/* What did not begin is handed back as not run, what ran as run: each once. */
static void test_end(void **state)
{
	(void)state;
	sem_t gate;
	sem_init(&gate, 0, 1);
	struct worker *worker = worker_new(base, 100);
	struct counted jobs[20];
	for (int i = 0; i < 20; i++) {
		jobs[i] = fresh(i == 0 ? &gate : NULL);
		worker_submit(worker, &jobs[i].job);
	}
	worker_free(&worker);
	for (int i = 0; i < 20; i++) {
		assert_int_equal(jobs[i].ran + jobs[i].dropped, 1);
		assert_int_equal(jobs[i].ran, jobs[i].worked);
	}
}

static int start(void **state)
{
	(void)state;
	base = event_base_new();
	return base ? 0 : -1;
}

static int stop(void **state)
{
	(void)state;
	event_base_free(base);
	libevent_global_shutdown();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_jobs_are_done_and_handed_back),
		cmocka_unit_test(test_too_many_are_refused),
		cmocka_unit_test(test_end),
	};
	return cmocka_run_group_tests(tests, start, stop);
}
