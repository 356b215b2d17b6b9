/* SPDX-License-Identifier: Apache-2.0 */
#include "secret_file.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static size_t refuse(char *error, size_t error_size, const char *path, const char *what, const char *advice)
{
	snprintf(error, error_size, "%s: %s; %s", path, what, advice);
	return 0;
}

static size_t refuse_access(char *error, size_t error_size, const char *path)
{
	char advice[64];
	int code = errno;

	snprintf(advice, sizeof(advice), "let user %u read it", (unsigned)geteuid());
	return refuse(error, error_size, path, strerror(code),
		      code == ENOENT ? "make it, or correct its path" : advice);
}

size_t secret_file_read(const char *path, size_t minimum, char secret[SECRET_SIZE], char *error, size_t error_size)
{
	char advice[96];
	FILE *file = fopen(path, "re");
	size_t size = file ? fread(secret, 1, SECRET_SIZE, file) : 0;
	bool failed = !file || ferror(file);

	if (failed)
		refuse_access(error, error_size, path);
	if (file)
		fclose(file);
	if (failed)
		return 0;
	if (size == SECRET_SIZE)
		return refuse(error, error_size, path, "too large for a secret", "it may hold 1023 bytes");
	while (size && strchr("\r\n", secret[size - 1]))
		size--;
	secret[size] = '\0';
	snprintf(advice, sizeof(advice), "it must hold %zu bytes or more, as from: head -c 32 /dev/urandom | base64",
		 minimum);
	if (size == 0)
		return refuse(error, error_size, path, "empty", "write the secret into it");
	return size < minimum ? refuse(error, error_size, path, "too short", advice) : size;
}

bool secret_file_is_open(const char *path)
{
	struct stat status;

	return stat(path, &status) == 0 && status.st_mode & S_IROTH;
}
