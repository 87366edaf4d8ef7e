/* The certificate of this server's DTLS associations, and its fingerprints (RFC 8122 section 5). */
#pragma once

#include <jansson.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <stddef.h>

struct dtls_certificate {
    X509 *x509;
    EVP_PKEY *key;
};

/* A new one: ECDSA P-256, self-signed. */
int dtls_certificate_make(struct dtls_certificate *ret_certificate);

/* From two PEM files. -EINVAL with a line in ret_error when one cannot be read or they do not belong
 * together. */
int dtls_certificate_load(const char *certificate_path, const char *key_path,
                          struct dtls_certificate *ret_certificate, char *ret_error, size_t error_bytes);

/* [{algorithm, value}] with sha-512, sha-384, sha-224, sha-1 and last sha-256; a new reference. */
json_t *dtls_certificate_fingerprints(const struct dtls_certificate *certificate);

void dtls_certificate_deinit(struct dtls_certificate *certificate);
