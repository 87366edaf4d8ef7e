#include "tests/bench/camera.h"

#include <errno.h>
#include <string.h>

#include "proto/wire/bytes.h"

#define FRAME_TICKS 3000u /* at 30 frames a second */

srtp_t camera_srtp_context(enum srtp_profile profile, const uint8_t *key, bool outbound)
{
    uint8_t copy[SRTP_KEY_MAX];
    srtp_policy_t policy = {.ssrc.type = outbound ? ssrc_any_outbound : ssrc_any_inbound,
                            .key = copy,
                            .window_size = 1024,
                            .allow_repeat_tx = 1};
    srtp_t context = NULL;

    memcpy(copy, key, sizeof(copy));
    if (profile == SRTP_AES128_CM_SHA1_80) {
        srtp_crypto_policy_set_rtp_default(&policy.rtp);
        srtp_crypto_policy_set_rtcp_default(&policy.rtcp);
    } else if (profile == SRTP_AEAD_AES_128_GCM) {
        srtp_crypto_policy_set_aes_gcm_128_16_auth(&policy.rtp);
        srtp_crypto_policy_set_aes_gcm_128_16_auth(&policy.rtcp);
    } else {
        srtp_crypto_policy_set_aes_gcm_256_16_auth(&policy.rtp);
        srtp_crypto_policy_set_aes_gcm_256_16_auth(&policy.rtcp);
    }
    return srtp_create(&context, &policy) == srtp_err_status_ok ? context : NULL;
}

int camera_init(struct camera *camera, enum srtp_profile profile, uint32_t ssrc, const uint8_t *key)
{
    *camera =
        (struct camera){.profile = profile, .ssrc = ssrc, .srtp = camera_srtp_context(profile, key, true)};
    return camera->srtp ? 0 : -ENOMEM;
}

void camera_deinit(struct camera *camera)
{
    if (camera->srtp)
        srtp_dealloc(camera->srtp);
    camera->srtp = NULL;
}

bool camera_write(struct camera *camera, uint32_t packet, uint32_t packets, uint32_t bytes,
                  uint8_t data[CAMERA_PACKET_MAX])
{
    bool is_first = packet == 0;
    bool is_last = packet + 1 == packets;
    bool is_key = camera->picture == 0;
    const uint8_t descriptor[] = {(uint8_t)(is_first ? 0x90 : 0x80), 0x80,
                                  (uint8_t)(0x80 | camera->picture >> 8), (uint8_t)camera->picture,
                                  is_key && is_first ? 0x10 : 0x11};
    int length = (int)(bytes - srtp_trailer_bytes(camera->profile, SRTP_KIND_RTP));

    memset(data, 0, (size_t)length);
    data[0] = 0x80;
    data[1] = (uint8_t)(96 | (is_last ? 0x80 : 0));
    store_be16(data + 2, camera->sequence++);
    store_be32(data + 4, camera->timestamp);
    store_be32(data + 8, camera->ssrc);
    memcpy(data + 12, descriptor, sizeof(descriptor));
    if (is_last) {
        camera->timestamp += FRAME_TICKS;
        camera->picture = (uint16_t)((camera->picture + 1) & 0x7fff);
    }
    return srtp_protect(camera->srtp, data, &length) == srtp_err_status_ok && (uint32_t)length == bytes;
}
