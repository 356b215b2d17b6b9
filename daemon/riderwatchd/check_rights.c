/* SPDX-License-Identifier: Apache-2.0 */
/* What may this user do? Each right is tried with a request that a broker judges before it does anything, and that then
 * changes nothing: records with acks that no broker accepts, offsets of a partition that does not exist. */
#include "check_internal.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>
#include "input_record.h"
#include "kafka_conf.h"
#include "kafka_fault.h"
#include "monotonic.h"
#include "must.h"

enum { NO_SUCH_PARTITION = 2147483000, CLOCK_AHEAD_MS = 2000, TURN_MS = 100 };

static bool is_denied(rd_kafka_resp_err_t code)
{
	return code == RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED ||
	       code == RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED ||
	       code == RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED ||
	       code == RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED;
}

static void find_refusal(struct check *check, const char *doing, const char *name, rd_kafka_resp_err_t code)
{
	const struct kafka_fault *fault = kafka_fault_find(code);

	check_find(check, CHECK_ERROR, is_denied(code) ? EX_NOPERM : EX_UNAVAILABLE, "%s %s: %s; %s", doing, name,
		   rd_kafka_err2str(code), fault ? fault->advice : "look at the broker's log, and run again");
}

/* ---- reading: the last record of each partition, whose time also tells the broker's clock ---- */

struct reading {
	struct check *check;
	int left; /* partitions that have not answered */
	rd_kafka_resp_err_t errors[INPUT_COUNT];
	int64_t ahead_ms; /* how far the latest record is ahead of this host's clock */
};

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

static void take_message(struct reading *reading, const rd_kafka_message_t *message)
{
	const char *name = message->rkt ? rd_kafka_topic_name(message->rkt) : "";
	rd_kafka_timestamp_type_t type;
	int64_t ahead;

	if (message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF || message->err == RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET) {
		reading->left--;
	} else if (message->err && message->rkt) {
		reading->errors[strcmp(name, reading->check->topics[INPUT_DELIVERIES].name) == 0] = message->err;
		reading->left--;
	} else if (!message->err) {
		ahead = rd_kafka_message_timestamp(message, &type) - now_ms();
		if (type == RD_KAFKA_TIMESTAMP_LOG_APPEND_TIME && ahead > reading->ahead_ms)
			reading->ahead_ms = ahead;
	}
}

/* Every partition; a topic that does not exist has none. */
static void start(struct reading *reading, rd_kafka_topic_t *topic, const struct check_topic *input,
		  rd_kafka_queue_t *queue)
{
	for (int32_t p = 0; p < input->partitions; p++)
		reading->left += rd_kafka_consume_start_queue(topic, p, RD_KAFKA_OFFSET_TAIL(1), queue) == 0;
}

static void stop(rd_kafka_topic_t *topic, const struct check_topic *input)
{
	for (int32_t p = 0; p < input->partitions; p++)
		rd_kafka_consume_stop(topic, p);
	rd_kafka_topic_destroy(topic);
}

static void await_ends(struct reading *reading, rd_kafka_queue_t *queue)
{
	int64_t until = monotonic_ms() + CHECK_ANSWER_MS;

	while (reading->left > 0 && monotonic_ms() < until) {
		rd_kafka_message_t *message = rd_kafka_consume_queue(queue, TURN_MS);
		if (!message)
			continue;
		take_message(reading, message);
		rd_kafka_message_destroy(message);
	}
}

static void read_ends(struct reading *reading, rd_kafka_t *reader)
{
	const struct check_topic *inputs = reading->check->topics;
	rd_kafka_queue_t *queue = rd_kafka_queue_new(reader);
	rd_kafka_topic_t *topics[INPUT_COUNT];

	for (int i = 0; i < INPUT_COUNT; i++) {
		topics[i] = rd_kafka_topic_new(reader, inputs[i].name, NULL);
		MUST(topics[i]);
		start(reading, topics[i], &inputs[i], queue);
	}
	await_ends(reading, queue);
	for (int i = 0; i < INPUT_COUNT; i++)
		stop(topics[i], &inputs[i]);
	rd_kafka_queue_destroy(queue);
}

static void judge_reading(struct check *check, const struct reading *reading)
{
	bool denied = reading->errors[0] || reading->errors[1];

	for (int i = 0; i < INPUT_COUNT; i++)
		if (reading->errors[i])
			find_refusal(check, "read", check->topics[i].name, reading->errors[i]);
	if (reading->left > 0 && !denied)
		check_find(check, CHECK_ERROR, EX_UNAVAILABLE,
			   "%d partitions of the input topics cannot be read within five seconds; are their leaders "
			   "up?",
			   reading->left);
	if (reading->ahead_ms > CLOCK_AHEAD_MS)
		check_find(check, CHECK_WARNING, 0,
			   "the clock of a broker is %" PRId64 " s ahead of this host's: deduplication and daily caps "
			   "follow the broker's; set both by NTP",
			   reading->ahead_ms / 1000);
}

