/* OpenSSL as DTLS needs it: its default provider, of which only the decoders of a certificate's public key
 * are shown.
 *
 * OpenSSL 3.0 looks through all decoders and key types that it has for each certificate of a peer anew
 * (OSSL_DECODER_CTX_new_for_pkey), which costs as much as checking its signature. Here there are few. */
#pragma once

#include <openssl/types.h>

/* The library context, made by the first call; NULL when that failed. It lasts as long as the process. */
OSSL_LIB_CTX *dtls_library(void);
