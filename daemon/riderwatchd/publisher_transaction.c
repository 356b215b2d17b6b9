/* SPDX-License-Identifier: Apache-2.0 */
/* One transaction. What follows from an error is decided by its flags, never by its code: the same code comes with
 * different flags. Codes only tell whether a person has to change something. */
#include "publisher_internal.h"

#include <string.h>
#include "crash.h"
#include "kafka_fault.h"
#include "log.h"
#include "monotonic.h"
#include "must.h"

enum ending {
	ENDING_OK,
	ENDING_ABORT, /* not committed, says the library, if the abort succeeds */
	ENDING_LOST,  /* producer unusable */
	ENDING_LATE,  /* retriable, but for too long, or the process stops; a commit whose answer is not known */
	ENDING_LEFT,  /* to the next producer, nothing of it having been answered */
};

struct transaction {
	struct publisher *publisher;
	struct producer *producer;
	const struct publish_job *job;
	rd_kafka_topic_partition_list_t *offsets;
	int64_t until_ms;
	int commits;                     /* calls of commit */
	rd_kafka_resp_err_t commit_code; /* answer of the last one */
	/* The first error that was not to be tried again. */
	const char *failed_step;
	rd_kafka_resp_err_t failed_code;
};

typedef rd_kafka_error_t *call_f(struct transaction *transaction);

static rd_kafka_error_t *call_begin(struct transaction *transaction)
{
	return rd_kafka_begin_transaction(transaction->producer->handle);
}

static rd_kafka_error_t *call_group_offsets(struct transaction *transaction)
{
	return rd_kafka_send_offsets_to_transaction(transaction->producer->handle, transaction->offsets,
						    transaction->job->metadata, CALL_MS);
}

static rd_kafka_error_t *call_shadow_offsets(struct transaction *transaction)
{
	return rd_kafka_send_offsets_to_transaction(transaction->producer->handle, transaction->offsets,
						    transaction->publisher->shadow_metadata, CALL_MS);
}

static rd_kafka_error_t *call_commit(struct transaction *transaction)
{
	rd_kafka_error_t *error;

	transaction->commits++;
	error = rd_kafka_commit_transaction(transaction->producer->handle, COMMIT_MS);
	transaction->commit_code = rd_kafka_error_code(error);
	return error;
}

static rd_kafka_error_t *call_abort(struct transaction *transaction)
{
	return rd_kafka_abort_transaction(transaction->producer->handle, CALL_MS);
}

enum step { STEP_BEGIN, STEP_GROUP_OFFSETS, STEP_SHADOW_OFFSETS, STEP_COMMIT, STEP_ABORT };

static const struct {
	const char *name;
	call_f *call;
	const char *done; /* crash point after it */
} steps[] = {
	[STEP_BEGIN] = { "begin_transaction", call_begin, "begun" },
	[STEP_GROUP_OFFSETS] = { "send_offsets_to_transaction", call_group_offsets, "offsets_sent" },
	[STEP_SHADOW_OFFSETS] = { "send_offsets_to_transaction (shadow group)", call_shadow_offsets,
				  "shadow_offsets_sent" },
	[STEP_COMMIT] = { "commit_transaction", call_commit, "committed" },
	[STEP_ABORT] = { "abort_transaction", call_abort, "aborted" },
};

/* The coordinator that comes back may have forgotten to end the transaction before this one, and then an abort of this
 * one would undo that commit: the next producer looks first (publisher_sweep.c). What the coordinator of before knew of
 * this one does no harm, since it took no request until that end was written. */
static bool cut_before_first_answer(const struct transaction *transaction, enum step step)
{
	return step == STEP_GROUP_OFFSETS && atomic_load(&transaction->producer->cut);
}

/* Retriable is none of the ends; anything without a flag is treated as fatal, as the library asks for. A commit
 * that timed out is not called again: when its answer meets the second call, librdkafka 2.0.2 may end the process (a
 * step of the wall clock, by which it waits, is enough). Stable offsets tell what became of it. */
static bool ends(struct transaction *transaction, enum step step, const rd_kafka_error_t *error, enum ending *ending)
{
	rd_kafka_resp_err_t code = rd_kafka_error_code(error);

	if (code == RD_KAFKA_RESP_ERR__TIMED_OUT || code == RD_KAFKA_RESP_ERR__TRANSPORT)
		atomic_store(&transaction->producer->tainted, true);
	if (rd_kafka_error_is_fatal(error))
		*ending = ENDING_LOST;
	else if (rd_kafka_error_txn_requires_abort(error))
		*ending = ENDING_ABORT;
	else if (!rd_kafka_error_is_retriable(error))
		*ending = ENDING_LOST;
	else if (cut_before_first_answer(transaction, step))
		*ending = ENDING_LEFT;
	else if ((step == STEP_COMMIT && code == RD_KAFKA_RESP_ERR__TIMED_OUT) ||
		 monotonic_ms() >= transaction->until_ms || atomic_load(&transaction->publisher->stopping))
		*ending = ENDING_LATE;
	else
		return false;
	return true;
}

