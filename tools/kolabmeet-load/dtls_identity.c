#include "tools/kolabmeet-load/dtls_identity.h"

#include <errno.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>

#include "tools/kolabmeet-load/memory.h"
#include "tools/kolabmeet-load/srtp_profile.h"

#define VALID_SECONDS (30L * 86400)

static X509 *make_certificate(EVP_PKEY *key)
{
    X509 *certificate = X509_new();
    X509_NAME *name = certificate ? X509_get_subject_name(certificate) : NULL;

    if (!name || !X509_set_version(certificate, 2) ||
        !ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1) ||
        !X509_gmtime_adj(X509_getm_notBefore(certificate), -86400) ||
        !X509_gmtime_adj(X509_getm_notAfter(certificate), VALID_SECONDS) ||
        !X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"kolabmeet-load", -1, -1,
                                    0) ||
        !X509_set_issuer_name(certificate, name) || !X509_set_pubkey(certificate, key) ||
        X509_sign(certificate, key, EVP_sha256()) == 0) {
        X509_free(certificate);
        return NULL;
    }
    return certificate;
}

static bool write_fingerprint(const X509 *certificate, char *text)
{
    uint8_t digest[EVP_MAX_MD_SIZE];
    unsigned length = 0;

    if (!X509_digest(certificate, EVP_sha256(), digest, &length))
        return false;
    for (unsigned i = 0; i < length; i++)
        sprintf(text + 3 * i, "%02X%s", digest[i], i + 1 < length ? ":" : "");
    return true;
}

static int accept_any(int ok, X509_STORE_CTX *store)
{
    (void)ok;
    (void)store;
    return 1;
}

static bool set_up(SSL_CTX *context, X509 *certificate, EVP_PKEY *key, enum srtp_profile profile)
{
    if (!SSL_CTX_set_min_proto_version(context, DTLS1_2_VERSION) ||
        !SSL_CTX_set_max_proto_version(context, DTLS1_2_VERSION) ||
        !SSL_CTX_use_certificate(context, certificate) || !SSL_CTX_use_PrivateKey(context, key) ||
        !SSL_CTX_set1_groups_list(context, "X25519:P-256") ||
        SSL_CTX_set_tlsext_use_srtp(context, srtp_profile_openssl_name(profile)) != 0)
        return false;
    SSL_CTX_set_options(context, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_QUERY_MTU);
    SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, accept_any);
    return true;
}

int dtls_identity_create(enum srtp_profile profile, struct dtls_identity **ret_identity)
{
    struct dtls_identity *identity = memory_take(1, sizeof *identity);
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *certificate = key ? make_certificate(key) : NULL;

    identity->profile = profile;
    identity->context = SSL_CTX_new(DTLS_method());
    bool is_made = certificate && identity->context && write_fingerprint(certificate, identity->sha256) &&
                   set_up(identity->context, certificate, key, profile);
    X509_free(certificate);
    EVP_PKEY_free(key);
    ERR_clear_error();
    if (!is_made) {
        dtls_identity_destroy(identity);
        return -EIO;
    }
    *ret_identity = identity;
    return 0;
}

void dtls_identity_destroy(struct dtls_identity *identity)
{
    if (!identity)
        return;
    SSL_CTX_free(identity->context);
    free(identity);
}

const char *dtls_identity_sha256(const struct dtls_identity *identity)
{
    return identity->sha256;
}
