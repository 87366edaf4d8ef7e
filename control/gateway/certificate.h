/* The listener's certificate, checked with errors that say what is wrong before anybody uses it. */
#pragma once

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>

struct certificate;

/* Reads a PEM chain and its key. 0 if both files can be read, parse and belong together. Otherwise a negative
 * errno (that of opening the file, or -EINVAL) with one line in `error`. A key with a passphrase is refused,
 * never asked for. */
int certificate_load(const char *cert_path, const char *key_path, struct certificate **ret_certificate,
                     char *error, size_t size);
void certificate_destroy(struct certificate *certificate);

/* For a callback of SSL_CTX_set_cert_cb: the handshake goes on with this certificate and no other. False if
 * OpenSSL can not. */
bool certificate_use(const struct certificate *certificate, SSL *ssl);
