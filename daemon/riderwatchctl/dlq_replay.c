/* SPDX-License-Identifier: Apache-2.0 */
#include "dead_letters.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include "kafka_conf.h"
#include "kafka_fault.h"
#include "stop.h"

enum { FLUSH_MS = 30000, TURN_MS = 100 };

struct replay_run {
	const struct command_line *line;
	const struct config *config;
	rd_kafka_t *producer; /* NULL: --dry-run */
	size_t sent, refused, skipped;
	rd_kafka_resp_err_t last;
};

static void say(struct replay_run *run, const struct dead_letter *letter, const char *what)
{
	if (command_value(run->line, "json")) {
		json_t *object = json_pack("{s:i, s:I, s:s#, s:i, s:s}", "partition", (int)letter->message->partition,
					   "offset", (json_int_t)letter->message->offset, "to",
					   letter->topic.data ? letter->topic.data : "", (int)letter->topic.size,
					   "to_partition", (int)letter->partition, "result", what);
		json_dumpf(object, stdout, JSON_COMPACT);
		putchar('\n');
		json_decref(object);
		return;
	}
	printf("%d:%lld to %.*s %d: %s\n", (int)letter->message->partition, (long long)letter->message->offset,
	       (int)letter->topic.size, letter->topic.data ? letter->topic.data : "", (int)letter->partition, what);
}

/* NULL: it can be sent. */
static const char *obstacle(const struct replay_run *run, const struct dead_letter *letter)
{
	if (!letter->topic.data || letter->partition < 0)
		return "left out: it does not say where it came from";
	if (!slice_equal(letter->topic, slice_of(run->config->topics_reports)) &&
	    !slice_equal(letter->topic, slice_of(run->config->topics_deliveries)))
		return "left out: it came from a topic that is no input of this configuration";
	if (letter->truncated)
		return "left out: it was too large to be kept whole";
	return NULL;
}

/* Those of the record itself. */
static rd_kafka_headers_t *own_headers(const struct dead_letter *letter)
{
	rd_kafka_headers_t *found, *kept = rd_kafka_headers_new(8);
	const char *name;
	const void *value;
	size_t size;

	if (rd_kafka_message_headers(letter->message, &found))
		return kept;
	for (size_t i = 0; !rd_kafka_header_get_all(found, i, &name, &value, &size); i++)
		if (strncmp(name, DEAD_LETTER_PREFIX, strlen(DEAD_LETTER_PREFIX)) != 0)
			rd_kafka_header_add(kept, name, -1, value, (ssize_t)size);
	return kept;
}

static rd_kafka_resp_err_t produce(struct replay_run *run, const struct dead_letter *letter)
{
	const rd_kafka_message_t *message = letter->message;
	char topic[256];
	rd_kafka_resp_err_t code;

	snprintf(topic, sizeof(topic), "%.*s", (int)letter->topic.size, letter->topic.data);
	do {
		rd_kafka_headers_t *headers = own_headers(letter);
		code = rd_kafka_producev(run->producer, RD_KAFKA_V_TOPIC(topic),
					 RD_KAFKA_V_PARTITION(letter->partition),
					 RD_KAFKA_V_KEY(message->key, message->key_len),
					 RD_KAFKA_V_VALUE(message->payload, message->len), RD_KAFKA_V_HEADERS(headers),
					 RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_END);
		if (code)
			rd_kafka_headers_destroy(headers);
		rd_kafka_poll(run->producer, code == RD_KAFKA_RESP_ERR__QUEUE_FULL ? TURN_MS : 0);
	} while (code == RD_KAFKA_RESP_ERR__QUEUE_FULL && !stop_asked());
	return code;
}

static int replay_letter(void *context, const struct dead_letter *letter)
{
	struct replay_run *run = context;
	const char *reason = obstacle(run, letter);
	rd_kafka_resp_err_t code;

	if (reason) {
		run->skipped++;
		say(run, letter, reason);
		return EX_OK;
	}
	run->sent++;
	if (!run->producer) {
		say(run, letter, "would be sent");
		return EX_OK;
	}
	code = produce(run, letter);
	if (code)
		return command_fail(run->line, EX_UNAVAILABLE, "cannot send: %s", rd_kafka_err2str(code));
	say(run, letter, "sent");
	return EX_OK;
}

static void on_delivery(rd_kafka_t *producer, const rd_kafka_message_t *message, void *opaque)
{
	struct replay_run *run = opaque;

	(void)producer;
	if (!message->err)
		return;
	run->refused++;
	run->last = message->err;
}

static bool open_producer(struct replay_run *run)
{
	char error[512];
	rd_kafka_conf_t *conf = kafka_conf_new(run->config, KAFKA_WRITER, error, sizeof(error));

	if (conf) {
		rd_kafka_conf_set_opaque(conf, run);
		rd_kafka_conf_set_dr_msg_cb(conf, on_delivery);
		run->producer = rd_kafka_new(RD_KAFKA_PRODUCER, conf, error, sizeof(error));
		if (!run->producer)
			rd_kafka_conf_destroy(conf);
	}
	if (!run->producer)
		command_fail(run->line, EX_CONFIG, "%s", error);
	return run->producer != NULL;
}

static void print_result(const struct replay_run *run)
{
	FILE *out = command_value(run->line, "json") ? stderr : stdout;

	fprintf(out, "%zu %s, %zu left out", run->sent - run->refused, run->producer ? "sent" : "would be sent",
		run->skipped);
	if (run->refused)
		fprintf(out, ", %zu refused by Kafka", run->refused);
	fputc('\n', out);
}

static int finish(struct replay_run *run, int status)
{
	const struct kafka_fault *fault;

	if (run->producer && rd_kafka_flush(run->producer, FLUSH_MS))
		status =
			command_fail(run->line, EX_UNAVAILABLE,
				     "some records were not acknowledged within 30 s; run again, what was counted is a "
				     "duplicate then");
	print_result(run);
	if (run->refused) {
		fault = kafka_fault_find(run->last);
		command_fail(run->line, 1, "%s; %s", rd_kafka_err2str(run->last),
			     fault ? fault->advice : "look at the broker's log, and run again");
	}
	stop_flush();
	return status ? status : run->refused || run->skipped ? 1 : EX_OK;
}

int dead_letters_replay(const struct command_line *line, const struct config *config)
{
	struct replay_run run = { .line = line, .config = config };
	int status;

	if (!command_value(line, "dry-run") && !open_producer(&run))
		return EX_CONFIG;
	status = finish(&run, dead_letters_read(line, config, replay_letter, &run));
	if (run.producer)
		rd_kafka_destroy(run.producer);
	return status;
}
