/* A stream of hostile packets to one consumer: what comes out parses, and no number comes out twice.
 *
 * Input: codec, then packets, each behind its length in two bytes. */
#include <stdlib.h>
#include <string.h>

#include "dataplane/key_frame.h"
#include "dataplane/layer_switch.h"
#include "dataplane/receive_stats.h"
#include "dataplane/rewrite_packet.h"
#include "dataplane/vp8_continuity.h"

#define SSRC 0x01020304u

static void require(bool holds)
{
    if (!holds)
        abort();
}

struct stream {
    struct receive_stats stats;
    struct media_consumer consumer;
    struct media_extension_map map;
    uint8_t used[1 << 16]; /* numbers sent, modulo 65536: an input is too short to wrap twice */
    uint64_t first_out;
    uint16_t transport_sequence;
};

static void stream_init(struct stream *stream, enum media_codec codec)
{
    const uint8_t one = 1;
    memset(stream, 0, sizeof(*stream));
    stream->first_out = 60000;
    receive_stats_init(&stream->stats, 1, 90000);
    rewrite_init(&stream->consumer.rewrite, SSRC, 101, (uint16_t)stream->first_out, true);
    layer_switch_init(&stream->consumer.layer, &one, 1, key_frame_needed(codec));
    for (unsigned kind = 1; kind < MEDIA_EXTENSION_COUNT; kind++) {
        packet_view_map_id(&stream->map, (uint8_t)kind, kind);
        stream->consumer.extensions.id[kind] = (uint8_t)kind;
    }
    stream->consumer.extensions.mid_length = 1;
    stream->consumer.extensions.mid[0] = '0';
}

static void stream_check(struct stream *stream, const uint8_t *out, int length, enum media_codec codec,
                         const struct packet_view *in, const struct rewrite_numbers *numbers)
{
    struct packet_view view;
    require(packet_view_parse(out, (size_t)length, &stream->map, &view) == 0);
    require(packet_view_read_codec(out, codec, &view) == 0);
    require(view.header.ssrc == SSRC && view.header.payload_type == 101);
    require(view.header.payload_length == in->header.payload_length && view.key_frame == in->key_frame);
    require(view.extensions[MEDIA_EXTENSION_RID].length == 0);
    require(view.extensions[MEDIA_EXTENSION_MID].length == 1);
    if (view.has_vp8 && view.vp8.has_picture_id)
        require(view.vp8.picture_id == (numbers->picture_id & (view.vp8.long_picture_id ? 0x7fff : 0x7f)));

    uint64_t place = numbers->sequence - stream->first_out;
    if (place < sizeof(stream->used)) {
        require(!stream->used[place]);
        stream->used[place] = 1;
    }
}

/* Sent once more: the same payload behind the packet's own number. */
static void stream_repeat(const struct media_consumer *consumer, const uint8_t *packet,
                          const struct packet_view *view, const struct rewrite_numbers *numbers,
                          const uint8_t *sent, size_t sent_bytes, const struct media_extension_map *map)
{
    const struct rewrite_rtx rtx = {.ssrc = SSRC + 1, .sequence = 7, .payload_type = 102};
    struct rewrite_egress egress = {.rtx = &rtx};
    struct rewrite_numbers again = *numbers;
    struct packet_view first, second;
    size_t bytes = view->header.payload_offset + (size_t)view->header.payload_length + 512;
    uint8_t *out = malloc(bytes);

    require(out != NULL);
    require(!view->has_vp8 || vp8_continuity_find(&consumer->vp8, &view->vp8, &again) == 0);
    require(!view->has_vp8 || !view->vp8.has_picture_id || again.picture_id == numbers->picture_id);
    int length =
        rewrite_packet(&consumer->rewrite, &consumer->extensions, packet, view, &again, &egress, out, bytes);
    require(length > 0 && packet_view_parse(out, (size_t)length, map, &second) == 0);
    require(second.header.ssrc == SSRC + 1 && second.header.payload_type == 102);
    require(second.header.sequence == 7 && second.header.timestamp == numbers->timestamp);
    require(second.header.payload_length == view->header.payload_length + 2);
    require(load_be16(out + second.header.payload_offset) == (uint16_t)numbers->sequence);
    require(packet_view_parse(sent, sent_bytes, map, &first) == 0);
    require(memcmp(out + second.header.payload_offset + 2, sent + first.header.payload_offset,
                   view->header.payload_length) == 0);
    free(out);
}

