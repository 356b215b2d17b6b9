/* SPDX-License-Identifier: Apache-2.0 */
#include "redis_password.h"

#include <stdio.h>
#include <string.h>

int redis_password_read(const char *path, char password[REDIS_PASSWORD_SIZE])
{
	FILE *file = fopen(path, "r");
	if (!file)
		return -1;
	size_t size = fread(password, 1, REDIS_PASSWORD_SIZE - 1, file);
	int failed = ferror(file);
	fclose(file);
	password[size] = '\0';
	password[strcspn(password, "\r\n")] = '\0';
	return failed ? -1 : 0;
}
