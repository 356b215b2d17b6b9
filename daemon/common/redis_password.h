/* SPDX-License-Identifier: Apache-2.0 */
/* The file that redis.password_file names. */
#pragma once
#include "must.h"

#define REDIS_PASSWORD_SIZE 512

/* First line of the file, without its end. Returns -1 when the file cannot be read. The caller wipes the text after
 * use. */
MUST_CHECK int redis_password_read(const char *path, char password[REDIS_PASSWORD_SIZE]);