static void stream_packet(struct stream *stream, enum media_codec codec, const uint8_t *packet, size_t length,
                          uint64_t now_us)
{
    struct packet_view view;
    struct media_consumer *consumer = &stream->consumer;
    if (packet_view_parse(packet, length, &stream->map, &view) != 0 ||
        packet_view_read_codec(packet, codec, &view) != 0)
        return;
    enum receive_verdict received = receive_stats_packet(
        &stream->stats, &view.header, view.header.payload_length + view.header.padding_length, now_us);
    if (received == RECEIVE_REPEAT || received == RECEIVE_STRAY)
        return;
    enum layer_verdict layer = layer_switch_packet(&consumer->layer, 0, view.key_frame);
    if (layer == LAYER_IGNORE)
        return;
    if (layer == LAYER_BEGIN || received == RECEIVE_RESTART) {
        struct rewrite_start start = {.sequence = view.header.sequence,
                                      .timestamp = view.header.timestamp,
                                      .same_stream = true,
                                      .to = receive_stats_clock(&stream->stats),
                                      .now_us = now_us};
        rewrite_sync(&consumer->rewrite, &start);
        if (view.has_vp8)
            vp8_continuity_sync(&consumer->vp8, &view.vp8);
    }
    if (view.header.payload_length == 0) {
        rewrite_drop(&consumer->rewrite, view.header.sequence);
        return;
    }
    struct rewrite_numbers numbers = {0};
    if (rewrite_sequence(&consumer->rewrite, &view.header, now_us, &numbers) != 0 ||
        (view.has_vp8 && vp8_continuity_packet(&consumer->vp8, &view.vp8, &numbers) != 0))
        return;

    /* Exactly as long as needed, so that a byte too many is seen. */
    struct rewrite_egress egress = {.now_us = now_us, .transport_sequence = &stream->transport_sequence};
    struct rewrite_head head;
    uint8_t head_bytes[REWRITE_PACKET_HEAD_MAX];
    require(rewrite_packet_head(&consumer->rewrite, &consumer->extensions, packet, &view, &numbers, &egress,
                                head_bytes, sizeof(head_bytes), &head) == 0);
    require((size_t)head.tail_offset + head.tail_bytes <= length);
    size_t out_bytes = (size_t)head.head_bytes + head.tail_bytes;
    uint8_t *out = malloc(out_bytes);
    require(out != NULL);
    require(rewrite_packet(&consumer->rewrite, &consumer->extensions, packet, &view, &numbers, &egress, out,
                           out_bytes) == (int)out_bytes);
    stream_check(stream, out, (int)out_bytes, codec, &view, &numbers);
    stream_repeat(consumer, packet, &view, &numbers, out, out_bytes, &stream->map);
    free(out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct stream stream;
    if (size < 1)
        return 0;
    enum media_codec codec = data[0] % (MEDIA_CODEC_OTHER_VIDEO + 1);
    size_t position = 1;
    stream_init(&stream, codec);
    for (uint64_t now_us = 1000; position + 2 <= size; now_us += 1000) {
        size_t length = load_be16(data + position);
        position += 2;
        if (length > size - position)
            length = size - position;
        uint8_t *packet = malloc(length + !length); /* a copy of its own shows reads past the end */
        require(packet != NULL);
        memcpy(packet, data + position, length);
        stream_packet(&stream, codec, packet, length, now_us);
        free(packet);
        position += length;
    }
    return 0;
}
