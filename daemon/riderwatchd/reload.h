/* SPDX-License-Identifier: Apache-2.0 */
/* Loads configuration and rules again on a thread of its own, so that events go on meanwhile: reading them takes
 * milliseconds, swapping them in takes microseconds. Everything is checked before anything is handed over. */
#pragma once
#include <event2/event.h>
#include "config.h"
#include "ruleset.h"

struct reload;

/* On the loop thread. config, and one reference to ruleset, are the callee's from then on. Both NULL when something was
 * refused: then problems say what. */
typedef void reload_callback(void *context, struct config *config, struct ruleset *ruleset,
			     const struct problems *problems);

/* sources are those that the daemon was started with; kept by pointer. */
struct reload *reload_new(struct event_base *base, const struct config_sources *sources, reload_callback *on_loaded,
			  void *context);
/* Starts loading; while a load is under way, one more follows it, since the files may have changed after they were
 * read. */
void reload_start(struct reload *reload);
/* Waits for a load that is under way and drops what it gives. */
void reload_free(struct reload **reload);
