/* SPDX-License-Identifier: Apache-2.0 */
/* riderwatchd --check: are Kafka and Redis as the daemon needs them? Asks both, changes nothing that a reader could
 * see, and may run beside the daemon. */
#pragma once
#include "config.h"
#include "ruleset.h"

/* Prints one line a finding, cause and remedy, and a last line with their number. Returns the exit code: EX_OK without
 * errors (warnings and notes do not count), else that of the first error: EX_UNAVAILABLE, EX_NOPERM, EX_OSERR or
 * EX_CONFIG. */
int check_run(const struct config *config, const struct ruleset *ruleset, FILE *out);
