/* SPDX-License-Identifier: Apache-2.0 */
/* Files that people write. Whatever is in them, loading ends, and each refusal is one line that names
 * the file. What loads keeps every key findable: the walk over the source and the parser agree on lines and paths. */
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>
#include "fuzz/fuzz_checks.h"
#include "fuzz/fuzz_input.h"

static int last_line(const char *text, size_t size)
{
	int line = 1;
	for (size_t i = 0; i < size; i++)
		line += text[i] == '\n';
	return line;
}

/* Every key of value, on the way down, must be found on some line of the file. */
static void check_lines(const struct json_file *file, json_t *value, const char *path, int lines)
{
	char *deeper;
	const char *key;
	json_t *member;
	size_t index;
	if (strlen(path) > 2000)
		return;
	json_object_foreach(value, key, member)
	{
		MUST(asprintf(&deeper, "%s%s%s", path, *path ? "." : "", key) >= 0);
		int line = json_file_line(file, deeper);
		MUST(line >= 1 && line <= lines);
		check_lines(file, member, deeper, lines);
		free(deeper);
	}
	json_array_foreach(value, index, member)
	{
		MUST(asprintf(&deeper, "%s[%zu]", path, index) >= 0);
		int line = json_file_line(file, deeper);
		MUST(line >= 1 && line <= lines);
		check_lines(file, member, deeper, lines);
		free(deeper);
	}
}

/* An empty path means the root, so an empty key cannot be named everywhere. */
static bool has_empty_key(json_t *value)
{
	const char *key;
	json_t *member;
	size_t index;
	json_object_foreach(value, key, member)
	{
		if (!*key || has_empty_key(member))
			return true;
	}
	json_array_foreach(value, index, member)
	{
		if (has_empty_key(member))
			return true;
	}
	return false;
}

int FUZZ_FUNCTION(json_file)(const uint8_t *data, size_t size)
{
	static int descriptor = -1;
	static char path[64];
	if (descriptor < 0) {
		descriptor = memfd_create("fuzz", 0);
		MUST(descriptor >= 0);
		snprintf(path, sizeof(path), "/proc/self/fd/%d", descriptor);
	}
	MUST(ftruncate(descriptor, 0) == 0);
	MUST(pwrite(descriptor, data, size, 0) == (ssize_t)size);

	struct problems problems = { 0 };
	struct json_file *file = json_file_load(path, &problems);
	if (file) {
		size_t text_size;
		const char *text = json_file_text(file, &text_size);
		MUST(problems.count == 0 && text_size == size && memcmp(text, data, size) == 0);
		if (!has_empty_key(json_file_root(file)))
			check_lines(file, json_file_root(file), "", last_line(text, text_size));
	} else {
		MUST(problems.count == 1);
		check_problems(&problems, &(const char *){ path }, 1);
	}
	problems_fini(&problems);
	json_file_free(&file);
	return 0;
}
