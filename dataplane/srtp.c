#include "dataplane/srtp.h"

#include <string.h>

#include "dataplane/srtp_native.h"

#define RTP_FIXED_HEADER_BYTES 12u

const struct srtp_backend *srtp_backend_find(const char *name)
{
    static const struct srtp_backend *const backends[] = {
        &srtp_native,
        &srtp_native_openssl,
#if KM_WITH_IPSEC_MB
        &srtp_native_ipsec_mb,
#endif
        &srtp_libsrtp2,
    };

    for (size_t i = 0; i < sizeof(backends) / sizeof(backends[0]); i++) {
        if (strcmp(backends[i]->name, name) == 0)
            return backends[i];
    }
    return NULL;
}

size_t srtp_key_bytes(enum srtp_profile profile)
{
    switch (profile) {
    case SRTP_AEAD_AES_128_GCM:
        return 16 + 12; /* RFC 7714 section 12 */
    case SRTP_AEAD_AES_256_GCM:
        return 32 + 12;
    case SRTP_AES128_CM_SHA1_80:
        return 16 + 14; /* RFC 3711 section 8.2 */
    }
    return 0;
}

size_t srtp_trailer_bytes(enum srtp_profile profile, enum srtp_kind kind)
{
    size_t tag = profile == SRTP_AES128_CM_SHA1_80 ? 10 : 16;
    return kind == SRTP_KIND_RTCP ? tag + 4 : tag;
}

size_t srtp_rtp_header_bytes(const uint8_t *data, size_t length, size_t trailer)
{
    if (length < RTP_FIXED_HEADER_BYTES + trailer || data[0] >> 6 != 2)
        return 0;
    size_t body = length - trailer;
    size_t header = RTP_FIXED_HEADER_BYTES + 4 * (size_t)(data[0] & 0x0f);
    if (data[0] & 0x10) {
        if (header + 4 > body)
            return 0;
        header += 4 + 4 * ((size_t)data[header + 2] << 8 | data[header + 3]);
    }
    return header <= body ? header : 0;
}
