/* For dtls_client.c alone. */
#pragma once

#include "tools/kolabmeet-load/dtls_client.h" /* before OpenSSL's macros: see srtp_profile.h */

#include <openssl/ssl.h>

struct dtls_identity {
    SSL_CTX *context;
    enum srtp_profile profile;
    char sha256[DTLS_FINGERPRINT_TEXT_BYTES];
};
