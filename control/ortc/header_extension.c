#include "control/ortc/header_extension.h"

#include <string.h>

#define NONE HEADER_EXTENSION_NONE
#define RECVONLY HEADER_EXTENSION_RECVONLY
#define SENDRECV HEADER_EXTENSION_SENDRECV

static const struct header_extension extensions[] = {
    {"urn:ietf:params:rtp-hdrext:sdes:mid", ORTC_EXT_MID, SENDRECV, SENDRECV, 1, false},
    {"urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id", ORTC_EXT_RID, NONE, RECVONLY, 2, false},
    {"urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id", ORTC_EXT_REPAIRED_RID, NONE, RECVONLY, 3,
     false},
    {"http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time", ORTC_EXT_ABS_SEND_TIME, SENDRECV, SENDRECV,
     4, false},
    {"http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01", ORTC_EXT_TRANSPORT_WIDE_CC,
     RECVONLY, SENDRECV, 5, false},
    {"http://tools.ietf.org/html/draft-ietf-avtext-framemarking-07", ORTC_EXT_FRAME_MARKING_07, NONE,
     SENDRECV, 6, false},
    {"urn:ietf:params:rtp-hdrext:framemarking", ORTC_EXT_FRAME_MARKING, NONE, SENDRECV, 7, false},
    {"https://aomediacodec.github.io/av1-rtp-spec/#dependency-descriptor-rtp-header-extension",
     ORTC_EXT_DEPENDENCY_DESCRIPTOR, NONE, SENDRECV, 8, true},
    {"urn:ietf:params:rtp-hdrext:ssrc-audio-level", ORTC_EXT_AUDIO_LEVEL, SENDRECV, NONE, 10, false},
    {"urn:3gpp:video-orientation", ORTC_EXT_VIDEO_ORIENTATION, NONE, SENDRECV, 11, false},
    {"urn:ietf:params:rtp-hdrext:toffset", ORTC_EXT_TOFFSET, NONE, SENDRECV, 12, false},
    {"http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time", ORTC_EXT_ABS_CAPTURE_TIME, SENDRECV,
     SENDRECV, 13, false},
    {"http://www.webrtc.org/experiments/rtp-hdrext/playout-delay", ORTC_EXT_PLAYOUT_DELAY, SENDRECV, SENDRECV,
     14, false},
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
