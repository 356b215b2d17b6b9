/* SPDX-License-Identifier: Apache-2.0 */
/* riderwatchctl status: how far each partition is, and whether Kafka and Redis fit together. Asks both, not the daemon.
 */
#include "status.h"

#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include "alloc.h"
#include "columns.h"
#include "commands.h"
#include "redis_info.h"

enum { EXIT_TROUBLE = 1, ROWS_SHOWN = 32, STORE_DIGITS = 8 };

struct status {
	const struct command_line *line;
	const struct config *config;
	struct redis_link redis;
	struct kafka_link kafka;
	struct redis_info info;
	struct status_row *rows; /* reports first, by partition */
	size_t count;
	bool trouble;
};

/* ---- which rows fit on a screen: those in trouble, then those with the most to count ---- */

static int compare_interest(const void *a, const void *b)
{
	const struct status_row *one = *(struct status_row *const *)a, *two = *(struct status_row *const *)b;
	bool first = status_row_condition(one)->trouble, second = status_row_condition(two)->trouble;
	int64_t lag = status_row_lag(one), other = status_row_lag(two);
	if (first != second)
		return first ? -1 : 1;
	if (lag != other)
		return lag > other ? -1 : 1;
	return one < two ? -1 : 1;
}

static int compare_place(const void *a, const void *b)
{
	const struct status_row *one = *(struct status_row *const *)a, *two = *(struct status_row *const *)b;
	return one < two ? -1 : one > two;
}

/* Fills list with the rows to show, in their order; returns how many. */
static size_t choose_rows(const struct status *status, struct status_row **list)
{
	size_t shown = status->count;
	for (size_t i = 0; i < status->count; i++)
		list[i] = &status->rows[i];
	if (!command_value(status->line, "all") && shown > ROWS_SHOWN) {
		qsort((void *)list, status->count, sizeof(*list), compare_interest);
		shown = ROWS_SHOWN;
	}
	qsort((void *)list, shown, sizeof(*list), compare_place);
	return shown;
}

/* ---- text ---- */

static void print_head(const struct status *status)
{
	const struct config *config = status->config;
	char info[256], number[32];
	int64_t lag = 0;
	for (size_t i = 0; i < status->count; i++)
		lag += status_row_lag(&status->rows[i]);
	redis_info_text(&status->info, info, sizeof(info));
	printf("Kafka     %s, group %s\n", config->kafka_brokers, config->kafka_group);
	printf("Redis     %s: %s\n", status->redis.address, info);
	printf("To count  %s\n\n", text_number(lag, number));
}

static void add_offset(struct columns *columns, bool known, int64_t offset)
{
	if (known)
		columns_number(columns, offset);
	else
		columns_text(columns, "-");
}

static void add_row(struct columns *columns, const struct status *status, const struct status_row *row)
{
	bool readable = status_row_is_readable(row);
	columns_text(columns, kafka_link_topic(&status->kafka, row->input));
	columns_number(columns, row->partition);
	columns_number(columns, row->bounds.start);
	add_offset(columns, readable, row->state.applied);
	add_offset(columns, row->published >= 0, row->published);
	columns_number(columns, row->bounds.end);
	columns_number(columns, status_row_lag(row));
	columns_format(columns, "%.*s", STORE_DIGITS, readable ? row->state.store : "-");
	columns_text(columns, status_row_condition(row)->name);
}

static void print_rows(const struct status *status)
{
	static const char *const headers[] = { "topic",   "shard",    "log start", "counted (W)", "published (C)",
					       "log end", "to count", "store",     "state",       NULL };
	struct columns *columns = columns_new(headers);
	struct status_row **list = alloc_zeroed(status->count, sizeof(*list));
	size_t shown = choose_rows(status, list);
	for (size_t i = 0; i < shown; i++)
		add_row(columns, status, list[i]);
	columns_print(columns, stdout);
	columns_free(&columns);
	free((void *)list);
	if (shown < status->count)
		printf("and %zu more with less to count; --all shows them\n", status->count - shown);
}

static void print_troubles(const struct status *status)
{
	const char *text;
	if (status->trouble)
		puts("\nTrouble");
	for (size_t i = 0; (text = redis_info_trouble(&status->info, i)); i++)
		printf("  Redis %s\n", text);
	for (size_t i = 0; i < status->count; i++) {
		const struct status_row *row = &status->rows[i];
		text = status_row_condition(row)->trouble;
		if (text)
			printf("  %s [%d]: %s\n", kafka_link_topic(&status->kafka, row->input), row->partition, text);
	}
}

