/* SPDX-License-Identifier: Apache-2.0 */
/* Verdicts as JSON, in the words of labels (fire_hazard, critical). */
#pragma once
#include "buffer.h"
#include "ruleset.h"

/* "category":…,"also":[…],"severity":…,"hazard_code":… without braces. */
void verdict_json_members(struct buffer *json, const struct verdict *verdict);
/* ,"unsure":…,"margin":…: the margin in logits, two decimals. */
void verdict_json_margin(struct buffer *json, const struct verdict *verdict);
