/* SPDX-License-Identifier: Apache-2.0 */
#include "commands.h"

/* In the order of --help. */
const struct command *const commands[] = {
	&command_status,       &command_audit,    &command_rider,      &command_watch,
	&command_dead_letters, &command_dry_run,  &command_route,      &command_explain,
	&command_classify,     &command_rulebook, &command_completion,
};
const size_t command_count = sizeof(commands) / sizeof(*commands);
