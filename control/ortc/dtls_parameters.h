/* A client's dtlsParameters {role, fingerprints[{algorithm, value}]} (RFC 8122 section 5, RFC 8842). */
#pragma once

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#define DTLS_FINGERPRINT_MAX_BYTES 64

enum dtls_role {
    DTLS_ROLE_AUTO,
    DTLS_ROLE_CLIENT,
    DTLS_ROLE_SERVER,
};

enum dtls_hash {
    DTLS_HASH_SHA_256 = 1,
    DTLS_HASH_SHA_384 = 2,
    DTLS_HASH_SHA_512 = 3,
};

struct dtls_parameters {
    enum dtls_role role; /* the client's: for auto and server, this side is the DTLS client */
    enum dtls_hash algorithm;
    uint8_t fingerprint[DTLS_FINGERPRINT_MAX_BYTES];
    size_t fingerprint_bytes; /* 32, 48 or 64 by the algorithm */
};

/* Takes the first fingerprint of an algorithm above; role auto when absent. -EINVAL for any other role, for a
 * missing, empty or overlong list, for a list of other algorithms only, and for any malformed fingerprint,
 * used or not. */
int dtls_parameters_parse(const json_t *json, struct dtls_parameters *ret_parameters);
