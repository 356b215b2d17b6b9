/* SPDX-License-Identifier: Apache-2.0 */
#include "tls_server.h"

#include <arpa/inet.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "must.h"

/* ---- files ---- */

static void write_pem(const char *path, EVP_PKEY *key, X509 *certificate)
{
	FILE *file = fopen(path, "w");
	MUST(file);
	if (key)
		MUST(PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL) == 1);
	if (certificate)
		MUST(PEM_write_X509(file, certificate) == 1);
	fclose(file);
}

static void add_extension(X509 *certificate, int nid, const char *value)
{
	X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, nid, value);
	MUST(extension && X509_add_ext(certificate, extension, -1) == 1);
	X509_EXTENSION_free(extension);
}

/* Signed by signer's key, or by itself when there is none. */
static X509 *make_certificate(EVP_PKEY *key, const char *name, X509 *issuer, EVP_PKEY *signer)
{
	X509 *certificate = X509_new();
	X509_NAME *subject = X509_get_subject_name(certificate);
	MUST(X509_set_version(certificate, 2) == 1);
	ASN1_INTEGER_set(X509_get_serialNumber(certificate), issuer ? 2 : 1);
	X509_gmtime_adj(X509_getm_notBefore(certificate), -3600);
	X509_gmtime_adj(X509_getm_notAfter(certificate), 86400);
	X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, (const unsigned char *)name, -1, -1, 0);
	X509_set_issuer_name(certificate, issuer ? X509_get_subject_name(issuer) : subject);
	X509_set_pubkey(certificate, key);
	add_extension(certificate, NID_basic_constraints, issuer ? "CA:FALSE" : "critical,CA:TRUE");
	if (issuer)
		add_extension(certificate, NID_subject_alt_name, "IP:127.0.0.1,DNS:localhost");
	MUST(X509_sign(certificate, signer ? signer : key, EVP_sha256()) > 0);
	return certificate;
}

void tls_files_make(struct tls_files *files)
{
	EVP_PKEY *authority_key = EVP_EC_gen("P-256"), *key = EVP_EC_gen("P-256");
	MUST(authority_key && key);
	X509 *authority = make_certificate(authority_key, "test authority", NULL, NULL);
	X509 *certificate = make_certificate(key, "redis", authority, authority_key);
	snprintf(files->folder, sizeof files->folder, "/tmp/riderwatch-tls-XXXXXX");
	MUST(mkdtemp(files->folder));
	snprintf(files->authority, sizeof files->authority, "%s/ca.crt", files->folder);
	snprintf(files->certificate, sizeof files->certificate, "%s/redis.crt", files->folder);
	snprintf(files->key, sizeof files->key, "%s/redis.key", files->folder);
	write_pem(files->authority, NULL, authority);
	write_pem(files->certificate, NULL, certificate);
	write_pem(files->key, key, NULL);
	X509_free(authority);
	X509_free(certificate);
	EVP_PKEY_free(authority_key);
	EVP_PKEY_free(key);
}

void tls_files_remove(struct tls_files *files)
{
	unlink(files->authority);
	unlink(files->certificate);
	unlink(files->key);
	MUST(rmdir(files->folder) == 0);
}

/* ---- server ---- */

static SSL *accept_tls(SSL_CTX *context, int fd)
{
	SSL *ssl = SSL_new(context);
	MUST(ssl && SSL_set_fd(ssl, fd) == 1);
	if (SSL_accept(ssl) == 1)
		return ssl;
	SSL_free(ssl);
	return NULL;
}

static void serve(struct tls_server *server, SSL_CTX *context, int fd)
{
	SSL *ssl = server->plain ? NULL : accept_tls(context, fd);
	if (ssl || server->plain)
		server->talk(ssl, fd, server->context);
	SSL_free(ssl);
	atomic_store(&server->connection, -1);
	close(fd);
}

static void *run(void *argument)
{
	struct tls_server *server = argument;
	SSL_CTX *context = SSL_CTX_new(TLS_server_method());
	MUST(context && SSL_CTX_use_certificate_file(context, server->files->certificate, SSL_FILETYPE_PEM) == 1 &&
	     SSL_CTX_use_PrivateKey_file(context, server->files->key, SSL_FILETYPE_PEM) == 1);
	for (;;) {
		int fd = accept(server->listener, NULL, NULL);
		if (fd < 0)
			break;
		atomic_store(&server->connection, fd);
		serve(server, context, fd);
	}
	SSL_CTX_free(context);
	return NULL;
}

void tls_server_start(struct tls_server *server)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t size = sizeof address;
	server->connection = -1;
	server->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	MUST(bind(server->listener, (struct sockaddr *)&address, size) == 0 && listen(server->listener, 8) == 0);
	MUST(getsockname(server->listener, (struct sockaddr *)&address, &size) == 0);
	server->port = ntohs(address.sin_port);
	MUST(pthread_create(&server->thread, NULL, run, server) == 0);
}

void tls_server_stop(struct tls_server *server)
{
	shutdown(server->listener, SHUT_RDWR);
	shutdown(atomic_load(&server->connection), SHUT_RDWR);
	pthread_join(server->thread, NULL);
	close(server->listener);
}
