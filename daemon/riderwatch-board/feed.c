/* SPDX-License-Identifier: Apache-2.0 */
#include "feed_internal.h"

#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>
#include "alloc.h"
#include "must.h"

#define CARDS_MAX 1000

int64_t feed_now_ms(void)
{
	struct timespec now;
	clock_gettime(CLOCK_REALTIME, &now);
	return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void feed_hand_over(struct feed *feed, struct card *card)
{
	static const uint64_t one = 1;
	pthread_mutex_lock(&feed->lock);
	while (feed->card_count == CARDS_MAX && !feed->stopping)
		pthread_cond_wait(&feed->room, &feed->lock);
	if (feed->stopping) {
		card_free(&card);
	} else {
		feed->cards[feed->card_count++] = card;
		MUST(write(feed->fd, &one, sizeof one) == sizeof one);
	}
	pthread_mutex_unlock(&feed->lock);
}

bool feed_stopping(struct feed *feed)
{
	pthread_mutex_lock(&feed->lock);
	bool stopping = feed->stopping;
	pthread_mutex_unlock(&feed->lock);
	return stopping;
}

void feed_count_dead_letter(struct feed *feed, int64_t written_ms)
{
	int64_t minute = written_ms / 60000;
	size_t slot = (size_t)(minute % FEED_MINUTES);
	pthread_mutex_lock(&feed->lock);
	if (feed->minutes[slot] < minute) {
		feed->minutes[slot] = minute;
		feed->minute_counts[slot] = 0;
	}
	feed->minute_counts[slot] += feed->minutes[slot] == minute;
	pthread_mutex_unlock(&feed->lock);
}

void feed_state(struct feed *feed, struct feed_state *state)
{
	int64_t minute = feed_now_ms() / 60000;
	pthread_mutex_lock(&feed->lock);
	*state = feed->state;
	for (int i = 0; i < FEED_MINUTES; i++)
		state->dead_letters_hour += feed->minutes[i] > minute - FEED_MINUTES ? feed->minute_counts[i] : 0;
	pthread_mutex_unlock(&feed->lock);
}

static void on_cards(evutil_socket_t fd, short what, void *context)
{
	struct feed *feed = context;
	uint64_t woken;
	(void)what;
	if (read(fd, &woken, sizeof woken) < 0)
		return;
	pthread_mutex_lock(&feed->lock);
	struct card **cards = feed->cards;
	size_t count = feed->card_count;
	feed->cards = feed->taken;
	feed->taken = cards;
	feed->card_count = 0;
	pthread_cond_signal(&feed->room);
	pthread_mutex_unlock(&feed->lock);
	for (size_t i = 0; i < count; i++)
		feed->callbacks->on_card(feed->context, cards[i]);
	feed->callbacks->on_turn(feed->context);
}

/* ---- topics ---- */

static void add_topic(struct feed *feed, const char *name, size_t size, bool dead_letters)
{
	for (size_t i = 0; i < feed->topic_count; i++) {
		if (strlen(feed->topics[i].name) == size && strncmp(feed->topics[i].name, name, size) == 0)
			return;
	}
	if (!size || feed->topic_count == FEED_TOPICS_MAX)
		return;
	feed->topics[feed->topic_count++] =
		(struct feed_topic){ .name = strndup(name, size), .dead_letters = dead_letters };
}

static void list_topics(struct feed *feed)
{
	const struct config *config = feed->config;
	const char *alerts[] = { config->topics_alerts_emergency, config->topics_alerts_fire,
				 config->topics_alerts_food };
	add_topic(feed, config->topics_dead_letters, strlen(config->topics_dead_letters), true);
	for (size_t i = 0; i < sizeof alerts / sizeof *alerts; i++)
		add_topic(feed, alerts[i], strlen(alerts[i]), false);
	for (const char *name = config->board_topics; *name;) {
		name += strspn(name, ", ");
		size_t size = strcspn(name, ", ");
		add_topic(feed, name, size, false);
		name += size;
	}
}

/* ---- life ---- */

struct feed *feed_new(struct event_base *base, const struct config *config, const struct feed_callbacks *callbacks,
		      void *context)
{
	struct feed *feed = alloc_zeroed(1, sizeof *feed);
	feed->config = config;
	feed->callbacks = callbacks;
	feed->context = context;
	feed->cards = alloc_zeroed(CARDS_MAX, sizeof *feed->cards);
	feed->taken = alloc_zeroed(CARDS_MAX, sizeof *feed->taken);
	list_topics(feed);
	pthread_mutex_init(&feed->lock, NULL);
	pthread_cond_init(&feed->room, NULL);
	feed->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	MUST(feed->fd >= 0);
	feed->event = event_new(base, feed->fd, EV_READ | EV_PERSIST, on_cards, feed);
	event_add(feed->event, NULL);
	MUST(pthread_create(&feed->thread, NULL, feed_run, feed) == 0);
	return feed;
}

void feed_free(struct feed **pointer)
{
	struct feed *feed = *pointer;
	if (!feed)
		return;
	pthread_mutex_lock(&feed->lock);
	feed->stopping = true;
	pthread_cond_signal(&feed->room);
	pthread_mutex_unlock(&feed->lock);
	pthread_join(feed->thread, NULL);
	event_free(feed->event);
	close(feed->fd);
	for (size_t i = 0; i < feed->card_count; i++)
		card_free(&feed->cards[i]);
	for (size_t i = 0; i < feed->topic_count; i++)
		free(feed->topics[i].name);
	pthread_mutex_destroy(&feed->lock);
	pthread_cond_destroy(&feed->room);
	free(feed->cards);
	free(feed->taken);
	free(feed);
	*pointer = NULL;
}
