/* SPDX-License-Identifier: Apache-2.0 */
/* Takeaway reviews: one that complains of food is food, however much it reads like a review; one that does not is no
 * hazard; and nobody is paged for either. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>
#include "unit/shipped_rules.h"

static void expect_category(const char *text, enum category category)
{
	struct verdict verdict = shipped_rules_classify(text);

	if (verdict.category != category)
		fail_msg("%s: category %d instead of %d", text, (int)verdict.category, (int)category);
	assert_true(verdict.severity < SEVERITY_SEVERE);
}

static void test_complaints(void **state)
{
	(void)state;
	expect_category("等了快一个小时才送到，味道一般，虾仁感觉不太新鲜，吃完有点反胃，下次不会再点了",
			CATEGORY_FOOD);
	expect_category("量挺足的，可是鱼一点都不新鲜，腥得很，难吃", CATEGORY_FOOD);
	expect_category("送得很快，味道也好，就是汤里有根头发，影响心情", CATEGORY_FOOD);
}

static void test_no_complaints(void **state)
{
	(void)state;
	expect_category("送得很快，味道也好，量很足，下次还来", CATEGORY_OTHER);
	expect_category("等了快一个小时才送到，味道一般，米饭有点硬，下次不会再点了", CATEGORY_OTHER);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_complaints),
		cmocka_unit_test(test_no_complaints),
	};
	return cmocka_run_group_tests(tests, shipped_rules_load, shipped_rules_unload);
}
