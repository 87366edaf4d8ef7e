#include "dataplane/packet_view.h"

#include <errno.h>
#include <string.h>

#include "dataplane/key_frame.h"

/* Lengths that a value of each kind can have; a maximum of 0: never read. */
static const struct {
    uint8_t min;
    uint8_t max;
} value_bytes[MEDIA_EXTENSION_COUNT] = {
    [MEDIA_EXTENSION_MID] = {1, RTP_EXT_TOKEN_MAX},
    [MEDIA_EXTENSION_RID] = {1, MEDIA_RID_BYTES},
    [MEDIA_EXTENSION_REPAIRED_RID] = {1, MEDIA_RID_BYTES},
    [MEDIA_EXTENSION_ABS_SEND_TIME] = {3, 3},
    [MEDIA_EXTENSION_TRANSPORT_WIDE_CC] = {2, 2},
    [MEDIA_EXTENSION_AUDIO_LEVEL] = {1, 1},
    [MEDIA_EXTENSION_VIDEO_ORIENTATION] = {1, 1},
    [MEDIA_EXTENSION_TOFFSET] = {3, 3},
    [MEDIA_EXTENSION_ABS_CAPTURE_TIME] = {8, 16},
    [MEDIA_EXTENSION_PLAYOUT_DELAY] = {3, 3},
    [MEDIA_EXTENSION_FRAME_MARKING] = {1, 3},
    [MEDIA_EXTENSION_FRAME_MARKING_07] = {1, 3},
    [MEDIA_EXTENSION_DEPENDENCY_DESCRIPTOR] = {3, 255},
};

int packet_view_parse(const uint8_t *packet, size_t length, const struct media_extension_map *map,
                      struct packet_view *ret_view)
{
    struct packet_view view = {.key_frame = false};
    int error = rtp_parse(packet, length, &view.header);
    if (error)
        return error;

    struct rtp_ext_iterator iterator;
    struct rtp_ext_element element;
    rtp_ext_begin(&iterator, packet, &view.header);
    while ((error = rtp_ext_next(&iterator, &element)) > 0) {
        if (element.id >= MEDIA_EXTENSION_IDS)
            continue;
        uint8_t kind = map->kind_by_id[element.id];
        if (kind >= MEDIA_EXTENSION_COUNT || element.length < value_bytes[kind].min ||
            element.length > value_bytes[kind].max || view.extensions[kind].length != 0)
            continue;
        view.extensions[kind] = (struct packet_extension){.offset = element.offset, .length = element.length};
    }
    if (error)
        return error;
    *ret_view = view;
    return 0;
}

/* RFC 9626 section 3: a codec whose payload does not say its temporal layer has it said here. */
static void read_frame_marking(const uint8_t *packet, struct packet_view *view)
{
    const struct packet_extension *marking = &view->extensions[MEDIA_EXTENSION_FRAME_MARKING];

    if (marking->length == 0)
        marking = &view->extensions[MEDIA_EXTENSION_FRAME_MARKING_07];
    if (marking->length == 0)
        return;
    uint8_t bits = packet[marking->offset];
    view->layer =
        (struct packet_layer){.temporal = bits & 7, .temporal_sync = bits & 0x08, .frame_start = bits & 0x80};
    if (view->layer.temporal >= MEDIA_TEMPORAL_LAYERS_MAX)
        view->layer.temporal = MEDIA_TEMPORAL_LAYERS_MAX - 1;
}

int packet_view_read_codec(const uint8_t *packet, enum media_codec codec, struct packet_view *view)
{
    const uint8_t *payload = packet_view_payload(packet, view);
    size_t length = view->header.payload_length;

    view->key_frame = false;
    view->has_vp8 = false;
    view->layer = (struct packet_layer){0};
    view->svc = (struct svc_frame){0};
    if (length == 0)
        return 0;
    if (codec == MEDIA_CODEC_VP8) {
        int error = vp8_parse(payload, length, &view->vp8);
        view->has_vp8 = !error;
        view->key_frame = !error && view->vp8.key_frame;
        if (!error)
            view->layer = (struct packet_layer){.temporal = view->vp8.temporal_layer,
                                                .temporal_sync = view->vp8.layer_sync,
                                                .frame_start = view->vp8.start_of_partition &&
                                                               view->vp8.partition_id == 0};
        return error;
    }
    int found = key_frame_detect(codec, payload, length);
    view->key_frame = found > 0;
    read_frame_marking(packet, view);
    return found < 0 ? found : 0;
}

static int read_frame(const uint8_t *packet, enum media_codec codec, struct svc_stream *stream,
                      struct packet_view *view)
{
    const struct packet_extension *dependency = &view->extensions[MEDIA_EXTENSION_DEPENDENCY_DESCRIPTOR];
    struct vp9_descriptor descriptor;

    if (codec == MEDIA_CODEC_VP9) {
        if (vp9_parse(packet_view_payload(packet, view), view->header.payload_length, &descriptor) != 0)
            return -EBADMSG;
        svc_frame_read_vp9(stream, &descriptor, &view->svc);
        if (dependency->length > 0 && view->svc.is_layered)
            svc_frame_read_decode_targets(stream, packet + dependency->offset, dependency->length,
                                          &view->svc); /* of no use where that fails, but it is VP9 */
        return 0;
    }
    /* VP8 and VP9 say it themselves. */
    if ((codec != MEDIA_CODEC_AV1 && codec != MEDIA_CODEC_H264) || dependency->length == 0)
        return 0;
    int error =
        svc_frame_read_dependency(stream, packet + dependency->offset, dependency->length, &view->svc);
    /* Where the structure was lost the packet passes as one without layers. */
    return error == -ENOENT ? 0 : error;
}

int packet_view_read_layers(const uint8_t *packet, enum media_codec codec, struct svc_stream *stream,
                            struct packet_view *view)
{
    if (view->header.payload_length == 0)
        return 0;
    int error = read_frame(packet, codec, stream, view);
    if (view->svc.is_layered)
        view->layer = (struct packet_layer){
            .spatial = view->svc.spatial, .temporal = view->svc.temporal, .frame_start = view->svc.start};
    return error;
}

int packet_view_map_id(struct media_extension_map *map, uint8_t id, enum media_extension kind)
{
    if (id == 0 || id >= MEDIA_EXTENSION_IDS || kind == MEDIA_EXTENSION_NONE || kind >= MEDIA_EXTENSION_COUNT)
        return -EINVAL;
    if (map->kind_by_id[id] != MEDIA_EXTENSION_NONE && map->kind_by_id[id] != kind)
        return -EEXIST;
    map->kind_by_id[id] = (uint8_t)kind;
    return 0;
}
