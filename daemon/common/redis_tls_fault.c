/* SPDX-License-Identifier: Apache-2.0 */
#include "redis_tls_fault.h"

#include <openssl/err.h>
#include <openssl/x509_vfy.h>
#include <stdbool.h>
#include <stdio.h>

#define PLAIN_PORT "use the port that tls-port in its redis.conf names, or set redis.tls to false"
#define NO_AUTHORITY "put the certificate of that authority into redis.tls_ca_file"
#define OUR_CERTIFICATE                                                                                                \
	"redis.tls_certificate_file must be for clients and signed by an authority of tls-ca-cert-file in redis.conf"

struct fault {
	long code;
	const char *what;
	bool names_server; /* the name follows */
	const char *advice;
};

/* What we find wrong with the certificate of Redis. */
static const struct fault certificates[] = {
	{ X509_V_ERR_CERT_HAS_EXPIRED, "its certificate has expired", false,
	  "renew it; Redis reads it again at CONFIG SET tls-cert-file" },
	{ X509_V_ERR_CERT_NOT_YET_VALID, "its certificate is not valid yet", false,
	  "set the clocks of both hosts by NTP" },
	{ X509_V_ERR_HOSTNAME_MISMATCH, "its certificate is not for ", true,
	  "connect by a name that stands in it, or write that name into redis.tls_server_name" },
	{ X509_V_ERR_IP_ADDRESS_MISMATCH, "its certificate is not for ", true,
	  "connect by a name that stands in it, or write that name into redis.tls_server_name" },
	{ X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT, "its certificate is signed by itself", false,
	  "put it into redis.tls_ca_file, or let an authority sign one" },
	{ X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN, "its certificate is signed by an unknown authority", false,
	  NO_AUTHORITY },
	{ X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT, "its certificate is signed by an unknown authority", false,
	  NO_AUTHORITY },
	{ X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY, "its certificate is signed by an unknown authority", false,
	  NO_AUTHORITY },
	{ X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE, "its certificate is signed by an unknown authority", false,
	  NO_AUTHORITY },
	{ X509_V_ERR_CERT_SIGNATURE_FAILURE, "its certificate is signed by another authority of the same name", false,
	  NO_AUTHORITY },
	{ X509_V_ERR_INVALID_PURPOSE, "its certificate is not for servers", false,
	  "let it be signed for server authentication (extendedKeyUsage)" },
};

/* What the other side says, and what it does not understand. */
static const struct fault handshakes[] = {
	{ SSL_R_WRONG_VERSION_NUMBER, "it speaks no TLS (wrong version number)", false, PLAIN_PORT },
	{ SSL_R_HTTP_REQUEST, "it speaks no TLS", false, PLAIN_PORT },
	{ SSL_R_PACKET_LENGTH_TOO_LONG, "it speaks no TLS", false, PLAIN_PORT },
	{ SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED, "it wants a client certificate", false,
	  "set redis.tls_certificate_file and redis.tls_key_file" },
	{ SSL_R_SSLV3_ALERT_HANDSHAKE_FAILURE, "it refuses the handshake", false,
	  "it may want a client certificate (redis.tls_certificate_file), or ciphers that are not known here" },
	{ SSL_R_TLSV1_ALERT_UNKNOWN_CA, "it does not know the authority of our certificate", false, OUR_CERTIFICATE },
	{ SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED, "our certificate has expired", false,
	  "renew redis.tls_certificate_file; it is read for each connection" },
	{ SSL_R_SSLV3_ALERT_CERTIFICATE_REVOKED, "our certificate was revoked", false, OUR_CERTIFICATE },
	{ SSL_R_SSLV3_ALERT_BAD_CERTIFICATE, "it refuses our certificate", false, OUR_CERTIFICATE },
	{ SSL_R_SSLV3_ALERT_UNSUPPORTED_CERTIFICATE, "it refuses our certificate", false, OUR_CERTIFICATE },
	{ SSL_R_SSLV3_ALERT_CERTIFICATE_UNKNOWN, "it refuses our certificate", false, OUR_CERTIFICATE },
	{ SSL_R_TLSV1_ALERT_PROTOCOL_VERSION, "it speaks only versions of TLS before 1.2", false,
	  "set tls-protocols \"TLSv1.2 TLSv1.3\" in redis.conf" },
	{ SSL_R_UNSUPPORTED_PROTOCOL, "it speaks only versions of TLS before 1.2", false,
	  "set tls-protocols \"TLSv1.2 TLSv1.3\" in redis.conf" },
	{ SSL_R_UNEXPECTED_EOF_WHILE_READING, "it closed the connection during the TLS handshake", false,
	  "see its log, and whether this is its tls-port" },
};

static const struct fault *find(const struct fault *faults, size_t count, long code)
{
	for (size_t i = 0; i < count; i++)
		if (faults[i].code == code)
			return &faults[i];
	return NULL;
}
#define FIND(faults, code) find(faults, sizeof(faults) / sizeof(*faults), code)

void redis_tls_explain(const SSL *ssl, const char *server_name, char *error, size_t size)
{
	unsigned long code = ERR_get_error();
	bool is_certificate = ERR_GET_REASON(code) == SSL_R_CERTIFICATE_VERIFY_FAILED;
	long verdict = SSL_get_verify_result(ssl);
	const struct fault *fault =
		is_certificate ? FIND(certificates, verdict) : FIND(handshakes, ERR_GET_REASON(code));
	const char *text = is_certificate ? X509_verify_cert_error_string(verdict) : ERR_reason_error_string(code);

	ERR_clear_error();
	if (fault)
		snprintf(error, size, "%s%s; %s", fault->what, fault->names_server ? server_name : "", fault->advice);
	else
		snprintf(error, size, "TLS: %s; see the log of Redis, and redis.tls_* of the configuration",
			 text ? text : "unknown error");
}
