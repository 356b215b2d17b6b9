/* SPDX-License-Identifier: Apache-2.0 */
/* Expectation tables: one case a line, fields separated by tabs, lines that start with # are comments. */
#pragma once
#include <stddef.h>

#define CASE_FIELDS_MAX 8

struct case_file;

/* Tests run in the repository root. Fails the test when the file cannot be read. */
struct case_file *case_file_open(const char *path);
/* Fills fields (missing ones are empty) and returns the line number, 0 at the end. */
int case_file_next(struct case_file *file, char *fields[CASE_FIELDS_MAX]);
void case_file_close(struct case_file **file);