void check_reads(struct check *check)
{
	struct reading reading = { .check = check };
	rd_kafka_t *reader;

	if (!check->topics[0].exists && !check->topics[1].exists)
		return;
	reader = check_handle(check, KAFKA_READER);
	if (!reader)
		return;
	read_ends(&reading, reader);
	rd_kafka_destroy(reader);
	judge_reading(check, &reading);
}

/* ---- writing ---- */

/* One record to each topic, which no broker takes: see KAFKA_PROBE. */
static void send_probe(struct check *check, struct check_topic *topic)
{
	rd_kafka_resp_err_t code =
		rd_kafka_producev(check->probe, RD_KAFKA_V_TOPIC(topic->name), RD_KAFKA_V_PARTITION(0),
				  RD_KAFKA_V_VALUE((void *)"", 0), RD_KAFKA_V_OPAQUE(topic), RD_KAFKA_V_END);

	if (code)
		find_refusal(check, "write to", topic->name, code);
	else
		check->probes_left++;
}

void check_on_delivery(rd_kafka_t *handle, const rd_kafka_message_t *message, void *opaque)
{
	const struct check_topic *topic = message->_private;
	struct check *check = opaque;

	(void)handle;
	check->probes_left--;
	if (message->err != RD_KAFKA_RESP_ERR_INVALID_REQUIRED_ACKS)
		find_refusal(check, "write to", topic->name, message->err);
}

void check_writes(struct check *check)
{
	int64_t until = monotonic_ms() + 2 * CHECK_ANSWER_MS;

	for (size_t i = 0; i < check->topic_count; i++)
		if (check->topics[i].exists && check->topics[i].kind != CHECK_INPUT)
			send_probe(check, &check->topics[i]);
	while (check->probes_left > 0 && monotonic_ms() < until)
		rd_kafka_poll(check->probe, TURN_MS);
	if (check->probes_left > 0)
		check_find(check, CHECK_ERROR, EX_UNAVAILABLE,
			   "%d output topics did not answer in time; are the leaders of their partitions 0 up?",
			   check->probes_left);
}

/* ---- groups: an offset of a partition that is not there ---- */

static rd_kafka_resp_err_t try_commit(struct check *check, rd_kafka_t *handle)
{
	rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
	rd_kafka_resp_err_t code;

	rd_kafka_topic_partition_list_add(list, check->config->topics_reports, NO_SUCH_PARTITION)->offset = 0;
	code = rd_kafka_commit(handle, list, 0);
	rd_kafka_topic_partition_list_destroy(list);
	/* Both come after the group's rights; the second one is told by check_reads. */
	return code == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART || code == RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED
		       ? RD_KAFKA_RESP_ERR_NO_ERROR
		       : code;
}

/* failed: why the group cannot even be described. */
static void try_group(struct check *check, int role, const char *group, rd_kafka_resp_err_t failed)
{
	rd_kafka_t *handle = failed ? NULL : check_handle(check, role);

	if (handle) {
		int64_t until = monotonic_ms() + 2 * CHECK_ANSWER_MS;
		while (check_is_passing(failed = try_commit(check, handle)) && monotonic_ms() < until)
			rd_kafka_poll(check->probe, TURN_MS);
		rd_kafka_destroy_flags(handle, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
	}
	if (failed)
		find_refusal(check, "use group", group, failed);
}

void check_groups(struct check *check)
{
	char shadow[300];

	kafka_conf_shadow_group(check->config, shadow, sizeof(shadow));
	try_group(check, KAFKA_CONSUMER, check->config->kafka_group, check->group_errors[0]);
	try_group(check, KAFKA_SHADOW, shadow, check->group_errors[1]);
}

/* ---- transactions ---- */

/* Taking up the transactional id throws out a process that has it, so it is left alone while one runs. */
void check_transactions(struct check *check)
{
	char id[500];
	rd_kafka_t *producer;
	rd_kafka_error_t *error;

	if (check->instance_runs)
		return;
	kafka_conf_transactional_id(check->config, id, sizeof(id));
	producer = check_handle(check, KAFKA_PRODUCER);
	if (!producer)
		return;
	error = rd_kafka_init_transactions(producer, 2 * CHECK_ANSWER_MS);
	if (error)
		find_refusal(check, "take up the transactional id", id, rd_kafka_error_code(error));
	rd_kafka_error_destroy(error);
	rd_kafka_destroy(producer);
}
