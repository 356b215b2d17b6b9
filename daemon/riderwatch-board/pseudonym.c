/* SPDX-License-Identifier: Apache-2.0 */
#include "pseudonym.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <string.h>

#define KEY_MIN 16
#define KEY_MAX 1024

static size_t read_key(const char *path, char key[KEY_MAX])
{
	FILE *file = *path ? fopen(path, "r") : NULL;
	if (!file)
		return 0;
	size_t size = fread(key, 1, KEY_MAX, file);
	fclose(file);
	while (size && strchr("\r\n", key[size - 1]))
		size--;
	return size >= KEY_MIN ? size : 0;
}

bool pseudonym_of(const struct config *config, const char *rider_id, char pseudonym[PSEUDONYM_SIZE])
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	char key[KEY_MAX];
	size_t size = read_key(config->privacy_pseudonym_key_file, key);
	pseudonym[0] = '\0';
	if (!size)
		return false;
	HMAC(EVP_sha256(), key, (int)size, (const unsigned char *)rider_id, strlen(rider_id), digest, NULL);
	explicit_bzero(key, sizeof key);
	for (int i = 0; i < PSEUDONYM_SIZE / 2; i++)
		snprintf(pseudonym + 2 * i, 3, "%02x", digest[i]);
	return true;
}
