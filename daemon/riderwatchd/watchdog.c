/* SPDX-License-Identifier: Apache-2.0 */
#include "watchdog.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>
#include "alloc.h"
#include "monotonic.h"
#include "must.h"

#define LOOK_MS 500

struct watchdog {
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t stop_changed;
	bool stop;
	int64_t limit_ms;
	int64_t entered_ms; /* 0: no call under way */
	const char *call;
};

static void bite(const struct watchdog *watchdog)
{
	char text[256];
	int size = snprintf(text, sizeof(text),
			    "riderwatchd: watchdog: %s did not return within %lld ms; exiting with %d so that the "
			    "supervisor starts "
			    "the process again\n",
			    watchdog->call, (long long)watchdog->limit_ms, WATCHDOG_EXIT);

	/* No stdio, no exit handlers: any of them may be what hangs. */
	if (write(STDERR_FILENO, text, (size_t)size) < 0)
		_exit(WATCHDOG_EXIT);
	_exit(WATCHDOG_EXIT);
}

static void *look(void *context)
{
	struct watchdog *watchdog = context;

	pthread_mutex_lock(&watchdog->lock);
	while (!watchdog->stop) {
		struct timespec until;

		if (watchdog->entered_ms && monotonic_ms() - watchdog->entered_ms > watchdog->limit_ms)
			bite(watchdog);
		clock_gettime(CLOCK_MONOTONIC, &until);
		until.tv_nsec += LOOK_MS * 1000000L;
		until.tv_sec += until.tv_nsec / 1000000000L;
		until.tv_nsec %= 1000000000L;
		pthread_cond_timedwait(&watchdog->stop_changed, &watchdog->lock, &until);
	}
	pthread_mutex_unlock(&watchdog->lock);
	return NULL;
}

struct watchdog *watchdog_new(int64_t limit_ms)
{
	struct watchdog *watchdog = alloc_zeroed(1, sizeof(*watchdog));
	pthread_condattr_t monotonic;

	watchdog->limit_ms = limit_ms;
	pthread_mutex_init(&watchdog->lock, NULL);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&watchdog->stop_changed, &monotonic);
	pthread_condattr_destroy(&monotonic);
	MUST(pthread_create(&watchdog->thread, NULL, look, watchdog) == 0);
	pthread_setname_np(watchdog->thread, "watchdog");
	return watchdog;
}

void watchdog_enter(struct watchdog *watchdog, const char *call)
{
	pthread_mutex_lock(&watchdog->lock);
	watchdog->call = call;
	watchdog->entered_ms = monotonic_ms();
	pthread_mutex_unlock(&watchdog->lock);
}

void watchdog_leave(struct watchdog *watchdog)
{
	pthread_mutex_lock(&watchdog->lock);
	watchdog->entered_ms = 0;
	pthread_mutex_unlock(&watchdog->lock);
}

void watchdog_free(struct watchdog **watchdog_pointer)
{
	struct watchdog *watchdog = *watchdog_pointer;

	if (!watchdog)
		return;
	*watchdog_pointer = NULL;
	pthread_mutex_lock(&watchdog->lock);
	watchdog->stop = true;
	pthread_cond_signal(&watchdog->stop_changed);
	pthread_mutex_unlock(&watchdog->lock);
	pthread_join(watchdog->thread, NULL);
	pthread_cond_destroy(&watchdog->stop_changed);
	pthread_mutex_destroy(&watchdog->lock);
	free(watchdog);
}
