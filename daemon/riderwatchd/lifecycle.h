/* SPDX-License-Identifier: Apache-2.0 */
/* Start in order, run until told to stop, reload on SIGHUP. */
#pragma once
#include "config.h"
#include "ruleset.h"

/* Runs the daemon with a checked configuration and rule set; returns the exit code. */
int lifecycle_run(const struct config *config, struct ruleset *ruleset);
