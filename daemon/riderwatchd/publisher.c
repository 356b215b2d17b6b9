/* SPDX-License-Identifier: Apache-2.0 */
#include "publisher_internal.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>
#include "alloc.h"
#include "kafka_conf.h"
#include "kafka_handle.h"
#include "kafka_fault.h"
#include "log.h"
#include "monotonic.h"
#include "must.h"

enum job_kind { JOB_RECREATE, JOB_PUBLISH, JOB_READ_OFFSETS, JOB_ADD_TOPIC };

struct publisher_job {
	struct publisher_job *next;
	enum job_kind kind;
	struct publish_job publish;
	int slot;
	uint64_t token;
	enum input input;
	int32_t partition;
	char *topic;
};

enum answer_kind { ANSWER_PUBLISHED, ANSWER_RECREATED, ANSWER_OFFSETS, ANSWER_FATAL };

struct publisher_answer {
	struct publisher_answer *next;
	enum answer_kind kind;
	enum publish_result result;
	bool flag; /* tainted, or ok */
	int slot;
	uint64_t token;
	struct offsets_reply offsets;
	char *group_metadata, *shadow_metadata; /* NULL: none */
	char *text;
};

/* ---- answers ---- */

/* Takes the answer over. */
static void put_answer(struct publisher *publisher, struct publisher_answer answer)
{
	struct publisher_answer *copy = alloc_zeroed(1, sizeof(*copy));
	uint64_t one = 1;

	*copy = answer;
	copy->next = NULL;
	pthread_mutex_lock(&publisher->lock);
	*publisher->answers_end = copy;
	publisher->answers_end = &copy->next;
	pthread_mutex_unlock(&publisher->lock);
	MUST(write(publisher->answer_fd, &one, sizeof(one)) == sizeof(one));
}

void publisher_fault(struct publisher *publisher, const char *format, ...)
{
	char text[1024];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	put_answer(publisher, (struct publisher_answer){ .kind = ANSWER_FATAL, .text = alloc_text(text) });
}

bool publisher_report(struct publisher *publisher, rd_kafka_resp_err_t code, const char *what, bool *taints)
{
	const struct kafka_fault *fault = kafka_fault_find(code);

	if (!fault)
		return false;
	if (taints)
		*taints = fault->taints;
	publisher_fault(publisher, "Kafka, %s: %s: %s", what, rd_kafka_err2name(code), fault->advice);
	return true;
}

static void free_answer(struct publisher_answer *answer)
{
	free(answer->group_metadata);
	free(answer->shadow_metadata);
	free(answer->text);
	free(answer);
}

static void give_answer(struct publisher *publisher, const struct publisher_answer *answer)
{
	const struct publisher_callbacks *callbacks = publisher->callbacks;

	switch (answer->kind) {
	case ANSWER_PUBLISHED:
		callbacks->on_published(publisher->context, answer->result, answer->flag);
		break;
	case ANSWER_RECREATED:
		callbacks->on_recreated(publisher->context, answer->flag);
		break;
	case ANSWER_OFFSETS:
		callbacks->on_offsets(publisher->context, answer->slot, answer->token, &answer->offsets,
				      answer->group_metadata ? answer->group_metadata : "",
				      answer->shadow_metadata ? answer->shadow_metadata : "");
		break;
	case ANSWER_FATAL:
		callbacks->on_fatal(publisher->context, answer->text);
		break;
	}
}

static struct publisher_answer *take_answers(struct publisher *publisher)
{
	struct publisher_answer *answers;

	pthread_mutex_lock(&publisher->lock);
	answers = publisher->answers;
	publisher->answers = NULL;
	publisher->answers_end = &publisher->answers;
	pthread_mutex_unlock(&publisher->lock);
	return answers;
}

static void on_answered(evutil_socket_t fd, short what, void *context)
{
	struct publisher_answer *answer, *next;
	uint64_t count;

	(void)what;
	if (read(fd, &count, sizeof(count)) < 0)
		return;
	for (answer = take_answers(context); answer; answer = next) {
		next = answer->next;
		give_answer(context, answer);
		free_answer(answer);
	}
}

/* ---- the worker ---- */

static void count_transaction(struct publisher *publisher, enum publish_result result, bool tainted, uint64_t us)
{
	struct publisher_stats *stats = &publisher->stats;

	pthread_mutex_lock(&publisher->lock);
	stats->committed += result == PUBLISH_COMMITTED;
	stats->aborted += result == PUBLISH_ABORTED;
	stats->unknown += result == PUBLISH_UNKNOWN;
	stats->tainted += tainted;
	if (result == PUBLISH_COMMITTED) {
		stats->commit_us_total += us;
		stats->commit_us_max = us > stats->commit_us_max ? us : stats->commit_us_max;
	}
	pthread_mutex_unlock(&publisher->lock);
}

