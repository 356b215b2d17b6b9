/* SPDX-License-Identifier: Apache-2.0 */
/* Differential test: the decoder and an independent reading of the same bytes must agree, on the table of cases and on
 * many mutations of them. */
#include "decode_compare.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <stdio.h>
#include <cmocka.h>
#include "decode_cases.h"
#include "decode_mutations.h"

#define MAX_BYTES (1 << 20)
#define MUTATIONS 120000
#define GENERATED 40000

static struct decode_cases cases;

static void print_value(struct slice value)
{
	fprintf(stderr, "value: ");
	for (size_t i = 0; i < value.size; i++) {
		unsigned char c = (unsigned char)value.data[i];

		fprintf(stderr, c >= ' ' && c < 0x7f ? "%c" : "\\x%02x", c);
	}
	fprintf(stderr, "\n");
}

static void check(const char *name, const struct input_record *record)
{
	const char *disagreement = decode_disagreement(record, MAX_BYTES);
	const char *broken = disagreement ? NULL : decode_broken_promise(record, MAX_BYTES);

	if (!disagreement && !broken)
		return;
	print_value(record->value);
	fail_msg("%s: %s", name, disagreement ? disagreement : broken);
}

static void test_agree_on_every_case(void **state)
{
	(void)state;
	for (size_t i = 0; i < cases.count; i++) {
		const struct input_record record = decode_case_record(&cases.list[i]);

		check(cases.list[i].name, &record);
	}
}

static void test_agree_on_mutations(void **state)
{
	size_t accepted = 0;

	(void)state;
	for (size_t done = 0; done < MUTATIONS; done++) {
		struct mutant mutant;
		const struct decode_case *row = mutant_of_case(&mutant);
		struct input_record record = decode_case_record(row);
		struct rider_event event;
		struct fault fault;
		struct arena arena;

		record.value = (struct slice){ mutant.data, mutant.size };
		check(row->name, &record);
		arena_init(&arena);
		accepted += event_decode(&record, MAX_BYTES, &arena, &event, &fault) == REASON_NONE;
		arena_fini(&arena);
	}
	/* The mutations must reach both sides, or the test shows little. */
	print_message("%d mutations, %zu of them still events\n", MUTATIONS, accepted);
	assert_true(accepted > MUTATIONS / 50 && accepted < MUTATIONS / 2);
}

static void test_agree_on_generated_documents(void **state)
{
	size_t accepted[EVENT_TYPE_COUNT] = { 0 };

	(void)state;
	for (size_t i = 0; i < GENERATED; i++) {
		struct mutant mutant;
		struct input_record record = { .timestamp_ms = -1 };
		struct rider_event event;
		struct fault fault;
		struct arena arena;

		mutant_generate(&mutant);
		if (mutant.size == 0)
			continue;
		record.value = (struct slice){ mutant.data, mutant.size };
		check("generated", &record);
		arena_init(&arena);
		if (event_decode(&record, MAX_BYTES, &arena, &event, &fault) == REASON_NONE)
			accepted[event.type]++;
		arena_fini(&arena);
	}
	print_message("%d documents: %zu reports, %zu reviews, %zu deliveries\n", GENERATED, accepted[0], accepted[1],
		      accepted[2]);
	for (size_t i = 0; i < EVENT_TYPE_COUNT; i++)
		assert_true(accepted[i] > GENERATED / 50);
}

/* Bytes are read eight, three and one at a time: each byte is tried at each place, in texts of each length up to two
 * words and more. */
static void test_agree_on_each_byte_at_each_place(void **state)
{
	static const char *const texts[] = { "abcdefghijklmnopqrstuvwx", "楼道停满电动车，充电",
					     "a楼b道cd停efg满hijk电" };

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		for (size_t size = 1; size <= strlen(texts[i]); size++)
			for (int byte = 0; byte < 256; byte++) {
				char text[160];
				struct input_record record = { .timestamp_ms = -1 };
				int length = snprintf(text, sizeof(text),
						      "{\"id\":\"e\",\"type\":\"rider.report.created.v1\","
						      "\"rider_id\":\"r\",\"description\":\"%.*s\"}",
						      (int)size, texts[i]);

				text[length - 3] = (char)byte;
				record.value = (struct slice){ text, (size_t)length };
				check("a byte in a text", &record);
				text[length - 3] = texts[i][size - 1];
				text[(size_t)length - 2 - (size + 1) / 2] = (char)byte;
				check("a byte in a text", &record);
			}
}

static int load(void **state)
{
	(void)state;
	decode_cases_load(&cases, "tests/cases/decode.tsv");
	mutations_begin(20261125, cases.list, cases.count);
	return 0;
}

static int unload(void **state)
{
	(void)state;
	decode_cases_free(&cases);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_agree_on_every_case),
		cmocka_unit_test(test_agree_on_mutations),
		cmocka_unit_test(test_agree_on_generated_documents),
		cmocka_unit_test(test_agree_on_each_byte_at_each_place),
	};

	return cmocka_run_group_tests(tests, load, unload);
}
