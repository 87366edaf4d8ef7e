#include "control/transport/dtls_certificate.h"

#include <errno.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <string.h>

#define VALID_SECONDS (365L * 24 * 3600)

static X509 *sign_self(EVP_PKEY *key)
{
    X509 *x509 = X509_new();
    uint64_t serial;

    if (!x509 || RAND_bytes((unsigned char *)&serial, sizeof serial) != 1)
        goto fail;
    X509_NAME *name = X509_get_subject_name(x509);
    if (!X509_set_version(x509, X509_VERSION_3) ||
        !ASN1_INTEGER_set_uint64(X509_get_serialNumber(x509), serial >> 1) ||
        /* A day back, for clients whose clock is late. */
        !X509_gmtime_adj(X509_getm_notBefore(x509), -24L * 3600) ||
        !X509_gmtime_adj(X509_getm_notAfter(x509), VALID_SECONDS) || !X509_set_pubkey(x509, key) ||
        !X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"kolabmeet", -1, -1,
                                    0) ||
        !X509_set_issuer_name(x509, name) || !X509_sign(x509, key, EVP_sha256()))
        goto fail;
    return x509;
fail:
    X509_free(x509);
    return NULL;
}

int dtls_certificate_make(struct dtls_certificate *ret_certificate)
{
    struct dtls_certificate made = {.key = EVP_EC_gen("P-256")};
    if (made.key)
        made.x509 = sign_self(made.key);
    if (!made.x509) {
        dtls_certificate_deinit(&made);
        ERR_clear_error();
        return -EIO;
    }
    *ret_certificate = made;
    return 0;
}

int dtls_certificate_load(const char *certificate_path, const char *key_path,
                          struct dtls_certificate *ret_certificate, char *ret_error, size_t error_bytes)
{
    struct dtls_certificate made = {0};
    FILE *file = fopen(certificate_path, "re");
    if (file) {
        made.x509 = PEM_read_X509(file, NULL, NULL, NULL);
        fclose(file);
    }
    file = fopen(key_path, "re");
    if (file) {
        made.key = PEM_read_PrivateKey(file, NULL, NULL, NULL);
        fclose(file);
    }
    if (!made.x509)
        snprintf(ret_error, error_bytes, "DTLS certificate %s cannot be read", certificate_path);
    else if (!made.key)
        snprintf(ret_error, error_bytes, "DTLS key %s cannot be read", key_path);
    else if (X509_check_private_key(made.x509, made.key) != 1)
        snprintf(ret_error, error_bytes, "DTLS key %s does not belong to certificate %s", key_path,
                 certificate_path);
    else {
        *ret_certificate = made;
        return 0;
    }
    ERR_clear_error();
    dtls_certificate_deinit(&made);
    return -EINVAL;
}

static json_t *fingerprint(const X509 *x509, const char *algorithm, const EVP_MD *digest)
{
    uint8_t bytes[EVP_MAX_MD_SIZE];
    char text[EVP_MAX_MD_SIZE * 3 + 1];
    unsigned length = 0;

    if (!X509_digest(x509, digest, bytes, &length))
        return NULL;
    for (unsigned i = 0; i < length; i++)
        snprintf(text + (size_t)i * 3, 4, "%02X:", bytes[i]);
    text[length * 3 - 1] = 0;
    return json_pack("{s:s, s:s}", "algorithm", algorithm, "value", text);
}

json_t *dtls_certificate_fingerprints(const struct dtls_certificate *certificate)
{
    const struct {
        const char *name;
        const EVP_MD *digest;
    } algorithms[] = {{"sha-512", EVP_sha512()},
                      {"sha-384", EVP_sha384()},
                      {"sha-224", EVP_sha224()},
                      {"sha-1", EVP_sha1()},
                      {"sha-256", EVP_sha256()}};
    json_t *list = json_array();
    for (size_t i = 0; i < sizeof algorithms / sizeof *algorithms; i++)
        json_array_append_new(list, fingerprint(certificate->x509, algorithms[i].name, algorithms[i].digest));
    return list;
}

void dtls_certificate_deinit(struct dtls_certificate *certificate)
{
    X509_free(certificate->x509);
    EVP_PKEY_free(certificate->key);
    memset(certificate, 0, sizeof *certificate);
}
