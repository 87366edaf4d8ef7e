/* A received RTP packet, read once for all of its consumers: header, header extensions by meaning, codec. */
#pragma once

#include "dataplane/svc_frame.h"
#include "proto/wire/rtp.h"
#include "proto/wire/rtp_ext.h"
#include "proto/wire/vp8.h"
#include "shm/media_state.h"

struct packet_extension {
    uint16_t offset; /* of the value, from the first byte of the packet */
    uint8_t length;  /* 0 = not in the packet */
};

/* Where a packet stands in a stream of layers; zeroes where there are none. */
struct packet_layer {
    uint8_t spatial;
    uint8_t temporal;
    bool temporal_sync; /* who had one temporal layer less until now can take this one up from here */
    bool frame_start;   /* the first packet of a picture of this layer */
};

struct packet_view {
    struct rtp_header header;
    struct packet_extension extensions[MEDIA_EXTENSION_COUNT]; /* by enum media_extension */
    bool key_frame;                                            /* the first packet of one */
    bool has_vp8;
    bool is_padded; /* by us: the padding is to be sent (equalise.h) */
    struct packet_layer layer;
    struct vp8_descriptor vp8;
    struct svc_frame svc; /* the last: not stored where there are no such layers (stored.c) */
};

/* Parses a plain (decrypted) packet. map says what the ids mean; under BUNDLE an id means the same for all
 * producers of a transport (RFC 8843 section 9.1), so one map a transport will do, before the producer is
 * known. Values of a length that their kind cannot have are left out. -EBADMSG when header, padding or
 * extension block are malformed. */
int packet_view_parse(const uint8_t *packet, size_t length, const struct media_extension_map *map,
                      struct packet_view *ret_view);

/* Reads the payload as codec: fills key_frame, layer and vp8. A packet without payload is padding and has
 * neither. -EBADMSG when the payload is not what it claims to be: the packet is to be dropped. */
int packet_view_read_codec(const uint8_t *packet, enum media_codec codec, struct packet_view *view);

/* Reads the layers of a packet of VP9, AV1, or H264 with a dependency descriptor, behind
 * packet_view_read_codec: fills svc and layer. -EBADMSG as above. */
int packet_view_read_layers(const uint8_t *packet, enum media_codec codec, struct svc_stream *stream,
                            struct packet_view *view);

static inline const uint8_t *packet_view_payload(const uint8_t *packet, const struct packet_view *view)
{
    return packet + view->header.payload_offset;
}

/* Adds an id to a map; -EINVAL for id 0 or one that a map does not hold, -EEXIST when it means something
 * else. */
int packet_view_map_id(struct media_extension_map *map, uint8_t id, enum media_extension kind);