static void run_publish(struct publisher *publisher, const struct publisher_job *job)
{
	int64_t began = monotonic_us();
	enum publish_result result = transaction_run(publisher, &job->publish);
	bool tainted = atomic_load(&publisher->producer.tainted);

	count_transaction(publisher, result, tainted, (uint64_t)(monotonic_us() - began));
	put_answer(publisher, (struct publisher_answer){ .kind = ANSWER_PUBLISHED, .result = result, .flag = tainted });
}

static bool recreate(struct publisher *publisher)
{
	bool ok = producer_recreate(publisher);

	pthread_mutex_lock(&publisher->lock);
	publisher->stats.recreated += ok;
	pthread_mutex_unlock(&publisher->lock);
	return ok;
}

static void run_recreate(struct publisher *publisher, const struct publisher_job *job)
{
	const struct producer *producer = &publisher->producer;
	/* Made anew meanwhile, since a connection was lost. */
	bool fresh = producer->handle && producer->unused && !atomic_load(&producer->tainted) &&
		     !atomic_load(&producer->cut);
	bool ok = fresh || recreate(publisher);

	(void)job;
	put_answer(publisher, (struct publisher_answer){ .kind = ANSWER_RECREATED, .flag = ok });
}

static void run_read_offsets(struct publisher *publisher, const struct publisher_job *job)
{
	struct publisher_answer answer = { .kind = ANSWER_OFFSETS, .slot = job->slot, .token = job->token };

	offsets_read(publisher, job->input, job->partition, &answer.offsets, &answer.group_metadata,
		     &answer.shadow_metadata);
	put_answer(publisher, answer);
}

static void run_add_topic(struct publisher *publisher, const struct publisher_job *job)
{
	const struct rd_kafka_metadata *metadata;
	rd_kafka_topic_t *topic = producer_topic(&publisher->producer, slice_of(job->topic));

	if (!topic)
		return; /* warmed with the producer that is to come */
	watchdog_enter(publisher->watchdog, "rd_kafka_metadata");
	if (!rd_kafka_metadata(publisher->producer.handle, 0, topic, &metadata, CALL_MS)) {
		if (metadata->topic_cnt && metadata->topics[0].err)
			publisher_report(publisher, metadata->topics[0].err, job->topic, NULL);
		rd_kafka_metadata_destroy(metadata);
	}
	watchdog_leave(publisher->watchdog);
}

static void (*const job_runs[])(struct publisher *publisher, const struct publisher_job *job) = {
	[JOB_RECREATE] = run_recreate,
	[JOB_PUBLISH] = run_publish,
	[JOB_READ_OFFSETS] = run_read_offsets,
	[JOB_ADD_TOPIC] = run_add_topic,
};

/* Waits for a job, for a second at most, so that the producer's events are served while nothing goes on. */
static struct publisher_job *take_job(struct publisher *publisher)
{
	struct publisher_job *job;
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec++;
	pthread_mutex_lock(&publisher->lock);
	if (!publisher->jobs && !atomic_load(&publisher->stopping))
		pthread_cond_timedwait(&publisher->work, &publisher->lock, &until);
	job = publisher->jobs;
	if (job && !(publisher->jobs = job->next))
		publisher->jobs_end = &publisher->jobs;
	pthread_mutex_unlock(&publisher->lock);
	return job;
}

static void free_job(struct publisher_job *job)
{
	free(job->topic);
	free(job);
}

static void *work(void *context)
{
	struct publisher *publisher = context;

	while (!atomic_load(&publisher->stopping)) {
		/* At once: what brokers forgot to end may be what reads of offsets wait for, and alerts that nobody
		 * sees. */
		if (atomic_load(&publisher->producer.cut))
			recreate(publisher);
		struct publisher_job *job = take_job(publisher);

		if (job) {
			job_runs[job->kind](publisher, job);
			free_job(job);
		} else if (publisher->producer.handle) {
			rd_kafka_poll(publisher->producer.handle, 0);
		}
	}
	producer_fini(&publisher->producer, publisher->watchdog);
	return NULL;
}

static void put_job(struct publisher *publisher, struct publisher_job job)
{
	struct publisher_job *copy = alloc_zeroed(1, sizeof(*copy));

	*copy = job;
	pthread_mutex_lock(&publisher->lock);
	/* A new producer ends what its name left open, which the reads of offsets that are queued would wait for. */
	copy->next = job.kind == JOB_RECREATE ? publisher->jobs : NULL;
	if (job.kind == JOB_RECREATE)
		publisher->jobs = copy;
	else
		*publisher->jobs_end = copy;
	if (!copy->next)
		publisher->jobs_end = &copy->next;
	pthread_cond_signal(&publisher->work);
	pthread_mutex_unlock(&publisher->lock);
}

/* ---- loop side ---- */

void publisher_recreate(struct publisher *publisher)
{
	put_job(publisher, (struct publisher_job){ .kind = JOB_RECREATE });
}

