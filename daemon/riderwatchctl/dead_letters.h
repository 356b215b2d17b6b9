/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by dlq.c (command and list) and dlq_replay.c (back to where they came from). */
#pragma once
#include <librdkafka/rdkafka.h>
#include "command.h"
#include "slice.h"
#include "topic_reader.h"

/* A record of the dead-letter topic. Slices point into the message. */
struct dead_letter {
	const rd_kafka_message_t *message;
	struct slice reason, field, topic; /* topic: where it came from */
	int32_t partition;                 /* there; -1: not said */
	int64_t offset;
	bool truncated; /* too large to be kept whole: it cannot be replayed */
};

/* Every header that the daemon adds begins with this. */
#define DEAD_LETTER_PREFIX "rw.error."

/* Returns 0, or an exit code after a message. */
typedef int dead_letter_f(void *context, const struct dead_letter *letter);
/* Hands over what the command line asks for (--reason, --at, --since, --limit), from the start of the topic to its end.
 */
int dead_letters_read(const struct command_line *line, const struct config *config, dead_letter_f *on_letter,
		      void *context);
int dead_letters_replay(const struct command_line *line, const struct config *config);