/* ---- json ---- */

static json_t *number_or_null(bool known, int64_t number)
{
	return known ? json_integer((json_int_t)number) : json_null();
}

static json_t *row_json(const struct status *status, const struct status_row *row)
{
	const struct status_condition *condition = status_row_condition(row);
	const struct log_state *state = &row->state;
	bool readable = status_row_is_readable(row);
	return json_pack("{s:s, s:i, s:I, s:o, s:o, s:I, s:I, s:o, s:o, s:s, s:s?}", "topic",
			 kafka_link_topic(&status->kafka, row->input), "shard", (int)row->partition, "log_start",
			 (json_int_t)row->bounds.start, "applied", number_or_null(readable, state->applied),
			 "published", number_or_null(row->published >= 0, row->published), "log_end",
			 (json_int_t)row->bounds.end, "to_count", (json_int_t)status_row_lag(row), "stream_time_ms",
			 number_or_null(readable && state->time_ms >= 0, state->time_ms), "store",
			 readable ? json_string(state->store) : json_null(), "state", condition->name, "trouble",
			 condition->trouble);
}

static void print_json(const struct status *status)
{
	json_t *rows = json_array(), *troubles = json_array();
	const char *text;
	for (size_t i = 0; i < status->count; i++)
		json_array_append_new(rows, row_json(status, &status->rows[i]));
	for (size_t i = 0; (text = redis_info_trouble(&status->info, i)); i++)
		json_array_append_new(troubles, json_string(text));
	json_t *object = json_pack("{s:s, s:s, s:o, s:o, s:o, s:b}", "brokers", status->config->kafka_brokers, "group",
				   status->config->kafka_group, "redis", redis_info_json(&status->info),
				   "redis_trouble", troubles, "partitions", rows, "trouble", (int)status->trouble);
	json_dumpf(object, stdout, JSON_INDENT(2));
	putchar('\n');
	json_decref(object);
}

/* ---- the command ---- */

static int show(struct status *status)
{
	status->count = (size_t)status->kafka.partitions * INPUT_COUNT;
	status->rows = alloc_zeroed(status->count, sizeof(*status->rows));
	if (!redis_info_read(&status->info, &status->redis))
		return command_fail(status->line, EX_UNAVAILABLE, "%s", status->redis.error);
	status->redis.error[0] = '\0';
	if (!status_rows_read(status->rows, &status->redis, &status->kafka))
		return command_fail(status->line, EX_UNAVAILABLE, "%s",
				    status->redis.error[0] ? status->redis.error : status->kafka.error);
	status->trouble = redis_info_trouble(&status->info, 0);
	for (size_t i = 0; i < status->count; i++)
		status->trouble |= status_row_condition(&status->rows[i])->trouble != NULL;
	if (command_value(status->line, "json")) {
		print_json(status);
	} else {
		print_head(status);
		print_rows(status);
		print_troubles(status);
	}
	return status->trouble ? EXIT_TROUBLE : EX_OK;
}

static int run(const struct command_line *line, const struct config *config)
{
	struct status status = { .line = line, .config = config };
	bool redis = redis_link_open(&status.redis, config);
	bool kafka = redis && kafka_link_open(&status.kafka, config);
	int code = redis && kafka
			   ? show(&status)
			   : command_fail(line, EX_UNAVAILABLE, "%s", redis ? status.kafka.error : status.redis.error);
	if (redis)
		kafka_link_close(&status.kafka);
	redis_link_close(&status.redis);
	free(status.rows);
	return code;
}

static const struct command_option options[] = {
	{ 'a', "all", NULL, "every partition; else those that fit on a screen, trouble first" },
	{ 0, "json", NULL, "for machines; every partition" },
	{ 0, NULL, NULL, NULL },
};
static const struct command_exit exits[] = {
	{ EXIT_TROUBLE, "something is wrong: the list at the end says what, and what to do" },
	{ EX_UNAVAILABLE, "Kafka or Redis does not answer" },
	{ 0, NULL },
};

const struct command command_status = {
	.name = "status",
	.operands = "",
	.summary = "how far each partition is, and whether Kafka and Redis fit",
	.details = "Asks Kafka and Redis, not the daemon: it answers while the daemon is down.\n\n"
		   "  riderwatchctl status -c /etc/riderwatch/riderwatch.json\n"
		   "  watch riderwatchctl status -c /etc/riderwatch/riderwatch.json",
	.options = options,
	.exits = exits,
	.run = run,
};
