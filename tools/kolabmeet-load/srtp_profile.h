/* The names of SRTP profiles. They stand in a file of their own because OpenSSL has macros that are called
 * like the profiles of srtp.h. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "dataplane/srtp.h"

/* On the command line and in reports: aes128gcm, aes256gcm, aescm. */
const char *srtp_profile_name(enum srtp_profile profile);
bool srtp_profile_find(const char *name, enum srtp_profile *ret_profile);

/* As SSL_CTX_set_tlsext_use_srtp() wants it. */
const char *srtp_profile_openssl_name(enum srtp_profile profile);

/* Of the master key, without its salt. */
size_t srtp_profile_cipher_key_bytes(enum srtp_profile profile);