/* ending: what the error leads to, ENDING_OK while the step is tried again. */
static void note_error(struct transaction *transaction, const char *step, const rd_kafka_error_t *error,
		       enum ending ending)
{
	static const char *const texts[] = {
		[ENDING_OK] = "transaction step is tried again",
		[ENDING_ABORT] = "transaction step failed",
		[ENDING_LOST] = "transaction step failed",
		[ENDING_LATE] = "transaction step is given up, its outcome is not known",
		[ENDING_LEFT] = "transaction step is left to a new producer",
	};

	log_limited(LOG_WARNING, texts[ending], "step=%s error=%s text=%s", step, rd_kafka_error_name(error),
		    rd_kafka_error_string(error));
	if ((ending == ENDING_ABORT || ending == ENDING_LOST) && !transaction->failed_step) {
		transaction->failed_step = step;
		transaction->failed_code = rd_kafka_error_code(error);
	}
}

/* A record that could not be delivered explains more than the error of the call, but may be heard of only in the abort.
 */
static void report_fault(struct transaction *transaction)
{
	struct producer *producer = transaction->producer;
	bool taints = false;

	if (producer->failed)
		log_limited(LOG_WARNING, "record not delivered", "topic=%s error=%s", producer->failed_topic,
			    rd_kafka_err2name(producer->failed));
	/* After a lost session we join again as a new member under our instance name, and a batch read before is
	 * refused like this: no rival is needed. A real one ends the consumer. */
	if (transaction->failed_code == RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID)
		return;
	if (!producer->failed ||
	    !publisher_report(transaction->publisher, producer->failed, producer->failed_topic, &taints))
		publisher_report(transaction->publisher, transaction->failed_code, transaction->failed_step, &taints);
	if (taints)
		atomic_store(&producer->tainted, true);
}

static enum ending run_step(struct transaction *transaction, enum step step)
{
	for (;;) {
		enum ending ending = ENDING_OK;
		rd_kafka_error_t *error;
		bool end;

		watchdog_enter(transaction->publisher->watchdog, steps[step].name);
		error = steps[step].call(transaction);
		watchdog_leave(transaction->publisher->watchdog);
		if (!error) {
			crash_point(steps[step].done);
			return ENDING_OK;
		}
		end = ends(transaction, step, error, &ending);
		note_error(transaction, steps[step].name, error, ending);
		rd_kafka_error_destroy(error);
		if (end)
			return ending;
		rd_kafka_poll(transaction->producer->handle, 20);
	}
}

static rd_kafka_headers_t *make_headers(const struct output_record *record)
{
	rd_kafka_headers_t *headers = rd_kafka_headers_new(record->header_count);

	for (size_t i = 0; i < record->header_count; i++)
		rd_kafka_header_add(headers, record->headers[i].name.data, (ssize_t)record->headers[i].name.size,
				    record->headers[i].value.data, (ssize_t)record->headers[i].value.size);
	return headers;
}

/* The record gets no timestamp of ours: one lying clock would block the partition for good. The bytes are copied, since
 * a producer that broke may hold them for longer than the chunk lives. */
static rd_kafka_resp_err_t produce(struct transaction *transaction, rd_kafka_topic_t *topic,
				   const struct output_record *record)
{
	rd_kafka_headers_t *headers = make_headers(record);
	rd_kafka_resp_err_t code = rd_kafka_producev(
		transaction->producer->handle, RD_KAFKA_V_RKT(topic),
		RD_KAFKA_V_PARTITION(record->partition < 0 ? RD_KAFKA_PARTITION_UA : record->partition),
		RD_KAFKA_V_KEY(record->key.data, record->key.size),
		RD_KAFKA_V_VALUE((void *)(uintptr_t)record->payload.data, record->payload.size),
		RD_KAFKA_V_HEADERS(headers), RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_END);

	if (code)
		rd_kafka_headers_destroy(headers);
	return code;
}

static enum ending produce_record(struct transaction *transaction, const struct output_record *record)
{
	rd_kafka_topic_t *topic = producer_topic(transaction->producer, record->topic);
	rd_kafka_resp_err_t code;

	while ((code = produce(transaction, topic, record)) == RD_KAFKA_RESP_ERR__QUEUE_FULL) {
		if (monotonic_ms() >= transaction->until_ms || atomic_load(&transaction->publisher->stopping))
			return ENDING_LATE;
		rd_kafka_poll(transaction->producer->handle, 50);
	}
	if (!code)
		return ENDING_OK;
	transaction->producer->failed = code;
	snprintf(transaction->producer->failed_topic, sizeof(transaction->producer->failed_topic), "%s",
		 rd_kafka_topic_name(topic));
	return code == RD_KAFKA_RESP_ERR__FATAL || code == RD_KAFKA_RESP_ERR__STATE ? ENDING_LOST : ENDING_ABORT;
}

