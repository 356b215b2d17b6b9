/* SPDX-License-Identifier: Apache-2.0 */
/* Loads rules on a thread of its own, so that events go on meanwhile: reading a rule set takes milliseconds, swapping it in takes
 * microseconds. */
#pragma once
#include <event2/event.h>
#include "ruleset.h"

struct reload;

/* On the loop thread. fresh has one reference, which is the callee's from then on; NULL when the folder was refused: then problems say
 * why. */
typedef void reload_callback(void *context, struct ruleset *fresh, const struct problems *problems);

/* folder is kept by pointer. */
struct reload *reload_new(struct event_base *base, const char *folder, reload_callback *on_loaded, void *context);
/* Starts loading; while a load is under way, one more follows it, since the files may have changed after they were read. */
void reload_start(struct reload *reload);
/* Waits for a load that is under way and drops what it gives. */
void reload_free(struct reload **reload);
