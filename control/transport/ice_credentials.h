/* ICE user name fragments and passwords (RFC 8445 section 5.3): 32 characters of a-z and 0-9 each. The first
 * two of a fragment name the worker that owns the transport, in base 36, so that a check can be steered to
 * it; the last six are for forwarder_seal_ufrag to replace. */
#pragma once

#include <stdint.h>

#define ICE_CREDENTIAL_CHARACTERS 32
#define ICE_WORKERS_MAX (36 * 36)

struct ice_credentials {
    char ufrag[ICE_CREDENTIAL_CHARACTERS + 1];
    char password[ICE_CREDENTIAL_CHARACTERS + 1];
};

/* -EIO when the random number generator fails. */
int ice_credentials_make(uint32_t worker, struct ice_credentials *ret_credentials);
