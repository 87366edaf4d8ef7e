/* A camera as the benches play it: frames of VP8 with picture ids of 15 bits in SRTP, the first one a key
 * frame. */
#pragma once

#include <srtp2/srtp.h>

#include "dataplane/srtp.h"

#define CAMERA_PACKET_MAX 2048u

struct camera {
    enum srtp_profile profile;
    srtp_t srtp;
    uint32_t ssrc;
    uint32_t timestamp;
    uint16_t sequence;
    uint16_t picture;
};

/* A context of libsrtp2 for all SSRCs of one direction; NULL when it refuses. */
srtp_t camera_srtp_context(enum srtp_profile profile, const uint8_t *key, bool outbound);

/* key: what it sends with. libsrtp2 is initialised. -ENOMEM. */
int camera_init(struct camera *camera, enum srtp_profile profile, uint32_t ssrc, const uint8_t *key);
void camera_deinit(struct camera *camera);

/* The next packet of a frame of so many, which has bytes with its SRTP trailer. Returns false when it cannot
 * be encrypted. */
bool camera_write(struct camera *camera, uint32_t packet, uint32_t packets, uint32_t bytes,
                  uint8_t data[CAMERA_PACKET_MAX]);
