#include "tools/kolabmeet-load/media_source.h"

#include <stdlib.h>
#include <string.h>

#include "proto/wire/rtp_ext.h"
#include "tools/kolabmeet-load/clock.h"
#include "tools/kolabmeet-load/memory.h"
#include "tools/kolabmeet-load/packet_io.h"
#include "tools/kolabmeet-load/stamp.h"
#include "tools/kolabmeet-load/transport.h"

#define AUDIO_CLOCK 48000
#define VIDEO_CLOCK 90000
#define NTP_EPOCH_S 2208988800u           /* 1900 to 1970 */
#define BEHIND_MAX_NS (200 * CLOCK_MS_NS) /* what was missed by more is not made up for */
#define OPUS_TOC 0x7c                     /* hybrid fullband 20 ms, RFC 6716 section 3.1 */

static uint32_t clock_rate(const struct media_source *source)
{
    return source->settings.is_video ? VIDEO_CLOCK : AUDIO_CLOCK;
}

static uint32_t find_extension(const struct media_source *source, uint8_t id)
{
    struct rtp_header header;
    struct rtp_ext_element element;

    if (id == 0 || rtp_parse_header(source->header, source->header_bytes, &header) != 0 ||
        !rtp_ext_find(source->header, &header, id, &element))
        return 0;
    return element.offset;
}

/* The header of all packets, of which each gets its own numbers. */
static void write_header(struct media_source *source)
{
    static const uint8_t zeroes[3];
    const struct media_source_extensions *ids = &source->settings.extensions;
    const uint8_t level = 0x80 | 30; /* voice, -30 dBov */
    struct rtp_ext_item items[4];
    size_t count = 0;

    if (ids->mid != 0)
        items[count++] = (struct rtp_ext_item){ids->mid, 1, (const uint8_t *)&source->settings.mid};
    if (ids->abs_send_time != 0)
        items[count++] = (struct rtp_ext_item){ids->abs_send_time, 3, zeroes};
    if (ids->transport_cc != 0)
        items[count++] = (struct rtp_ext_item){ids->transport_cc, 2, zeroes};
    if (ids->audio_level != 0 && !source->settings.is_video)
        items[count++] = (struct rtp_ext_item){ids->audio_level, 1, &level};

    const struct rtp_header header = {
        .payload_type = source->settings.payload_type,
        .has_extension = count > 0,
        .ssrc = source->settings.ssrc,
    };
    rtp_write_fixed_header(source->header, &header);
    int extension_bytes =
        rtp_ext_write(source->header + RTP_FIXED_HEADER_BYTES, sizeof source->header - RTP_FIXED_HEADER_BYTES,
                      items, count, RTP_EXT_FORM_AUTO);
    source->header_bytes = RTP_FIXED_HEADER_BYTES + (extension_bytes > 0 ? (uint32_t)extension_bytes : 0);
    source->send_time_offset = find_extension(source, ids->abs_send_time);
    source->transport_cc_offset = find_extension(source, ids->transport_cc);
}

static uint32_t timestamp_at(const struct media_source *source, double at_ns)
{
    return source->first_timestamp +
           (uint32_t)(int64_t)((at_ns - (double)source->start_ns) * clock_rate(source) / CLOCK_SECOND_NS);
}

static void send_packet(struct media_source *source, uint32_t timestamp, bool marker, const uint8_t *head,
                        size_t head_bytes, size_t payload_bytes)
{
    uint8_t *packet = packet_io_buffer(source->io);
    uint64_t now_ns = clock_ns();
    const struct stamp stamp = {source->flow->id, source->flow->sent, now_ns};

    memcpy(packet, source->header, source->header_bytes);
    rtp_set_marker(packet, marker);
    rtp_set_sequence(packet, (uint16_t)source->index);
    rtp_set_timestamp(packet, timestamp);
    if (source->send_time_offset != 0)
        store_be24(packet + source->send_time_offset, rtp_ext_abs_send_time_from_us(now_ns / 1000));
    if (source->transport_cc_offset != 0)
        store_be16(packet + source->transport_cc_offset, source->transport->twcc_next++);

    uint8_t *payload = packet + source->header_bytes;
    memcpy(payload, head, head_bytes);
    memset(payload + head_bytes, 0x55, payload_bytes - head_bytes - STAMP_BYTES);
    stamp_write(payload + payload_bytes - STAMP_BYTES, &stamp);
    if (source->history)
        packet_history_add(source->history, (uint16_t)source->index, packet,
                           source->header_bytes + payload_bytes, source->header_bytes);
    packet_io_send_rtp(source->io, source->transport, &source->srtp_stream, source->index,
                       source->header_bytes + payload_bytes, source->header_bytes);
    source->tally->sent++;
    source->tally->sent_bytes += source->header_bytes + payload_bytes;
    source->flow->sent++;
    source->index++;
    source->packets++;
    source->octets += (uint32_t)payload_bytes;
}

