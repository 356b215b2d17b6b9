/* SPDX-License-Identifier: Apache-2.0 */
/* Start in order, run until told to stop, reload on SIGHUP. */
#pragma once
#include "config.h"
#include "ruleset.h"

/* Runs the daemon with a checked configuration and rule set; returns the exit code. sources: what the configuration was loaded from,
 * for SIGHUP, which changes config in place. */
int lifecycle_run(struct config *config, const struct config_sources *sources, struct ruleset *ruleset);
