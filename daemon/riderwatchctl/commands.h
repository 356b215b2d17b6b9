/* SPDX-License-Identifier: Apache-2.0 */
/* The subcommands, one file each. */
#pragma once
#include "command.h"

extern const struct command command_audit, command_classify, command_explain, command_rider, command_rulebook, command_status;