static void send_audio(struct media_source *source, uint32_t timestamp)
{
    const uint8_t head = OPUS_TOC;
    send_packet(source, timestamp, source->packets == 0, &head, 1, source->settings.payload_bytes);
}

static void send_frame(struct media_source *source, uint32_t timestamp)
{
    struct video_shape *shape = &source->shape;
    uint8_t head[VIDEO_SHAPE_HEAD_MAX];
    uint32_t count = video_shape_next_frame(shape, source->is_key_frame_due);

    source->tally->key_frames += source->is_key_frame_due;
    source->is_key_frame_due = false;
    for (uint32_t i = 0; i < count; i++) {
        size_t head_bytes = video_shape_write_head(shape, i, head);
        send_packet(source, timestamp, i + 1 == count, head, head_bytes, video_shape_packet_bytes(shape, i));
    }
}

static double interval_ns(const struct media_source *source)
{
    return CLOCK_SECOND_NS / (source->settings.is_video ? source->settings.frames_per_second
                                                        : source->settings.packets_per_second);
}

static void tick(void *context, uint64_t now_ns)
{
    struct media_source *source = context;
    uint32_t timestamp = timestamp_at(source, source->due_ns);

    if (source->settings.is_video)
        send_frame(source, timestamp);
    else
        send_audio(source, timestamp);
    source->due_ns += interval_ns(source);
    if ((double)now_ns - source->due_ns > BEHIND_MAX_NS)
        source->due_ns = (double)now_ns;
    loop_at(source->loop, &source->timer, (uint64_t)source->due_ns);
}

void media_source_init(struct media_source *source, const struct media_source_settings *settings,
                       struct loop *loop, struct packet_io *io, struct transport *transport,
                       struct tally *tally, struct flow *flow)
{
    memset(source, 0, sizeof *source);
    source->settings = *settings;
    source->loop = loop;
    source->io = io;
    source->transport = transport;
    source->tally = tally;
    source->flow = flow;
    source->timer = (struct schedule_entry){.run = tick, .context = source};
    source->first_timestamp = settings->ssrc * 31;
    source->index = settings->ssrc % 32768 + 1;
    if (settings->is_video)
        video_shape_init(&source->shape, settings->packets_per_second / settings->frames_per_second,
                         settings->payload_bytes, settings->is_even, settings->ssrc);
    if (settings->rtx_ssrc != 0)
        source->history = memory_take(1, sizeof *source->history);
    source->rtx_index = settings->rtx_ssrc % 32768 + 1;
    write_header(source);
}

void media_source_deinit(struct media_source *source)
{
    media_source_stop(source);
    free(source->history);
    source->history = NULL;
}

/* Flows of many participants are spread over the interval, always the same way. */
void media_source_start(struct media_source *source)
{
    uint64_t now_ns = source->loop->now_ns;
    double phase = (double)(source->flow->id * 2654435761u % 1000) / 1000;

    if (source->start_ns == 0)
        source->start_ns = now_ns;
    source->is_key_frame_due = true;
    source->due_ns = (double)now_ns + phase * interval_ns(source);
    loop_at(source->loop, &source->timer, (uint64_t)source->due_ns);
}

void media_source_stop(struct media_source *source)
{
    if (source->loop)
        loop_cancel(source->loop, &source->timer);
}

void media_source_set_rate(struct media_source *source, double packets_per_second)
{
    source->settings.frames_per_second *= packets_per_second / source->settings.packets_per_second;
    source->settings.packets_per_second = packets_per_second;
}

void media_source_request_key_frame(struct media_source *source)
{
    source->is_key_frame_due = source->settings.is_video;
}

void media_source_resend(struct media_source *source, uint16_t sequence)
{
    const struct packet_history_entry *entry =
        source->history ? packet_history_find(source->history, sequence) : NULL;

    if (!entry)
        return;
    uint8_t *packet = packet_io_buffer(source->io);
    size_t bytes = packet_history_write_rtx(entry, source->settings.rtx_payload_type,
                                            source->settings.rtx_ssrc, (uint16_t)source->rtx_index, packet,
                                            PACKET_IO_PACKET_MAX - SRTP_TRAILER_MAX);
    if (bytes == 0)
        return;
    if (source->transport_cc_offset != 0)
        store_be16(packet + source->transport_cc_offset, source->transport->twcc_next++);
    packet_io_send_rtp(source->io, source->transport, &source->rtx_srtp_stream, source->rtx_index, bytes,
                       entry->clear_bytes);
    source->rtx_index++;
    source->tally->resent++;
}

void media_source_sender_info(const struct media_source *source, uint64_t now_ns,
                              struct rtcp_sender_info *ret_info)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    *ret_info = (struct rtcp_sender_info){
        .ssrc = source->settings.ssrc,
        .ntp = ((uint64_t)now.tv_sec + NTP_EPOCH_S) << 32 | ((uint64_t)now.tv_nsec << 32) / CLOCK_SECOND_NS,
        .rtp_timestamp = timestamp_at(source, (double)now_ns),
        .packet_count = source->packets,
        .octet_count = source->octets,
    };
}
