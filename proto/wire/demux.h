/* What a datagram on the media port is, by its first byte (RFC 7983 section 7, as updated by RFC 9443), and
 * RTCP apart from RTP by the second (RFC 5761 section 4: packet types 192 to 223). Nothing further is looked
 * at. */
#pragma once

#include <stddef.h>
#include <stdint.h>

enum demux_class {
    DEMUX_UNKNOWN, /* ZRTP, TURN channels, QUIC and what nobody has assigned; also anything under two bytes */
    DEMUX_STUN,
    DEMUX_DTLS,
    DEMUX_RTP,
    DEMUX_RTCP,
};

static inline enum demux_class demux_classify(const uint8_t *data, size_t length)
{
    if (length < 2)
        return DEMUX_UNKNOWN;
    if (data[0] <= 3)
        return DEMUX_STUN;
    if (data[0] >= 20 && data[0] <= 63)
        return DEMUX_DTLS;
    if (data[0] >= 128 && data[0] <= 191)
        return data[1] >= 192 && data[1] <= 223 ? DEMUX_RTCP : DEMUX_RTP;
    return DEMUX_UNKNOWN;
}
