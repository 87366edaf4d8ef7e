#include "control/gateway/certificate.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

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

int certificate_check(const char *cert_path, const char *key_path, char *error, size_t size)
{
    int result = check_readable("certificate", cert_path, error, size);

    if (!result)
        result = check_readable("key", key_path, error, size);
    if (result)
        return result;

    SSL_CTX *context = SSL_CTX_new(TLS_server_method());
    if (!context) {
        snprintf(error, size, "no memory for TLS");
        return -ENOMEM;
    }
    SSL_CTX_set_default_passwd_cb(context, no_passphrase);
    result = -EINVAL;
    if (SSL_CTX_use_certificate_chain_file(context, cert_path) != 1)
        snprintf(error, size, "%s is no usable PEM certificate", cert_path);
    else if (SSL_CTX_use_PrivateKey_file(context, key_path, SSL_FILETYPE_PEM) != 1)
        snprintf(error, size, "%s is no usable PEM key, or not the key of %s", key_path, cert_path);
    else if (SSL_CTX_check_private_key(context) != 1)
        snprintf(error, size, "%s is not the key of %s", key_path, cert_path);
    else
        result = 0;
    SSL_CTX_free(context);
    ERR_clear_error();
    return result;
}
