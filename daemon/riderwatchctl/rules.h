/* SPDX-License-Identifier: Apache-2.0 */
/* What "riderwatchctl rules" can do; each returns an exit code. */
#pragma once
#include "command.h"
#include "ruleset.h"

int rules_check(const struct command_line *line, const struct config *config);
int rules_test(const struct command_line *line, const struct config *config);
int rules_diff(const struct command_line *line, const struct config *config);
int rules_score(const struct command_line *line, const struct config *config);
