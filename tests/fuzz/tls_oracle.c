#include "tls_oracle.h"

#include <stdio.h>
#include <stdlib.h>

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include "base/assertion.h"

#define CERTIFICATE_DAYS 3650

/* Called for each hello whose extensions are in order. */
static int note_name(SSL *ssl, int *alert, void *context)
{
	struct oracle_reading *reading = SSL_get_app_data(ssl);
	const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);

	(void)alert;
	(void)context;
	if (reading->count < ORACLE_HELLOS_MAX)
		snprintf(reading->names[reading->count++], ORACLE_NAME_SIZE, "%s",
			 name ? name : "");
	return SSL_TLSEXT_ERR_OK;
}

/* A certificate of its own, without which the server would not get as far as a second hello. */
static void make_certificate(SSL_CTX *context)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *certificate = X509_new();

	invariant(key && certificate);
	invariant(X509_gmtime_adj(X509_getm_notBefore(certificate), 0));
	invariant(X509_time_adj_ex(X509_getm_notAfter(certificate), CERTIFICATE_DAYS, 0, NULL));
	invariant(X509_set_pubkey(certificate, key) == 1);
	invariant(X509_sign(certificate, key, EVP_sha256()) > 0);
	invariant(SSL_CTX_use_certificate(context, certificate) == 1);
	invariant(SSL_CTX_use_PrivateKey(context, key) == 1);
	X509_free(certificate);
	EVP_PKEY_free(key);
}

static SSL_CTX *make_context(void)
{
	static char groups[] = "P-384"; /* the macro that takes it casts const away */
	SSL_CTX *context = SSL_CTX_new(TLS_server_method());

	invariant(context);
	make_certificate(context);
	SSL_CTX_set_security_level(context, 0); /* takes what it can, as an old server does */
	invariant(SSL_CTX_set_min_proto_version(context, TLS1_VERSION) == 1);
	invariant(SSL_CTX_set1_groups_list(context, groups) == 1);
	SSL_CTX_set_tlsext_servername_callback(context, note_name);
	return context;
}

struct oracle_reading oracle_read(const uint8_t *bytes, size_t length)
{
	static SSL_CTX *context; /* made once: its key takes as long as a handshake */
	struct oracle_reading reading = {0};
	SSL *ssl;

	if (!context)
		context = make_context();
	ssl = SSL_new(context);
	invariant(ssl);
	SSL_set_app_data(ssl, &reading);
	SSL_set_bio(ssl, BIO_new_mem_buf(bytes, (int)length), BIO_new(BIO_s_mem()));
	SSL_set_accept_state(ssl);
	SSL_do_handshake(ssl); /* ends in want of more, or in an error: both are fine */
	SSL_free(ssl);
	ERR_clear_error();
	return reading;
}
