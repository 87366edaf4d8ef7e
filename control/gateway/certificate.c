#include "control/gateway/certificate.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct certificate {
    SSL_CTX *files; /* only to keep what was read */
};

static int check_readable(const char *what, const char *path, char *error, size_t size)
{
    char byte;
    int file = open(path, O_RDONLY | O_CLOEXEC);
    int result = file < 0 || read(file, &byte, 1) < 0 ? -errno : 0;

    if (file >= 0)
        close(file);
    if (result)
        snprintf(error, size, "cannot read the %s %s: %s", what, path, strerror(-result));
    return result;
}

static int no_passphrase(char *buffer, int size, int writing, void *context)
{
    (void)buffer;
    (void)size;
    (void)writing;
    (void)context;
    return -1;
}

static int load_files(SSL_CTX *files, const char *cert_path, const char *key_path, char *error, size_t size)
{
    int result = -EINVAL;

    SSL_CTX_set_default_passwd_cb(files, no_passphrase);
    if (SSL_CTX_use_certificate_chain_file(files, cert_path) != 1)
        snprintf(error, size, "%s is no usable PEM certificate", cert_path);
    else if (SSL_CTX_use_PrivateKey_file(files, key_path, SSL_FILETYPE_PEM) != 1)
        snprintf(error, size, "%s is no usable PEM key, or not the key of %s", key_path, cert_path);
    else if (SSL_CTX_check_private_key(files) != 1)
        snprintf(error, size, "%s is not the key of %s", key_path, cert_path);
    else
        result = 0;
    ERR_clear_error();
    return result;
}

int certificate_load(const char *cert_path, const char *key_path, struct certificate **ret_certificate,
                     char *error, size_t size)
{
    int result = check_readable("certificate", cert_path, error, size);

    if (!result)
        result = check_readable("key", key_path, error, size);
    if (result)
        return result;

    struct certificate *certificate = calloc(1, sizeof(*certificate));
    if (certificate)
        certificate->files = SSL_CTX_new(TLS_server_method());
    if (!certificate || !certificate->files) {
        snprintf(error, size, "no memory for TLS");
        result = -ENOMEM;
    } else {
        result = load_files(certificate->files, cert_path, key_path, error, size);
    }
    if (result) {
        certificate_destroy(certificate);
        return result;
    }
    *ret_certificate = certificate;
    return 0;
}

void certificate_destroy(struct certificate *certificate)
{
    if (!certificate)
        return;
    SSL_CTX_free(certificate->files);
    free(certificate);
}

bool certificate_use(const struct certificate *certificate, SSL *ssl)
{
    STACK_OF(X509) *chain = NULL;

    /* One of another type of key would stay beside the new one. */
    SSL_certs_clear(ssl);
    return SSL_CTX_get0_chain_certs(certificate->files, &chain) == 1 &&
           SSL_use_cert_and_key(ssl, SSL_CTX_get0_certificate(certificate->files),
                                SSL_CTX_get0_privatekey(certificate->files), chain, 1) == 1;
}
