/* SPDX-License-Identifier: Apache-2.0 */
#include "unit/case_file.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

struct case_file {
	FILE *stream;
	int line;
	char text[16384];
};

struct case_file *case_file_open(const char *path)
{
	struct case_file *file = calloc(1, sizeof(*file));

	assert_non_null(file);
	file->stream = fopen(path, "re");
	if (!file->stream)
		fail_msg("%s cannot be read; run tests in the repository root", path);
	return file;
}

static void split(char *text, char *fields[CASE_FIELDS_MAX])
{
	static char empty[] = "";

	text[strcspn(text, "\n")] = '\0';
	for (int i = 0; i < CASE_FIELDS_MAX; i++) {
		char *tab = text ? strchr(text, '\t') : NULL;
		fields[i] = text ? text : empty;
		if (tab)
			*tab = '\0';
		text = tab ? tab + 1 : NULL;
	}
}

int case_file_next(struct case_file *file, char *fields[CASE_FIELDS_MAX])
{
	while (fgets(file->text, sizeof(file->text), file->stream)) {
		file->line++;
		if (file->text[0] == '#' || file->text[0] == '\n')
			continue;
		split(file->text, fields);
		return file->line;
	}
	return 0;
}

void case_file_close(struct case_file **file)
{
	fclose((*file)->stream);
	free(*file);
	*file = NULL;
}
