/* SPDX-License-Identifier: Apache-2.0 */
#include "reload.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include "alloc.h"
#include "kafka_conf.h"
#include "must.h"

struct reload {
	const struct config_sources *sources;
	reload_callback *on_loaded;
	void *context;
	struct event *loaded;
	int signal; /* eventfd: the thread has finished */
	pthread_t thread;
	bool running, again;
	/* The thread's until it has signalled, the loop's after. */
	struct config *config;
	struct ruleset *ruleset;
	struct problems problems;
};

static void *load(void *context)
{
	struct reload *reload = context;
	reload->config = config_load_checked(reload->sources, &reload->problems);
	if (reload->config)
		reload->ruleset = ruleset_load(reload->config->rules_folder, &reload->problems);
	if (!reload->ruleset)
		config_free(&reload->config);
	MUST(eventfd_write(reload->signal, 1) == 0);
	return NULL;
}

static void begin(struct reload *reload)
{
	reload->running = true;
	MUST(pthread_create(&reload->thread, NULL, load, reload) == 0);
	pthread_setname_np(reload->thread, "reload");
}

static void end(struct reload *reload)
{
	pthread_join(reload->thread, NULL);
	reload->running = false;
}

static void on_signal(evutil_socket_t fd, short what, void *context)
{
	struct reload *reload = context;
	eventfd_t count;
	(void)what;
	if (eventfd_read(fd, &count) < 0)
		return;
	end(reload);
	struct config *config = reload->config;
	struct ruleset *ruleset = reload->ruleset;
	reload->config = NULL;
	reload->ruleset = NULL;
	reload->on_loaded(reload->context, config, ruleset, &reload->problems);
	problems_fini(&reload->problems);
	if (reload->again)
		begin(reload);
	reload->again = false;
}

struct reload *reload_new(struct event_base *base, const struct config_sources *sources, reload_callback *on_loaded,
			  void *context)
{
	struct reload *reload = alloc_zeroed(1, sizeof *reload);
	reload->sources = sources;
	reload->on_loaded = on_loaded;
	reload->context = context;
	reload->signal = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	MUST(reload->signal >= 0);
	reload->loaded = event_new(base, reload->signal, EV_READ | EV_PERSIST, on_signal, reload);
	event_add(reload->loaded, NULL);
	return reload;
}

void reload_start(struct reload *reload)
{
	if (reload->running)
		reload->again = true;
	else
		begin(reload);
}

void reload_free(struct reload **reload)
{
	struct reload *old = *reload;
	*reload = NULL;
	if (!old)
		return;
	if (old->running)
		end(old);
	config_free(&old->config);
	ruleset_unref(&old->ruleset);
	problems_fini(&old->problems);
	event_free(old->loaded);
	close(old->signal);
	free(old);
}
