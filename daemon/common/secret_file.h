/* SPDX-License-Identifier: Apache-2.0 */
/* Files that hold one secret: a password, a token, a key. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include "must.h"

#define SECRET_SIZE 1024

/* The file's content without its line end, ended by NUL; at least minimum bytes. Returns the size, or 0 with what is
 * wrong and what to do in error. The caller wipes the secret (explicit_bzero) when it is used up. */
MUST_CHECK size_t secret_file_read(const char *path, size_t minimum, char secret[SECRET_SIZE], char *error,
				   size_t error_size);
/* Can other users of this host read it? */
bool secret_file_is_open(const char *path);
