/* The words of ORTC in C: kinds, codecs, header extensions, and the bounds of what a client may send.
 *
 * Everything in control/ortc is a pure function over JSON and plain structs: no I/O, no globals, no log. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ORTC_MAX_CODECS 32            /* of one rtpParameters */
#define ORTC_MAX_ENCODINGS 4          /* likewise */
#define ORTC_MAX_HEADER_EXTENSIONS 32 /* likewise */
#define ORTC_MAX_CAPABILITIES 64      /* codecs, and header extensions, of one rtpCapabilities */
#define ORTC_MAX_MEDIA_CODECS 8  /* of one producer, that packets may come in: as the forwarder has room for \
                                  */
#define ORTC_MAX_EXTENSION_ID 31 /* likewise; a client has 14 ids in the one-byte form */
#define ORTC_MAX_LAYERS 8        /* spatial or temporal: three bits in the VP9 and AV1 descriptors */
#define ORTC_MID_BYTES 17        /* with the terminating NUL, as all sizes of strings here */
#define ORTC_RID_BYTES 17
#define ORTC_CNAME_BYTES 256

/* Values of these enums are those of proto/schema's enums of the same meaning. */
enum media_kind {
    MEDIA_AUDIO = 1,
    MEDIA_VIDEO = 2,
};

enum ortc_codec_id {
    ORTC_CODEC_OPUS = 1,
    ORTC_CODEC_VP8 = 2,
    ORTC_CODEC_VP9 = 3,
    ORTC_CODEC_H264 = 4,
    ORTC_CODEC_AV1 = 5,
    ORTC_CODEC_OTHER_AUDIO = 6,
    ORTC_CODEC_OTHER_VIDEO = 7,
};

/* How a producer's layers reach its consumers. */
enum ortc_type {
    ORTC_SIMPLE = 0,
    ORTC_SIMULCAST = 1, /* several encodings, or one VP8/H264 encoding with temporal layers */
    ORTC_SVC = 2,       /* one VP9/AV1 encoding with layers */
};

enum ortc_extension {
    ORTC_EXT_MID = 1,
    ORTC_EXT_RID = 2,
    ORTC_EXT_REPAIRED_RID = 3,
    ORTC_EXT_ABS_SEND_TIME = 4,
    ORTC_EXT_TRANSPORT_WIDE_CC = 5,
    ORTC_EXT_AUDIO_LEVEL = 6,
    ORTC_EXT_VIDEO_ORIENTATION = 7,
    ORTC_EXT_TOFFSET = 8,
    ORTC_EXT_ABS_CAPTURE_TIME = 9,
    ORTC_EXT_PLAYOUT_DELAY = 10,
    ORTC_EXT_FRAME_MARKING = 11,
    ORTC_EXT_FRAME_MARKING_07 = 12,
    ORTC_EXT_DEPENDENCY_DESCRIPTOR = 13,
    ORTC_EXT_COUNT = 14,
};

/* The id (1..255) that each extension has on one wire (RFC 8285); 0 where it is not in use. */
struct ortc_extension_ids {
    uint8_t id[ORTC_EXT_COUNT]; /* by enum ortc_extension */
};

/* RTCP feedback that was negotiated (RFC 4585, RFC 5104); transport_cc and goog_remb only together with the
 * header extension that they need. */
struct ortc_feedback {
    bool nack;
    bool pli;
    bool fir;
    bool transport_cc;
    bool goog_remb;
};

const char *media_kind_name(enum media_kind kind); /* "audio" or "video" */
/* False for anything but these two names. */
bool media_kind_parse(const char *name, enum media_kind *ret_kind);
const char *ortc_type_name(enum ortc_type type); /* "simple", "simulcast" or "svc" */
