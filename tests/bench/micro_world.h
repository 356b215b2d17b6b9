/* SPDX-License-Identifier: Apache-2.0 */
/* What all groups of steps share. */
#pragma once
#include "bench/micro.h"
#include "bench/micro_events.h"
#include "pipeline.h"
#include "ruleset.h"

#define MICRO_CHUNK 500 /* events, as the daemon's own default */
#define MICRO_HOT 500   /* events of a pass: their bytes stay in the second level cache */

struct micro_world {
	struct micro_events *events; /* of one partition, in the order of the log */
	const char *generator;
	struct ruleset *ruleset;
	const struct pipeline_settings *settings;
	bool json; /* nothing but rows may be printed */
};
