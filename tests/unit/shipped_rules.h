/* SPDX-License-Identifier: Apache-2.0 */
/* The rules that ship, for the tests of one program: load and unload are its group's setup and teardown. */
#pragma once
#include "ruleset.h"

extern struct ruleset *shipped_rules;

/* Says what is wrong with the files, and fails the group, when they cannot be loaded. */
int shipped_rules_load(void **state);
int shipped_rules_unload(void **state);
/* The verdict on a report that is nothing but this text. */
struct verdict shipped_rules_classify(const char *text);