void publisher_publish(struct publisher *publisher, const struct publish_job *job)
{
	put_job(publisher, (struct publisher_job){ .kind = JOB_PUBLISH, .publish = *job });
}

void publisher_read_offsets(struct publisher *publisher, int slot, uint64_t token, enum input input, int32_t partition)
{
	put_job(publisher, (struct publisher_job){ .kind = JOB_READ_OFFSETS,
						   .slot = slot,
						   .token = token,
						   .input = input,
						   .partition = partition });
}

void publisher_add_topic(struct publisher *publisher, struct slice name)
{
	char *topic = alloc_zeroed(1, name.size + 1);

	memcpy(topic, name.data, name.size);
	put_job(publisher, (struct publisher_job){ .kind = JOB_ADD_TOPIC, .topic = topic });
}

void publisher_stats(struct publisher *publisher, struct publisher_stats *stats)
{
	pthread_mutex_lock(&publisher->lock);
	*stats = publisher->stats;
	pthread_mutex_unlock(&publisher->lock);
}

static void init_queues(struct publisher *publisher, struct event_base *base)
{
	pthread_condattr_t monotonic;

	pthread_mutex_init(&publisher->lock, NULL);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&publisher->work, &monotonic);
	pthread_condattr_destroy(&monotonic);
	publisher->jobs_end = &publisher->jobs;
	publisher->answers_end = &publisher->answers;
	publisher->answer_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	MUST(publisher->answer_fd >= 0);
	publisher->answered = event_new(base, publisher->answer_fd, EV_READ | EV_PERSIST, on_answered, publisher);
	MUST(publisher->answered && event_add(publisher->answered, NULL) == 0);
}

static bool open_shadow(struct publisher *publisher, char *error, size_t error_size)
{
	char group[300];

	publisher->shadow = kafka_consumer_new(publisher->config, KAFKA_SHADOW, error, error_size);
	if (!publisher->shadow)
		return false;
	kafka_conf_shadow_group(publisher->config, group, sizeof(group));
	publisher->shadow_metadata = rd_kafka_consumer_group_metadata_new(group);
	return true;
}

static void name_topics(struct publisher *publisher)
{
	const char *const names[] = { publisher->config->topics_alerts_emergency, publisher->config->topics_alerts_fire,
				      publisher->config->topics_alerts_food, publisher->config->topics_dead_letters };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		producer_topic(&publisher->producer, slice_of(names[i]));
}

struct publisher *publisher_new(struct event_base *base, const struct config *config, rd_kafka_t *consumer,
				const struct publisher_callbacks *callbacks, void *context, char *error,
				size_t error_size)
{
	struct publisher *publisher = alloc_zeroed(1, sizeof(*publisher));
	rd_kafka_conf_t *conf;

	publisher->config = config;
	publisher->consumer = consumer;
	publisher->callbacks = callbacks;
	publisher->context = context;
	init_queues(publisher, base);
	/* Tells a bad property now instead of at the first job. */
	conf = kafka_conf_new(config, KAFKA_PRODUCER, error, error_size);
	if (!conf || !open_shadow(publisher, error, error_size)) {
		if (conf)
			rd_kafka_conf_destroy(conf);
		publisher_free(&publisher);
		return NULL;
	}
	rd_kafka_conf_destroy(conf);
	name_topics(publisher);
	publisher->watchdog = watchdog_new(config->watchdog_timeout);
	MUST(pthread_create(&publisher->thread, NULL, work, publisher) == 0);
	pthread_setname_np(publisher->thread, "publisher");
	publisher->running = true;
	return publisher;
}

static void end_thread(struct publisher *publisher)
{
	if (!publisher->running)
		return;
	pthread_mutex_lock(&publisher->lock);
	atomic_store(&publisher->stopping, true);
	pthread_cond_signal(&publisher->work);
	pthread_mutex_unlock(&publisher->lock);
	pthread_join(publisher->thread, NULL);
}

static void drop_queues(struct publisher *publisher)
{
	for (struct publisher_job *job = publisher->jobs, *next; job; job = next) {
		next = job->next;
		free_job(job);
	}
	for (struct publisher_answer *answer = publisher->answers, *next; answer; answer = next) {
		next = answer->next;
		free_answer(answer);
	}
}

void publisher_free(struct publisher **publisher_pointer)
{
	struct publisher *publisher = *publisher_pointer;

	if (!publisher)
		return;
	*publisher_pointer = NULL;
	end_thread(publisher);
	drop_queues(publisher);
	if (publisher->shadow_metadata)
		rd_kafka_consumer_group_metadata_destroy(publisher->shadow_metadata);
	if (publisher->shadow)
		rd_kafka_destroy_flags(publisher->shadow, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
	watchdog_free(&publisher->watchdog);
	event_free(publisher->answered);
	close(publisher->answer_fd);
	pthread_cond_destroy(&publisher->work);
	pthread_mutex_destroy(&publisher->lock);
	free(publisher);
}
