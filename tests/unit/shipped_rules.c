/* SPDX-License-Identifier: Apache-2.0 */
#include "shipped_rules.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

struct ruleset *shipped_rules;

int shipped_rules_load(void **state)
{
	struct problems problems = { 0 };

	(void)state;
	shipped_rules = ruleset_load("pipelines/rules", &problems);
	for (size_t i = 0; i < problems.count; i++)
		print_error("%s\n", problems.texts[i]);
	problems_fini(&problems);
	return shipped_rules ? 0 : -1;
}

int shipped_rules_unload(void **state)
{
	(void)state;
	ruleset_unref(&shipped_rules);
	return shipped_rules == NULL ? 0 : -1;
}

struct verdict shipped_rules_classify(const char *text)
{
	struct report report = { .description = slice_of(text) };
	struct verdict verdict;

	ruleset_classify(shipped_rules, &report, &verdict);
	return verdict;
}
