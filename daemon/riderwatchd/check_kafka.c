/* SPDX-License-Identifier: Apache-2.0 */
/* Are the brokers there, and the topics? */
#include "check_internal.h"

#include <string.h>
#include "kafka_conf.h"
#include "kafka_fault.h"
#include "monotonic.h"

enum { TURN_MS = 200 };

/* ---- connections ---- */

static void on_error(rd_kafka_t *handle, int code, const char *reason, void *opaque)
{
	struct check *check = opaque;

	(void)handle;
	/* What tells the cause stays: "all brokers are down" and broken pipes often follow. */
	if (code == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN ||
	    (check->last_error[0] && kafka_obstacle_find(check->last_code, check->last_error)->words &&
	     !kafka_obstacle_find(code, reason)->words))
		return;
	check->last_code = code;
	snprintf(check->last_error, sizeof(check->last_error), "%s", reason);
}

/* Findings say it. */
static void on_log(const rd_kafka_t *handle, int level, const char *facility, const char *text)
{
	(void)handle, (void)level, (void)facility, (void)text;
}

rd_kafka_t *check_handle(struct check *check, int role)
{
	char error[512];
	rd_kafka_conf_t *conf = kafka_conf_new(check->config, role, error, sizeof(error));
	rd_kafka_t *handle = NULL;

	if (conf) {
		rd_kafka_conf_set_opaque(conf, check);
		rd_kafka_conf_set_error_cb(conf, on_error);
		rd_kafka_conf_set_log_cb(conf, on_log);
		if (role == KAFKA_PROBE)
			rd_kafka_conf_set_dr_msg_cb(conf, check_on_delivery);
		handle = rd_kafka_new(role == KAFKA_PROBE || role == KAFKA_PRODUCER ? RD_KAFKA_PRODUCER
										    : RD_KAFKA_CONSUMER,
				      conf, error, sizeof(error));
		if (!handle)
			rd_kafka_conf_destroy(conf);
	}
	if (!handle)
		check_find(check, CHECK_ERROR, EX_CONFIG, "%s; correct the properties below kafka", error);
	return handle;
}

static bool has_answered(struct check *check)
{
	const struct rd_kafka_metadata *metadata;
	bool answers = rd_kafka_metadata(check->probe, 0, NULL, &metadata, TURN_MS) == 0;

	if (answers)
		rd_kafka_metadata_destroy(metadata);
	rd_kafka_poll(check->probe, 0);
	return answers;
}

void check_brokers(struct check *check)
{
	int64_t until = monotonic_ms() + CHECK_ANSWER_MS;
	const struct kafka_obstacle *obstacle;

	check->probe = check_handle(check, KAFKA_PROBE);
	while (check->probe && !check->kafka_answers && monotonic_ms() < until)
		check->kafka_answers = has_answered(check);
	if (check->kafka_answers || !check->probe)
		return;
	obstacle = kafka_obstacle_find(check->last_code, check->last_error);
	check_find(check, CHECK_ERROR, obstacle->refused ? EX_NOPERM : EX_UNAVAILABLE, "%s: %s; %s",
		   check->config->kafka_brokers,
		   check->last_error[0] ? check->last_error : "no answer within five seconds", obstacle->advice);
}

/* ---- topics ---- */

static void add_topic(struct check *check, struct slice name, const char *setting, enum check_kind kind)
{
	struct check_topic *topic = &check->topics[check->topic_count];

	for (size_t i = 0; i < check->topic_count; i++)
		if (slice_equal(name, slice_of(check->topics[i].name)))
			return;
	*topic = (struct check_topic){ .setting = setting, .kind = kind };
	snprintf(topic->name, sizeof(topic->name), "%.*s", (int)name.size, name.data);
	check->topic_count++;
}

