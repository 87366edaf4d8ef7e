/* A hostile peer's packets against three producers: no place is taken twice, none but an empty one changes.
 *
 * Input: packets, each behind its length in one byte; length 255 closes the producer that the next byte names
 * and installs it again. */
#include <stdlib.h>
#include <string.h>

#include "dataplane/stream_demux.h"

#define PLACES 3u

static void require(bool holds)
{
    if (!holds)
        abort();
}

static struct demux_producer make_producer(unsigned which)
{
    struct demux_producer producer = {.producer = which + 1u,
                                      .mid_length = which < 2,
                                      .mid = {(char)('0' + which)},
                                      .payload_type_count = 1,
                                      .encoding_count = which == 0 ? 1 : 3,
                                      .payload_types = {{.media = 96, .rtx = 97}}};
    for (unsigned i = 0; which > 0 && i < 3; i++) {
        producer.encodings[i].rid_length = 1;
        producer.encodings[i].rid[0] = (char)('a' + i);
    }
    return producer;
}

static void check_packet(struct demux_producer *producers, const struct demux_retired *retired,
                         const struct media_extension_map *map, const uint8_t *packet, size_t length)
{
    struct demux_producer before[PLACES];
    struct packet_view view;
    struct stream_demux_match match;
    if (packet_view_parse(packet, length, map, &view) != 0)
        return;
    memcpy(before, producers, sizeof(before));
    int error = stream_demux_find(producers, PLACES, retired, packet, &view, &match);
    if (error || !match.is_new) {
        require(memcmp(before, producers, sizeof(before)) == 0);
        if (error)
            return;
    }
    struct demux_encoding *encoding = &producers[match.producer].encodings[match.encoding];
    uint32_t *learned = match.is_rtx ? &encoding->rtx_ssrc : &encoding->ssrc;
    require(*learned == view.header.ssrc && encoding->ssrc != 0);
    require(view.header.payload_type == (match.is_rtx ? 97 : 96));
    for (size_t i = 0; i < 32; i++)
        require(retired->ssrc[i] != view.header.ssrc);
    if (match.is_new) {
        *learned = 0;
        require(memcmp(before, producers, sizeof(before)) == 0);
        *learned = view.header.ssrc;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct demux_producer producers[PLACES] = {{0}};
    struct demux_retired retired = {{0}, 0};
    struct media_extension_map map = {{0}};
    unsigned index;

    packet_view_map_id(&map, 1, MEDIA_EXTENSION_MID);
    packet_view_map_id(&map, 2, MEDIA_EXTENSION_RID);
    packet_view_map_id(&map, 3, MEDIA_EXTENSION_REPAIRED_RID);
    for (unsigned i = 0; i < PLACES; i++) {
        struct demux_producer producer = make_producer(i);
        require(stream_demux_install(producers, PLACES, &retired, &producer, &index) == 0);
    }
    for (size_t position = 0; position + 1 < size;) {
        size_t length = data[position++];
        if (length == 255) {
            unsigned which = data[position++] % PLACES;
            struct demux_producer producer = make_producer(which);
            for (unsigned i = 0; i < PLACES; i++)
                if (producers[i].producer == producer.producer)
                    stream_demux_remove(&producers[i], &retired);
            require(stream_demux_install(producers, PLACES, &retired, &producer, &index) == 0);
            continue;
        }
        if (length > size - position)
            length = size - position;
        check_packet(producers, &retired, &map, data + position, length);
        position += length;
    }
    return 0;
}
