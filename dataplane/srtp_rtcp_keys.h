/* Expanded keys of SRTCP, for the packets that are at the provider together. A transport has a few of these
 * packets a second, and expanding a key costs less than the cipher of one (AES-128-GCM by ipsec-mb 130 ns,
 * AES-CM with its HMAC 210, OpenSSL about 500), so that keeping them would only cost memory: two keys a
 * transport. */
#pragma once

#include "dataplane/srtp_session.h"

#define SRTP_RTCP_KEYS 8u

struct srtp_rtcp_keys {
    enum srtp_direction direction;
    uint32_t count;
    const struct srtp_session *sessions[SRTP_RTCP_KEYS];
    _Alignas(SHM_CACHE_LINE) uint8_t memory[SRTP_RTCP_KEYS][SRTP_CIPHER_KEY_BYTES];
};

static inline void srtp_rtcp_keys_init(struct srtp_rtcp_keys *keys, enum srtp_direction direction)
{
    keys->direction = direction;
    keys->count = 0;
}

/* The key of a session, good until deinit. -ENOSPC when there are SRTP_RTCP_KEYS others already: run what is
 * prepared, deinit, and ask again; else the provider's error. */
int srtp_rtcp_keys_find(struct srtp_rtcp_keys *keys, const struct srtp_session *session,
                        struct srtp_cipher_key **ret_key);

/* Wipes them, and may be used again. */
void srtp_rtcp_keys_deinit(struct srtp_rtcp_keys *keys);
