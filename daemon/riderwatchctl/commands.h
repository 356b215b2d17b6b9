/* SPDX-License-Identifier: Apache-2.0 */
/* The subcommands, one file each. */
#pragma once
#include "command.h"

extern const struct command command_rider;
