/* From the messages of producers and consumers to the rows that are installed. */
#include <errno.h>
#include <string.h>

#include "dataplane/commands.h"
#include "dataplane/key_frame.h"
#include "dataplane/layer_switch.h"
#include "dataplane/packet_view.h"
#include "dataplane/rewrite.h"
#include "dataplane/score.h"
#include "dataplane/send_stats.h"
#include "dataplane/worker.h"

static int refuse(const char *reason, const char **ret_reason)
{
    *ret_reason = reason;
    return -EINVAL;
}

static uint8_t feedback_of(const Km__Feedback *feedback)
{
    if (!feedback)
        return 0;
    return (uint8_t)((feedback->nack ? SHM_FEEDBACK_NACK : 0) | (feedback->pli ? SHM_FEEDBACK_PLI : 0) |
                     (feedback->fir ? SHM_FEEDBACK_FIR : 0) |
                     (feedback->transport_cc ? SHM_FEEDBACK_TRANSPORT_CC : 0) |
                     (feedback->goog_remb ? SHM_FEEDBACK_REMB : 0));
}

/* Cuts: two streams of one sender are cut alike, which is all that a CNAME is for. */
static void copy_cname(char ret_cname[SHM_CNAME_BYTES], const char *cname)
{
    size_t length = strnlen(cname, SHM_CNAME_BYTES - 1);
    memcpy(ret_cname, cname, length);
    ret_cname[length] = '\0';
}

static int read_payload_types(const Km__InstallProducer *message, struct shm_producer_row *row,
                              const char **ret_reason)
{
    if (message->n_payload_types == 0 || message->n_payload_types > MEDIA_PAYLOAD_TYPES_MAX)
        return refuse("too few or too many payload types", ret_reason);
    for (size_t i = 0; i < message->n_payload_types; i++) {
        const Km__PayloadType *type = message->payload_types[i];
        if (type->codec < KM__CODEC__OPUS || type->codec > KM__CODEC__OTHER_VIDEO || type->clock_rate == 0 ||
            type->payload_type > 127 || type->rtx_payload_type > 127 || type->router_payload_type > 127 ||
            type->router_rtx_payload_type > 127)
            return refuse("payload type out of range", ret_reason);
        row->payload_types[i] = (struct shm_payload_type){
            .codec = (uint8_t)type->codec,
            .payload_type = (uint8_t)type->payload_type,
            .rtx_payload_type = (uint8_t)type->rtx_payload_type,
            .router_payload_type = (uint8_t)type->router_payload_type,
            .router_rtx_payload_type = (uint8_t)type->router_rtx_payload_type,
            .in_band_fec = type->in_band_fec,
            .clock_rate = type->clock_rate,
        };
        row->demux.payload_types[i] =
            (struct demux_payload_type){(uint8_t)type->payload_type, (uint8_t)type->rtx_payload_type};
    }
    row->payload_type_count = (uint8_t)message->n_payload_types;
    row->demux.payload_type_count = row->payload_type_count;
    return 0;
}

static int read_encodings(const Km__InstallProducer *message, struct shm_producer_row *row,
                          struct shm_stream_row *streams, const char **ret_reason)
{
    if (message->n_encodings == 0 || message->n_encodings > MEDIA_ENCODINGS_MAX)
        return refuse("too few or too many encodings", ret_reason);
    for (size_t i = 0; i < message->n_encodings; i++) {
        const Km__Encoding *encoding = message->encodings[i];
        struct demux_encoding *demux = &row->demux.encodings[i];
        size_t rid_length = strlen(encoding->rid);
        if (rid_length > sizeof(demux->rid))
            return refuse("RID too long", ret_reason);
        if (encoding->spatial_layers > 8 || encoding->temporal_layers > 8)
            return refuse("too many layers", ret_reason);
        demux->ssrc = encoding->ssrc;
        demux->rtx_ssrc = encoding->rtx_ssrc;
        demux->rid_length = (uint8_t)rid_length;
        memcpy(demux->rid, encoding->rid, rid_length);
        row->streams[i] = encoding->stream;
        streams[i] = (struct shm_stream_row){
            .producer = message->producer,
            .transport = message->transport,
            .encoding = (uint32_t)i,
            .max_bitrate_bps = encoding->max_bitrate_bps,
            .dtx = encoding->dtx,
            .spatial_layers = (uint8_t)encoding->spatial_layers,
            .temporal_layers = (uint8_t)encoding->temporal_layers,
            .codec = row->payload_types[0].codec,
        };
    }
    row->encoding_count = (uint8_t)message->n_encodings;
    row->demux.encoding_count = row->encoding_count;
    return 0;
}

