/* SPDX-License-Identifier: Apache-2.0 */
/* Preloaded, it lets a process see another wall clock: the real one and the milliseconds that stand in the file named
 * by WALL_CLOCK_FILE, read anew every 20 ms. Waits until a moment of the wall clock end when that clock says so, as the
 * kernel's do when it is set. The monotonic clock is left alone. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/time.h>
#include <threads.h>
#include <time.h>
#include <unistd.h>

#define LOOK_NS 20000000LL
#define SECOND_NS 1000000000LL

static int (*real_clock_gettime)(clockid_t, struct timespec *);
static int (*real_pthread_cond_timedwait)(pthread_cond_t *, pthread_mutex_t *, const struct timespec *);
static int (*real_cnd_timedwait)(cnd_t *, mtx_t *, const struct timespec *);
static _Atomic long long offset_ns, looked_at;

static long long nanoseconds(const struct timespec *time)
{
	return (long long)time->tv_sec * SECOND_NS + time->tv_nsec;
}

static struct timespec to_time(long long ns)
{
	return (struct timespec){ .tv_sec = ns / SECOND_NS, .tv_nsec = ns % SECOND_NS };
}

__attribute__((constructor)) static void find_the_real_ones(void)
{
	*(void **)&real_clock_gettime = dlsym(RTLD_NEXT, "clock_gettime");
	*(void **)&real_pthread_cond_timedwait = dlsym(RTLD_NEXT, "pthread_cond_timedwait");
	*(void **)&real_cnd_timedwait = dlsym(RTLD_NEXT, "cnd_timedwait");
}

static long long real_now(clockid_t clock)
{
	struct timespec now;

	if (!real_clock_gettime)
		find_the_real_ones();
	real_clock_gettime(clock, &now);
	return nanoseconds(&now);
}

static long long offset(void)
{
	long long now = real_now(CLOCK_MONOTONIC);
	const char *path = getenv("WALL_CLOCK_FILE");
	char text[32] = "";
	int file;

	if (now - looked_at < LOOK_NS || !path)
		return offset_ns;
	looked_at = now;
	file = open(path, O_RDONLY | O_CLOEXEC);
	if (file >= 0 && read(file, text, sizeof text - 1) > 0)
		offset_ns = atoll(text) * 1000000;
	if (file >= 0)
		close(file);
	return offset_ns;
}

int clock_gettime(clockid_t clock, struct timespec *time)
{
	long long now = real_now(clock);

	*time = to_time(clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE ? now + offset() : now);
	return 0;
}

int gettimeofday(struct timeval *restrict time, void *restrict zone)
{
	struct timespec now;

	(void)zone;
	clock_gettime(CLOCK_REALTIME, &now);
	*time = (struct timeval){ .tv_sec = now.tv_sec, .tv_usec = now.tv_nsec / 1000 };
	return 0;
}

time_t time(time_t *result)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	if (result)
		*result = now.tv_sec;
	return now.tv_sec;
}

int timespec_get(struct timespec *time, int base)
{
	clock_gettime(CLOCK_REALTIME, time);
	return base;
}

/* The next moment of the real clock to look again at; *due when it is the one that was asked for. */
static struct timespec next_look(const struct timespec *until, int *due)
{
	long long now = real_now(CLOCK_REALTIME), left = nanoseconds(until) - offset() - now;

	*due = left <= LOOK_NS;
	return to_time(now + (*due ? (left > 0 ? left : 0) : LOOK_NS));
}

int pthread_cond_timedwait(pthread_cond_t *restrict condition, pthread_mutex_t *restrict mutex,
			   const struct timespec *restrict until)
{
	for (;;) {
		int due, result;
		struct timespec look = next_look(until, &due);

		result = real_pthread_cond_timedwait(condition, mutex, &look);
		if (result != ETIMEDOUT || due)
			return result;
	}
}

int cnd_timedwait(cnd_t *restrict condition, mtx_t *restrict mutex, const struct timespec *restrict until)
{
	for (;;) {
		int due, result;
		struct timespec look = next_look(until, &due);

		result = real_cnd_timedwait(condition, mutex, &look);
		if (result != thrd_timedout || due)
			return result;
	}
}
