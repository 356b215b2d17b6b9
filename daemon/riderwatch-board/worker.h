/* SPDX-License-Identifier: Apache-2.0 */
/* A thread for calls that block, so that the loop never does. Jobs are done one after the other. */
#pragma once
#include <event2/event.h>
#include <stdbool.h>

struct worker;

/* Embedded in what the caller needs; belongs to the worker from worker_submit until done. */
struct job {
	struct job *next;
	void (*work)(struct job *job);           /* on the worker's thread */
	void (*done)(struct job *job, bool ran); /* on the loop; ran false: the worker ended first */
};

struct worker *worker_new(struct event_base *base, size_t jobs_max);
/* Waits for the job that runs, then hands every other one back with ran false. NULL is accepted. */
void worker_free(struct worker **worker);
/* False when too many jobs wait: the job stays the caller's. */
bool worker_submit(struct worker *worker, struct job *job);
