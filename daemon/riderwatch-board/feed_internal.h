/* SPDX-License-Identifier: Apache-2.0 */
/* What the two halves of the feed share: the thread that reads (feed_topics.c) and the hand-over to the loop (feed.c).
 */
#pragma once
#include "feed.h"

#include <librdkafka/rdkafka.h>
#include <pthread.h>

#define FEED_TOPICS_MAX 68
#define FEED_MINUTES 60

struct feed_topic {
	char *name;
	rd_kafka_topic_t *handle;
	int32_t partitions;
	bool *ended; /* by partition: read to its end once */
	bool dead_letters;
};

struct feed {
	const struct config *config;
	const struct feed_callbacks *callbacks;
	void *context;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t room;
	/* Under the lock. */
	struct card **cards;
	size_t card_count;
	bool stopping;
	struct feed_state state;
	int64_t minutes[FEED_MINUTES],
		minute_counts[FEED_MINUTES]; /* dead letters, by the minute they were written in */
	/* The loop's. */
	int fd;
	struct event *event;
	struct card **taken;
	/* The thread's. */
	struct feed_topic topics[FEED_TOPICS_MAX];
	size_t topic_count;
	rd_kafka_t *handle;
	rd_kafka_queue_t *queue;
	int64_t checked_ms;
};

/* Hands a card to the loop; waits while too many are on their way. */
void feed_hand_over(struct feed *feed, struct card *card);
bool feed_stopping(struct feed *feed);
void feed_count_dead_letter(struct feed *feed, int64_t written_ms);
/* The thread. */
void *feed_run(void *context);
int64_t feed_now_ms(void);
