/* SPDX-License-Identifier: Apache-2.0 */
/* What OpenSSL is told before each connection: whom to trust, who we are, which versions. */
#pragma once
#include <openssl/ssl.h>
#include "redis_tls.h"

/* The caller frees it. NULL when a file cannot be used, with what is wrong and what to do in error. */
MUST_CHECK SSL_CTX *redis_tls_context_new(const struct config *config, char error[REDIS_TLS_ERROR_SIZE]);
