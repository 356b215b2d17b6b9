/* SPDX-License-Identifier: Apache-2.0 */
/* Properties that several targets ask for. Each aborts with the place when it does not hold. */
#pragma once
#include <jansson.h>
#include "json_file.h"
#include "ruleset.h"
#include "slice.h"

/* Each begins with one of the prefixes, and is one line that steers no terminal. */
void check_problems(const struct problems *problems, const char *const *prefixes, size_t prefix_count);
/* Valid UTF-8 as another library sees it. */
bool is_utf8(struct slice text);
/* One JSON object without repeated keys; to be released with json_decref. */
json_t *check_json(struct slice text);
/* What verdict.h promises of a verdict on this report. */
void check_verdict(const struct ruleset *ruleset, const struct report *report, const struct verdict *verdict);
/* The rules as they are shipped; tests run in the repository root. */
struct ruleset *shipped_ruleset(void);

/* An array of strings in RESP, read strictly; to be freed. */
struct resp {
	struct slice *arguments;
	size_t count;
};
struct resp check_resp(struct slice bytes);
/* A canonical decimal integer. */
int64_t check_integer(struct slice text);
