#include "proto/wire/rtp.h"

#include <errno.h>

#define RTP_VERSION 2
#define EXTENSION_HEADER_BYTES 4

int rtp_parse_header(const uint8_t *data, size_t length, struct rtp_header *ret_header)
{
    if (length < RTP_FIXED_HEADER_BYTES || length > RTP_PACKET_MAX || data[0] >> 6 != RTP_VERSION)
        return -EBADMSG;
    struct rtp_header header = {
        .has_padding = data[0] & 0x20,
        .has_extension = data[0] & 0x10,
        .csrc_count = data[0] & 0x0f,
        .marker = data[1] & 0x80,
        .payload_type = data[1] & 0x7f,
        .sequence = load_be16(data + 2),
        .timestamp = load_be32(data + 4),
        .ssrc = load_be32(data + 8),
    };
    size_t position = RTP_FIXED_HEADER_BYTES + 4u * header.csrc_count;
    if (position > length)
        return -EBADMSG;
    if (header.has_extension) {
        if (length - position < EXTENSION_HEADER_BYTES)
            return -EBADMSG;
        header.extension_profile = load_be16(data + position);
        size_t extension_length = (size_t)4 * load_be16(data + position + 2);
        position += EXTENSION_HEADER_BYTES;
        if (extension_length > length - position)
            return -EBADMSG;
        header.extension_offset = (uint16_t)position;
        header.extension_length = (uint16_t)extension_length;
        position += extension_length;
    }
    header.payload_offset = (uint16_t)position;
    header.payload_length = (uint16_t)(length - position);
    *ret_header = header;
    return 0;
}

int rtp_parse(const uint8_t *data, size_t length, struct rtp_header *ret_header)
{
    struct rtp_header header;
    int result = rtp_parse_header(data, length, &header);
    if (result < 0)
        return result;
    if (header.has_padding) {
        header.padding_length = data[length - 1];
        if (header.payload_length == 0 || header.padding_length == 0 ||
            header.padding_length > header.payload_length)
            return -EBADMSG;
        header.payload_length = (uint16_t)(header.payload_length - header.padding_length);
    }
    *ret_header = header;
    return 0;
}

void rtp_write_fixed_header(uint8_t data[RTP_FIXED_HEADER_BYTES], const struct rtp_header *header)
{
    data[0] =
        (uint8_t)(RTP_VERSION << 6 | (header->has_padding ? 0x20 : 0) | (header->has_extension ? 0x10 : 0));
    data[1] = (uint8_t)((header->marker ? 0x80 : 0) | (header->payload_type & 0x7f));
    store_be16(data + 2, header->sequence);
    store_be32(data + 4, header->timestamp);
    store_be32(data + 8, header->ssrc);
}
