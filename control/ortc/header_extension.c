#include "control/ortc/header_extension.h"

#include <string.h>

#define NONE HEADER_EXTENSION_NONE
#define RECVONLY HEADER_EXTENSION_RECVONLY
#define SENDRECV HEADER_EXTENSION_SENDRECV

static const struct header_extension extensions[] = {
    {ORTC_EXT_MID, 1, "urn:ietf:params:rtp-hdrext:sdes:mid", SENDRECV, SENDRECV, false},
    {ORTC_EXT_RID, 2, "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id", NONE, RECVONLY, false},
    {ORTC_EXT_REPAIRED_RID, 3, "urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id", NONE, RECVONLY,
     false},
    {ORTC_EXT_ABS_SEND_TIME, 4, "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time", SENDRECV,
     SENDRECV, false},
    {ORTC_EXT_TRANSPORT_WIDE_CC, 5,
     "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01", RECVONLY, SENDRECV, false},
    {ORTC_EXT_FRAME_MARKING_07, 6, "http://tools.ietf.org/html/draft-ietf-avtext-framemarking-07", NONE,
     SENDRECV, false},
    {ORTC_EXT_FRAME_MARKING, 7, "urn:ietf:params:rtp-hdrext:framemarking", NONE, SENDRECV, false},
    {ORTC_EXT_DEPENDENCY_DESCRIPTOR, 8,
     "https://aomediacodec.github.io/av1-rtp-spec/#dependency-descriptor-rtp-header-extension", NONE,
     SENDRECV, true},
    {ORTC_EXT_AUDIO_LEVEL, 10, "urn:ietf:params:rtp-hdrext:ssrc-audio-level", SENDRECV, NONE, false},
    {ORTC_EXT_VIDEO_ORIENTATION, 11, "urn:3gpp:video-orientation", NONE, SENDRECV, false},
    {ORTC_EXT_TOFFSET, 12, "urn:ietf:params:rtp-hdrext:toffset", NONE, SENDRECV, false},
    {ORTC_EXT_ABS_CAPTURE_TIME, 13, "http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time", SENDRECV,
     SENDRECV, false},
    {ORTC_EXT_PLAYOUT_DELAY, 14, "http://www.webrtc.org/experiments/rtp-hdrext/playout-delay", SENDRECV,
     SENDRECV, false},
};

const struct header_extension *header_extension_at(size_t index)
{
    return index < sizeof extensions / sizeof *extensions ? &extensions[index] : NULL;
}

const struct header_extension *header_extension_find(const char *uri)
{
    for (size_t i = 0; i < sizeof extensions / sizeof *extensions; i++)
        if (strcmp(extensions[i].uri, uri) == 0)
            return &extensions[i];
    return NULL;
}

enum header_extension_direction header_extension_direction_for(const struct header_extension *extension,
                                                               enum media_kind kind)
{
    return kind == MEDIA_AUDIO ? extension->audio : extension->video;
}

const char *header_extension_direction_name(enum header_extension_direction direction)
{
    return direction == RECVONLY ? "recvonly" : "sendrecv";
}
