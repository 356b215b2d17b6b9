/* SPDX-License-Identifier: Apache-2.0 */
/* What OpenSSL's errors mean to somebody who connects to Redis, and what to do. */
#pragma once
#include <openssl/ssl.h>
#include <stddef.h>

/* Takes the first error of this thread's queue and empties it. server_name: whom the certificate was to be for. */
void redis_tls_explain(const SSL *ssl, const char *server_name, char *error, size_t size);
