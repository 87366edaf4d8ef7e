/* RTP: any packet is parsed, its extensions are read and written anew, its header is rewritten. */
#include "fuzz_check.h"
#include "proto/wire/demux.h"
#include "proto/wire/rtp_ext.h"

#define ITEMS_MAX 64

static void read_values(const uint8_t *value, uint8_t length)
{
    char token[RTP_EXT_TOKEN_MAX + 1];
    uint16_t sequence;
    uint32_t time;
    uint8_t level;
    bool voice;
    if (rtp_ext_read_token(value, length, token) == 0)
        CHECK(strlen(token) == length);
    if (rtp_ext_read_transport_sequence(value, length, &sequence) == 0)
        CHECK(length == 2);
    if (rtp_ext_read_audio_level(value, length, &voice, &level) == 0)
        CHECK(level <= 127);
    if (rtp_ext_read_abs_send_time(value, length, &time) == 0)
        CHECK(time <= 0xffffff);
}

static size_t collect(const uint8_t *packet, const struct rtp_header *header,
                      struct rtp_ext_item items[ITEMS_MAX])
{
    struct rtp_ext_iterator iterator;
    struct rtp_ext_element element, found;
    size_t count = 0;
    rtp_ext_begin(&iterator, packet, header);
    while (rtp_ext_next(&iterator, &element) == 1) {
        CHECK(element.id != 0);
        CHECK(element.offset > header->extension_offset);
        CHECK(element.offset + element.length <= header->extension_offset + header->extension_length);
        read_values(packet + element.offset, element.length);
        if (count == ITEMS_MAX)
            continue;
        CHECK(rtp_ext_find(packet, header, element.id, &found) && found.offset <= element.offset);
        items[count++] = (struct rtp_ext_item){element.id, element.length, packet + element.offset};
    }
    return count;
}

/* Writes a packet with these extensions and reads them back. */
static void write_anew(struct rtp_header header, const struct rtp_ext_item *items, size_t count,
                       enum rtp_ext_form form)
{
    static uint8_t packet[RTP_FIXED_HEADER_BYTES + 4 + ITEMS_MAX * 257 + 4];
    struct rtp_ext_item again[ITEMS_MAX];
    int block = rtp_ext_write(packet + RTP_FIXED_HEADER_BYTES, sizeof packet - RTP_FIXED_HEADER_BYTES, items,
                              count, form);
    CHECK(block >= 0 && block % 4 == 0);
    header.has_extension = block > 0;
    header.has_padding = false;
    rtp_write_fixed_header(packet, &header);
    struct rtp_header read;
    CHECK(rtp_parse(packet, RTP_FIXED_HEADER_BYTES + (size_t)block, &read) == 0);
    CHECK(read.sequence == header.sequence && read.timestamp == header.timestamp && read.ssrc == header.ssrc);
    CHECK(read.payload_type == header.payload_type && read.marker == header.marker);
    CHECK(read.payload_length == 0);
    CHECK(collect(packet, &read, again) == count);
    for (size_t i = 0; i < count; i++) {
        CHECK(again[i].id == items[i].id && again[i].length == items[i].length);
        CHECK(memcmp(again[i].data, items[i].data, items[i].length) == 0);
    }
}

static void rewrite(const uint8_t *data, size_t length, const struct rtp_header *before)
{
    CHECK(length >= RTP_FIXED_HEADER_BYTES);
    uint8_t *packet = copy_of(data, length);
    struct rtp_header after;
    rtp_set_payload_type(packet, (uint8_t)(before->payload_type + 1));
    rtp_set_marker(packet, !before->marker);
    rtp_set_sequence(packet, (uint16_t)(before->sequence + 1));
    rtp_set_timestamp(packet, before->timestamp + 1);
    rtp_set_ssrc(packet, before->ssrc + 1);
    CHECK(rtp_parse(packet, length, &after) == 0);
    CHECK(after.payload_type == ((before->payload_type + 1) & 0x7f) && after.marker != before->marker);
    CHECK(rtp_seq_delta(after.sequence, before->sequence) == 1 && after.ssrc - before->ssrc == 1);
    CHECK(rtp_timestamp_newer(after.timestamp, before->timestamp));
    CHECK(after.payload_offset == before->payload_offset && after.payload_length == before->payload_length);
    free(packet);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t length)
{
    struct rtp_header header, encrypted;
    struct rtp_ext_item items[ITEMS_MAX];
    demux_classify(data, length);
    int result = rtp_parse_header(data, length, &encrypted);
    if (result == 0) {
        CHECK((size_t)encrypted.payload_offset + encrypted.payload_length == length);
        collect(data, &encrypted, items);
    }
    if (rtp_parse(data, length, &header) < 0)
        return 0;
    CHECK(result == 0);
    CHECK((size_t)header.payload_offset + header.payload_length + header.padding_length == length);
    touch(data + header.payload_offset, header.payload_length);
    size_t count = collect(data, &header, items);
    write_anew(header, items, count, RTP_EXT_FORM_AUTO);
    write_anew(header, items, count, RTP_EXT_FORM_TWO_BYTE);
    rewrite(data, length, &header);
    return 0;
}