static int read_producer_extensions(const Km__InstallProducer *message, struct media_extension_map *map,
                                    const char **ret_reason)
{
    for (size_t i = 0; i < message->n_header_extensions; i++) {
        const Km__HeaderExtension *extension = message->header_extensions[i];
        if (extension->uri <= 0 || (unsigned)extension->uri >= MEDIA_EXTENSION_COUNT || extension->id > 255 ||
            packet_view_map_id(map, (uint8_t)extension->id, (enum media_extension)extension->uri) != 0)
            return refuse("header extension out of range, or id given twice", ret_reason);
    }
    return 0;
}

int commands_read_producer(const Km__InstallProducer *message, struct shm_producer_row *ret_row,
                           struct shm_stream_row ret_streams[MEDIA_ENCODINGS_MAX], const char **ret_reason)
{
    struct shm_producer_row row = {.transport = message->transport};
    size_t mid_length = strlen(message->mid);
    int error;

    if (message->kind != KM__MEDIA_KIND__AUDIO && message->kind != KM__MEDIA_KIND__VIDEO)
        return refuse("neither audio nor video", ret_reason);
    if ((unsigned)message->type > SHM_CONSUMER_SVC)
        return refuse("unknown type of producer", ret_reason);
    if (mid_length > sizeof(row.demux.mid))
        return refuse("MID too long", ret_reason);
    row.kind = (uint8_t)message->kind;
    row.type = (uint8_t)message->type;
    row.feedback = feedback_of(message->feedback);
    row.paused = message->paused;
    row.demux.producer = message->producer;
    row.demux.mid_length = (uint8_t)mid_length;
    memcpy(row.demux.mid, message->mid, mid_length);
    copy_cname(row.cname, message->cname);
    if ((error = read_payload_types(message, &row, ret_reason)) != 0 ||
        (error = read_encodings(message, &row, ret_streams, ret_reason)) != 0 ||
        (error = read_producer_extensions(message, &row.extensions, ret_reason)) != 0)
        return error;
    *ret_row = row;
    return 0;
}

static int read_consumer_extensions(const Km__InstallConsumer *message, struct rewrite_extensions *extensions,
                                    const char **ret_reason)
{
    size_t mid_length = strlen(message->mid);

    if (mid_length > sizeof(extensions->mid))
        return refuse("MID too long", ret_reason);
    extensions->mid_length = (uint8_t)mid_length;
    memcpy(extensions->mid, message->mid, mid_length);
    for (size_t i = 0; i < message->n_header_extensions; i++) {
        const Km__HeaderExtension *extension = message->header_extensions[i];
        if (extension->uri <= 0 || (unsigned)extension->uri >= MEDIA_EXTENSION_COUNT || extension->id == 0 ||
            extension->id > 255)
            return refuse("header extension out of range", ret_reason);
        extensions->id[extension->uri] = (uint8_t)extension->id;
    }
    return 0;
}

static void init_media(struct worker *worker, struct shm_consumer_row *row, const struct producer *producer)
{
    const struct shm_payload_type *type = &producer->row->payload_types[0];
    const struct score_totals nothing = {0};
    uint8_t temporal_layers[MEDIA_ENCODINGS_MAX] = {0};
    int spatial, temporal;

    for (unsigned i = 0; i < producer->row->encoding_count; i++)
        temporal_layers[i] = producer->streams[i]->row->temporal_layers;
    /* RFC 3711 section 3.3.1: in the lower half, so that a receiver cannot mistake the roll-over counter. */
    uint16_t first_sequence = (uint16_t)(worker_random(worker) % 32000 + 1);
    rewrite_init(&row->media.rewrite, row->ssrc, type->router_payload_type, first_sequence,
                 row->kind == SHM_MEDIA_VIDEO);
    row->media.rewrite.rtx_next = worker_random(worker) % 32000 + 1;
    layer_switch_init(&row->media.layer, temporal_layers, producer->row->encoding_count,
                      key_frame_needed(type->codec));
    /* That nothing is forwarded goes without saying until something was. */
    layer_switch_take_change(&row->media.layer, 0, &spatial, &temporal);
    send_stats_init(&row->media.stats, type->clock_rate);
    score_init(&row->score, &nothing);
}

int commands_read_consumer(struct worker *worker, const Km__InstallConsumer *message,
                           const struct producer *producer, struct shm_consumer_row *ret_row,
                           const char **ret_reason)
{
    struct shm_consumer_row row = {
        .transport = message->transport,
        .producer = message->producer,
        .ssrc = message->ssrc,
        .rtx_ssrc = message->rtx_ssrc,
        .paused = message->paused,
        .feedback = feedback_of(message->feedback),
        .kind = producer->row->kind,
        .last_encoding = -1,
    };

    if (message->ssrc == 0 || message->ssrc == message->rtx_ssrc)
        return refuse("SSRC is 0 or given twice", ret_reason);
    if (message->priority > 255)
        return refuse("priority out of range", ret_reason);
    row.priority = message->priority == 0 ? 1 : (uint8_t)message->priority;
    int error = read_consumer_extensions(message, &row.media.extensions, ret_reason);
    if (error != 0)
        return error;
    init_media(worker, &row, producer);
    *ret_row = row;
    return 0;
}