static enum ending produce_all(struct transaction *transaction, uint64_t *count)
{
	for (struct protocol_chunk *link = transaction->job->batch->chunks; link; link = link->next) {
		/* The head of a chunk is its first member. */
		const struct chunk *chunk = (const struct chunk *)link;

		for (const struct output_record *record = chunk->records; record; record = record->next, (*count)++) {
			enum ending ending = produce_record(transaction, record);

			if (ending != ENDING_OK)
				return ending;
		}
	}
	return ENDING_OK;
}

static rd_kafka_topic_partition_list_t *offset_list(const struct config *config, const struct publish_job *job)
{
	const char *const names[INPUT_COUNT] = { config->topics_reports, config->topics_deliveries };
	rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)job->offset_count);

	for (size_t i = 0; i < job->offset_count; i++) {
		const struct publish_offset *offset = &job->offsets[i];
		rd_kafka_topic_partition_t *partition =
			rd_kafka_topic_partition_list_add(list, names[offset->input], offset->partition);

		partition->offset = offset->offset;
		partition->metadata = strdup(offset->metadata); /* the list frees it */
		MUST(partition->metadata);
		partition->metadata_size = strlen(offset->metadata);
	}
	return list;
}

/* The real group goes first: when it is refused, nothing is sent for the shadow. And while the broker still ends the
 * transaction before, it is asked again after retry.backoff.ms, where the first record of a partition would wait for
 * librdkafka's fixed 20 ms. Commit follows at once, since a pending offset makes the next owner of the partition wait.
 */
static enum ending run_to_commit(struct transaction *transaction, uint64_t *records)
{
	enum ending ending = run_step(transaction, STEP_GROUP_OFFSETS);

	if (ending == ENDING_OK) {
		ending = produce_all(transaction, records);
		crash_point("produced");
	}
	if (ending == ENDING_OK)
		ending = run_step(transaction, STEP_SHADOW_OFFSETS);
	return ending == ENDING_OK ? run_step(transaction, STEP_COMMIT) : ending;
}

/* An abort proves that nothing was committed only when no commit request can have been carried out: none was made, or
 * the one that was made failed before any request got lost. */
static bool surely_not_committed(const struct transaction *transaction)
{
	return transaction->commits == 0 ||
	       (transaction->commits == 1 && !atomic_load(&transaction->producer->tainted) &&
		transaction->commit_code != RD_KAFKA_RESP_ERR_INVALID_TXN_STATE);
}

static enum publish_result finish(struct transaction *transaction, enum ending ending)
{
	bool certain = surely_not_committed(transaction);

	if (ending == ENDING_OK)
		return PUBLISH_COMMITTED;
	if (ending == ENDING_LOST || (ending == ENDING_LATE && transaction->commits > 0))
		return PUBLISH_UNKNOWN;
	if (ending == ENDING_LEFT) {
		atomic_store(&transaction->producer->tainted, true);
		return PUBLISH_ABORTED;
	}
	/* The abort gets its own time. */
	transaction->until_ms = monotonic_ms() + EXPIRY_MARGIN_MS;
	if (run_step(transaction, STEP_ABORT) != ENDING_OK)
		return PUBLISH_UNKNOWN;
	return certain ? PUBLISH_ABORTED : PUBLISH_UNKNOWN;
}

enum publish_result transaction_run(struct publisher *publisher, const struct publish_job *job)
{
	struct transaction transaction = {
		.publisher = publisher,
		.producer = &publisher->producer,
		.job = job,
		.until_ms = monotonic_ms() + publisher->config->kafka_transaction_timeout + EXPIRY_MARGIN_MS,
	};
	enum publish_result result = PUBLISH_UNKNOWN;
	uint64_t records = 0;

	if (!publisher->producer.handle || atomic_load(&publisher->producer.cut)) {
		atomic_store(&publisher->producer.tainted, true);
		return PUBLISH_ABORTED; /* nothing was sent yet */
	}
	/* Without offsets nothing would be fenced. */
	MUST(job->offset_count > 0 && job->metadata);
	publisher->producer.unused = false;
	publisher->producer.failed = RD_KAFKA_RESP_ERR_NO_ERROR;
	transaction.offsets = offset_list(publisher->config, job);
	if (run_step(&transaction, STEP_BEGIN) == ENDING_OK)
		result = finish(&transaction, run_to_commit(&transaction, &records));
	rd_kafka_poll(publisher->producer.handle, 0);
	if (result != PUBLISH_COMMITTED)
		report_fault(&transaction);
	rd_kafka_topic_partition_list_destroy(transaction.offsets);
	pthread_mutex_lock(&publisher->lock);
	publisher->stats.records += result == PUBLISH_COMMITTED ? records : 0;
	pthread_mutex_unlock(&publisher->lock);
	return result;
}