static void list_topics(struct check *check)
{
	const struct config *config = check->config;
	struct slice routed[ROUTE_TOPICS_MAX];
	size_t count = ruleset_topics(check->ruleset, routed);

	add_topic(check, slice_of(config->topics_reports), "topics.reports", CHECK_INPUT);
	add_topic(check, slice_of(config->topics_deliveries), "topics.deliveries", CHECK_INPUT);
	add_topic(check, slice_of(config->topics_alerts_emergency), "topics.alerts_emergency", CHECK_ALERTS);
	add_topic(check, slice_of(config->topics_alerts_fire), "topics.alerts_fire", CHECK_ALERTS);
	add_topic(check, slice_of(config->topics_alerts_food), "topics.alerts_food", CHECK_ALERTS);
	add_topic(check, slice_of(config->topics_dead_letters), "topics.dead_letters", CHECK_DEAD_LETTERS);
	for (size_t i = 0; i < count; i++)
		add_topic(check, routed[i], "routes.json", CHECK_ALERTS);
}

static void take_partitions(struct check_topic *topic, const struct rd_kafka_metadata_topic *found)
{
	topic->partitions = found->partition_cnt;
	for (int i = 0; i < found->partition_cnt; i++)
		if (i == 0 || found->partitions[i].replica_cnt < topic->replicas)
			topic->replicas = found->partitions[i].replica_cnt;
}

/* topic: filled, unless it is NULL or there is an error. */
static rd_kafka_resp_err_t ask_topic(struct check *check, const char *name, struct check_topic *topic)
{
	const struct rd_kafka_metadata *metadata;
	rd_kafka_topic_t *handle = rd_kafka_topic_new(check->probe, name, NULL);
	rd_kafka_resp_err_t code = rd_kafka_metadata(check->probe, 0, handle, &metadata, CHECK_ANSWER_MS);

	if (!code) {
		code = metadata->topic_cnt == 1 ? metadata->topics[0].err : RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART;
		if (!code && topic)
			take_partitions(topic, &metadata->topics[0]);
		rd_kafka_metadata_destroy(metadata);
	}
	rd_kafka_topic_destroy(handle);
	return code;
}

static void check_topic_exists(struct check *check, struct check_topic *topic)
{
	rd_kafka_resp_err_t code = ask_topic(check, topic->name, topic);
	const struct kafka_fault *fault;

	topic->exists = !code && topic->partitions > 0;
	if (topic->exists)
		return;
	fault = kafka_fault_find(code);
	check_find(check, CHECK_ERROR,
		   code == RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED ? EX_NOPERM : EX_UNAVAILABLE,
		   "topic %s (%s): %s; %s", topic->name, topic->setting,
		   code ? rd_kafka_err2str(code) : "it has no partitions",
		   fault ? fault->advice : "is its leader up? run again");
}

void check_topics(struct check *check)
{
	list_topics(check);
	for (size_t i = 0; i < check->topic_count; i++)
		check_topic_exists(check, &check->topics[i]);
}

/* What a producer reads to end what a crash of all brokers left open. */
void check_own_topics(struct check *check)
{
	static const char *const names[] = { "__transaction_state", "__consumer_offsets" };

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (ask_topic(check, names[i], NULL) == RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED)
			check_find(
				check, CHECK_WARNING, 0,
				"this user may not look at %s: transactions that crashed brokers forgot to end are not "
				"found; grant Read on __transaction_state and Describe on __consumer_offsets",
				names[i]);
}

static void check_replicas(struct check *check)
{
	size_t alone = 0;

	for (size_t i = 0; i < check->topic_count; i++)
		alone += check->topics[i].exists && check->topics[i].replicas < 2;
	if (alone)
		check_find(check, CHECK_NOTE, 0,
			   "%zu of %zu topics are on one broker only: a crash of it can lose what it acknowledged; "
			   "replicate topics in production",
			   alone, check->topic_count);
}

void check_partitions(struct check *check)
{
	const struct check_topic *reports = &check->topics[0], *deliveries = &check->topics[1];

	if (reports->exists && deliveries->exists && reports->partitions != deliveries->partitions)
		check_find(
			check, CHECK_ERROR, EX_UNAVAILABLE,
			"%s has %d partitions and %s has %d, so that a rider's events are spread over shards; create "
			"both with the same number",
			reports->name, reports->partitions, deliveries->name, deliveries->partitions);
	check_replicas(check);
}

