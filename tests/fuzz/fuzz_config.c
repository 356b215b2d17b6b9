/* SPDX-License-Identifier: Apache-2.0 */
/* A configuration file and overrides from the command line. Either there are problems, each naming its place, or every
 * value is within its row's bounds, and what config_dump writes is read back to the same values. Input: the file, then
 * lines behind a line
 * "----" are overrides. */
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>
#include "config_table.h"
#include "fuzz/fuzz_checks.h"
#include "fuzz/fuzz_input.h"

#define OVERRIDES_MAX 16

static const char *write_file(int *descriptor, char path[64], const char *bytes, size_t size)
{
	if (*descriptor < 0) {
		*descriptor = memfd_create("fuzz", 0);
		MUST(*descriptor >= 0);
		snprintf(path, 64, "/proc/self/fd/%d", *descriptor);
	}
	MUST(ftruncate(*descriptor, 0) == 0);
	MUST(pwrite(*descriptor, bytes, size, 0) == (ssize_t)size);
	return path;
}

static void check_value(const struct config *config, const struct config_key *key)
{
	const void *member = config_member(config, key);
	if (key->type == CONFIG_IS_INTEGER || key->type == CONFIG_IS_DURATION || key->type == CONFIG_IS_SIZE) {
		int64_t number = *(const int64_t *)member;
		MUST(number >= key->minimum && number <= key->maximum);
	} else if (key->type == CONFIG_IS_TEXT || key->type == CONFIG_IS_FILE) {
		struct slice text = slice_of(*(char *const *)member);
		MUST(text.data && is_utf8(text) && !strpbrk(text.data, "\n\r\t\x1b"));
		MUST((int64_t)text.size >= key->minimum && (int64_t)text.size <= key->maximum);
	}
}

static char *dump(const struct config *config)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);
	MUST(out);
	config_dump(config, out);
	fclose(out);
	return text;
}

/* Origins, which differ, stand in comments; properties that are secrets are left out. */
static void check_equal(const struct config *config, const struct config *again)
{
	for (size_t i = 0; i < CONFIG_KEY_COUNT; i++) {
		const struct config_key *key = &config_keys[i];
		const void *a = config_member(config, key), *b = config_member(again, key);
		if (key->type == CONFIG_IS_TEXT || key->type == CONFIG_IS_FILE)
			MUST(strcmp(*(char *const *)a, *(char *const *)b) == 0);
		else if (key->type == CONFIG_IS_FLAG)
			MUST(*(const bool *)a == *(const bool *)b);
		else if (key->type != CONFIG_IS_PROPERTIES)
			MUST(*(const int64_t *)a == *(const int64_t *)b);
		else
			MUST(((const struct config_properties *)a)->count >=
			     ((const struct config_properties *)b)->count);
	}
}

static struct config *load_file(const char *path, struct problems *problems)
{
	struct config_source source = { 'c', path };
	return config_load(&(struct config_sources){ &source, 1 }, problems);
}

/* The dump of what this dump reads back to; text is freed. */
static char *again(char *text, struct config **config)
{
	static int descriptor = -1;
	static char path[64];
	struct problems problems = { 0 };
	config_free(config);
	*config = load_file(write_file(&descriptor, path, text, strlen(text)), &problems);
	if (!*config)
		fprintf(stderr, "%s\n%s\n", problems.texts[0], text);
	MUST(*config && problems.count == 0);
	free(text);
	return dump(*config);
}

static void check_round_trip(const struct config *config)
{
	struct config *read = NULL;
	char *first = again(dump(config), &read);
	check_equal(config, read);
	/* Lines of secrets are gone, so that those below have moved up. */
	char *second = again(first, &read), *third = again(strdup(second), &read);
	MUST(strcmp(second, third) == 0); /* now the origins are the same, too */
	free(second);
	free(third);
	config_free(&read);
}

int FUZZ_FUNCTION(config)(const uint8_t *data, size_t size)
{
	static int descriptor = -1;
	static char path[64];
	struct fuzz_input input = fuzz_input_of(data, size);
	struct slice file = fuzz_until(&input, SLICE("----\n"));
	char *overrides[OVERRIDES_MAX];
	size_t count = 0;
	while (fuzz_more(&input) && count < OVERRIDES_MAX)
		overrides[count++] = fuzz_copy_text(fuzz_until(&input, SLICE("\n")));

	struct problems problems = { 0 };
	const char *from = file.size ? write_file(&descriptor, path, file.data, file.size) : NULL;
	struct config_sources sources = { 0 };
	if (from)
		config_sources_add(&sources, 'c', from);
	for (size_t i = 0; i < count; i++)
		config_sources_add(&sources, i % 4 == 3 ? 'X' : 'o', overrides[i]);
	struct config *config = config_load(&sources, &problems);
	config_sources_fini(&sources);
	MUST((config == NULL) == (problems.count > 0));
	/* Checks between values may be about a default. */
	check_problems(&problems, (const char *const[]){ "/proc/self/fd/", "-o: ", "-X: ", "default: " }, 4);
	for (size_t i = 0; config && i < CONFIG_KEY_COUNT; i++)
		check_value(config, &config_keys[i]);
	if (config)
		check_round_trip(config);
	config_free(&config);
	problems_fini(&problems);
	for (size_t i = 0; i < count; i++)
		free(overrides[i]);
	return 0;
}
