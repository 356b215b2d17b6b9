/* SPDX-License-Identifier: Apache-2.0 */
/* How Redis itself is: what INFO says, and what of it endangers the counters. */
#pragma once
#include <jansson.h>
#include "redis_link.h"

struct redis_info {
	bool allowed; /* false: this user may not ask, and the rest is empty */
	char version[24], policy[24], role[16];
	int64_t used_bytes, max_bytes; /* max_bytes 0: no bound */
	int64_t evicted_keys;          /* since Redis started */
	bool append_file, append_failed, snapshot_failed, loading;
};

/* False and link->error when the connection failed; a refusal is only noted. */
MUST_CHECK bool redis_info_read(struct redis_info *info, struct redis_link *link);
/* What is wrong and what to do, by number from 0; NULL behind the last. */
const char *redis_info_trouble(const struct redis_info *info, size_t number);
/* One line: "7.0.15, master, 1.2 MiB of memory used, no bound, noeviction, 0 evicted, append-only file". */
void redis_info_text(const struct redis_info *info, char *text, size_t size);
json_t *redis_info_json(const struct redis_info *info);