/* ---- instance ---- */

bool check_is_passing(rd_kafka_resp_err_t code)
{
	return code == RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS ||
	       code == RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE || code == RD_KAFKA_RESP_ERR_NOT_COORDINATOR ||
	       code == RD_KAFKA_RESP_ERR__WAIT_COORD;
}

static bool has_member(const rd_kafka_ConsumerGroupDescription_t *group, const char *instance)
{
	for (size_t i = 0; i < rd_kafka_ConsumerGroupDescription_member_count(group); i++) {
		const rd_kafka_MemberDescription_t *member = rd_kafka_ConsumerGroupDescription_member(group, i);
		const char *name = rd_kafka_MemberDescription_group_instance_id(member);
		if (name && strcmp(name, instance) == 0)
			return true;
	}
	return false;
}

/* A group that nobody has joined yet is described, too. */
static rd_kafka_resp_err_t take_group(struct check *check, const rd_kafka_ConsumerGroupDescription_t *group)
{
	const rd_kafka_error_t *error = rd_kafka_ConsumerGroupDescription_error(group);

	check->instance_runs |= !error && has_member(group, check->config->kafka_instance);
	return error ? rd_kafka_error_code(error) : RD_KAFKA_RESP_ERR_NO_ERROR;
}

static rd_kafka_resp_err_t describe_group(struct check *check, const char *name)
{
	rd_kafka_queue_t *queue = rd_kafka_queue_new(check->probe);
	rd_kafka_AdminOptions_t *options =
		rd_kafka_AdminOptions_new(check->probe, RD_KAFKA_ADMIN_OP_DESCRIBECONSUMERGROUPS);
	const rd_kafka_ConsumerGroupDescription_t **groups;
	char error[128];
	size_t count = 0;

	rd_kafka_AdminOptions_set_request_timeout(options, CHECK_ANSWER_MS, error, sizeof(error));
	rd_kafka_DescribeConsumerGroups(check->probe, &name, 1, options, queue);
	rd_kafka_event_t *event = rd_kafka_queue_poll(queue, CHECK_ANSWER_MS + 1000);
	rd_kafka_resp_err_t code = event ? rd_kafka_event_error(event) : RD_KAFKA_RESP_ERR__TIMED_OUT;
	if (!code) {
		groups = rd_kafka_DescribeConsumerGroups_result_groups(
			rd_kafka_event_DescribeConsumerGroups_result(event), &count);
		code = count == 1 ? take_group(check, groups[0]) : RD_KAFKA_RESP_ERR__FAIL;
	}
	if (event)
		rd_kafka_event_destroy(event);
	rd_kafka_AdminOptions_destroy(options);
	rd_kafka_queue_destroy(queue);
	return code;
}

/* A group that was never used has to find its coordinator first. */
static rd_kafka_resp_err_t describe_patiently(struct check *check, const char *name)
{
	int64_t until = monotonic_ms() + 2 * CHECK_ANSWER_MS;
	rd_kafka_resp_err_t code = describe_group(check, name);

	while (check_is_passing(code) && monotonic_ms() < until) {
		rd_kafka_poll(check->probe, TURN_MS);
		code = describe_group(check, name);
	}
	return code;
}

void check_instance(struct check *check)
{
	char shadow[300];

	kafka_conf_shadow_group(check->config, shadow, sizeof(shadow));
	check->group_errors[0] = describe_patiently(check, check->config->kafka_group);
	check->group_errors[1] = describe_patiently(check, shadow);
	if (check->instance_runs)
		check_find(
			check, CHECK_NOTE, 0,
			"a process named \"%s\" is in group %s now, or was a moment ago; if it is not this one, give "
			"each process its own kafka.instance, for the two throw each other out",
			check->config->kafka_instance, check->config->kafka_group);
}
