/* SPDX-License-Identifier: Apache-2.0 */
/* Whole files of UTF-8 text. */
#pragma once
#include "json_file.h"

/* The bytes of a file, NUL-terminated, to be freed by the caller; valid UTF-8 without NUL. Returns NULL and adds what
 * is wrong to problems on any failure. */
char *text_file_read(const char *path, size_t *size, struct problems *problems);
