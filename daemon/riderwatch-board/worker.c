/* SPDX-License-Identifier: Apache-2.0 */
#include "worker.h"

#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include "alloc.h"
#include "must.h"

struct queue {
	struct job *first, **end;
};

struct worker {
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t wanted;
	struct queue waiting, finished;
	size_t jobs, jobs_max; /* submitted and not yet handed back */
	bool stopping;
	int fd;
	struct event *event;
};

static void push(struct queue *queue, struct job *job)
{
	job->next = NULL;
	*queue->end = job;
	queue->end = &job->next;
}

static struct job *pop(struct queue *queue)
{
	struct job *job = queue->first;
	if (job && !(queue->first = job->next))
		queue->end = &queue->first;
	return job;
}

static void *run(void *context)
{
	static const uint64_t one = 1;
	struct worker *worker = context;
	pthread_mutex_lock(&worker->lock);
	for (;;) {
		while (!worker->waiting.first && !worker->stopping)
			pthread_cond_wait(&worker->wanted, &worker->lock);
		if (worker->stopping)
			break;
		struct job *job = pop(&worker->waiting);
		pthread_mutex_unlock(&worker->lock);
		job->work(job);
		pthread_mutex_lock(&worker->lock);
		push(&worker->finished, job);
		MUST(write(worker->fd, &one, sizeof one) == sizeof one);
	}
	pthread_mutex_unlock(&worker->lock);
	return NULL;
}

static void hand_back(struct worker *worker, struct queue *queue, bool ran)
{
	for (;;) {
		pthread_mutex_lock(&worker->lock);
		struct job *job = pop(queue);
		worker->jobs -= job != NULL;
		pthread_mutex_unlock(&worker->lock);
		if (!job)
			return;
		job->done(job, ran);
	}
}

static void on_finished(evutil_socket_t fd, short what, void *context)
{
	struct worker *worker = context;
	uint64_t count;
	(void)what;
	if (read(fd, &count, sizeof count) > 0)
		hand_back(worker, &worker->finished, true);
}

struct worker *worker_new(struct event_base *base, size_t jobs_max)
{
	struct worker *worker = alloc_zeroed(1, sizeof *worker);
	worker->jobs_max = jobs_max;
	worker->waiting.end = &worker->waiting.first;
	worker->finished.end = &worker->finished.first;
	pthread_mutex_init(&worker->lock, NULL);
	pthread_cond_init(&worker->wanted, NULL);
	worker->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	MUST(worker->fd >= 0);
	worker->event = event_new(base, worker->fd, EV_READ | EV_PERSIST, on_finished, worker);
	event_add(worker->event, NULL);
	MUST(pthread_create(&worker->thread, NULL, run, worker) == 0);
	return worker;
}

void worker_free(struct worker **pointer)
{
	struct worker *worker = *pointer;
	if (!worker)
		return;
	pthread_mutex_lock(&worker->lock);
	worker->stopping = true;
	pthread_cond_signal(&worker->wanted);
	pthread_mutex_unlock(&worker->lock);
	pthread_join(worker->thread, NULL);
	hand_back(worker, &worker->finished, true);
	hand_back(worker, &worker->waiting, false);
	event_free(worker->event);
	close(worker->fd);
	pthread_mutex_destroy(&worker->lock);
	pthread_cond_destroy(&worker->wanted);
	free(worker);
	*pointer = NULL;
}

bool worker_submit(struct worker *worker, struct job *job)
{
	pthread_mutex_lock(&worker->lock);
	bool room = worker->jobs < worker->jobs_max && !worker->stopping;
	if (room) {
		worker->jobs++;
		push(&worker->waiting, job);
		pthread_cond_signal(&worker->wanted);
	}
	pthread_mutex_unlock(&worker->lock);
	return room;
}
