/* SPDX-License-Identifier: Apache-2.0 */
/* The subcommands, one file each. */
#pragma once
#include "command.h"

extern const struct command command_audit, command_classify, command_completion, command_dead_letters, command_dry_run,
	command_explain, command_rider, command_route, command_rulebook, command_status, command_watch;

/* Every one of them. */
extern const struct command *const commands[];
extern const size_t command_count;
