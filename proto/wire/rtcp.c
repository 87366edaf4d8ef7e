#include "proto/wire/rtcp.h"

#include <errno.h>

#include "proto/wire/bytes.h"

#define RTCP_VERSION 2
#define PADDING_BIT 0x20
#define TYPE_MIN 192
#define TYPE_MAX 223

static size_t packet_bytes(const uint8_t *data)
{
    return 4u * (load_be16(data + 2) + (size_t)1);
}

/* Bytes of padding at the end of a packet, -EBADMSG when the count cannot be. */
static int padding_bytes(const uint8_t *packet, size_t length)
{
    if (!(packet[0] & PADDING_BIT))
        return 0;
    uint8_t padding = packet[length - 1];
    if (padding == 0 || padding > length - RTCP_HEADER_BYTES)
        return -EBADMSG;
    return padding;
}

int rtcp_begin(struct rtcp_iterator *iterator, const uint8_t *data, size_t length)
{
    if (length == 0 || length % 4 != 0)
        return -EBADMSG;
    for (size_t position = 0, bytes; position < length; position += bytes) {
        const uint8_t *packet = data + position;
        bytes = packet_bytes(packet);
        if (packet[0] >> 6 != RTCP_VERSION || packet[1] < TYPE_MIN || packet[1] > TYPE_MAX ||
            bytes > length - position || padding_bytes(packet, bytes) < 0)
            return -EBADMSG;
    }
    iterator->position = data;
    iterator->end = data + length;
    return 0;
}

bool rtcp_next(struct rtcp_iterator *iterator, struct rtcp_packet *ret_packet)
{
    const uint8_t *data = iterator->position;
    if (data >= iterator->end)
        return false;
    size_t bytes = packet_bytes(data);
    *ret_packet = (struct rtcp_packet){
        .data = data,
        .length = (uint32_t)(bytes - (size_t)padding_bytes(data, bytes)),
        .type = data[1],
        .count = data[0] & 0x1f,
    };
    iterator->position = data + bytes;
    return true;
}

void rtcp_write_header(uint8_t *buffer, uint8_t type, uint8_t count, size_t length)
{
    buffer[0] = (uint8_t)(RTCP_VERSION << 6 | (count & 0x1f));
    buffer[1] = type;
    store_be16(buffer + 2, (uint16_t)(length / 4 - 1));
}
