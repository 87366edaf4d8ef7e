#include "proto/wire/rtcp_xr.h"

#include <errno.h>

#include "proto/wire/bytes.h"

#define XR_HEADER_BYTES 8
#define BLOCK_HEADER_BYTES 4
#define RRTR_CONTENT_BYTES 8

int rtcp_xr_begin(struct rtcp_xr_iterator *iterator, const struct rtcp_packet *packet,
                  uint32_t *ret_sender_ssrc)
{
    if (packet->length < XR_HEADER_BYTES)
        return -EBADMSG;
    iterator->position = packet->data + XR_HEADER_BYTES;
    iterator->end = packet->data + packet->length;
    *ret_sender_ssrc = load_be32(packet->data + 4);
    return 0;
}

int rtcp_xr_next(struct rtcp_xr_iterator *iterator, struct rtcp_xr_block *ret_block)
{
    size_t left = (size_t)(iterator->end - iterator->position);
    if (left == 0)
        return 0;
    if (left < BLOCK_HEADER_BYTES)
        return -EBADMSG;
    uint32_t length = 4u * load_be16(iterator->position + 2);
    if (length > left - BLOCK_HEADER_BYTES)
        return -EBADMSG;
    *ret_block = (struct rtcp_xr_block){
        .type = iterator->position[0],
        .length = length,
        .content = iterator->position + BLOCK_HEADER_BYTES,
    };
    iterator->position += BLOCK_HEADER_BYTES + length;
    return 1;
}

int rtcp_xr_parse_rrtr(const struct rtcp_xr_block *block, uint64_t *ret_ntp)
{
    if (block->type != RTCP_XR_RRTR || block->length != RRTR_CONTENT_BYTES)
        return -EBADMSG;
    *ret_ntp = load_be64(block->content);
    return 0;
}

bool rtcp_xr_dlrr(const struct rtcp_xr_block *block, size_t index, struct rtcp_xr_dlrr *ret_dlrr)
{
    if (block->type != RTCP_XR_DLRR || index >= block->length / RTCP_XR_SUB_BLOCK_BYTES)
        return false;
    const uint8_t *entry = block->content + index * RTCP_XR_SUB_BLOCK_BYTES;
    *ret_dlrr = (struct rtcp_xr_dlrr){load_be32(entry), load_be32(entry + 4), load_be32(entry + 8)};
    return true;
}

static uint8_t *write_xr_header(uint8_t *buffer, uint32_t sender_ssrc, uint8_t block_type,
                                size_t content_bytes)
{
    rtcp_write_header(buffer, RTCP_XR, 0, XR_HEADER_BYTES + BLOCK_HEADER_BYTES + content_bytes);
    store_be32(buffer + 4, sender_ssrc);
    buffer[XR_HEADER_BYTES] = block_type;
    buffer[XR_HEADER_BYTES + 1] = 0;
    store_be16(buffer + XR_HEADER_BYTES + 2, (uint16_t)(content_bytes / 4));
    return buffer + XR_HEADER_BYTES + BLOCK_HEADER_BYTES;
}

int rtcp_write_xr_rrtr(uint8_t *buffer, size_t capacity, uint32_t sender_ssrc, uint64_t ntp)
{
    size_t length = XR_HEADER_BYTES + BLOCK_HEADER_BYTES + RRTR_CONTENT_BYTES;
    if (length > capacity)
        return -ENOSPC;
    store_be64(write_xr_header(buffer, sender_ssrc, RTCP_XR_RRTR, RRTR_CONTENT_BYTES), ntp);
    return (int)length;
}

int rtcp_write_xr_dlrr(uint8_t *buffer, size_t capacity, uint32_t sender_ssrc,
                       const struct rtcp_xr_dlrr *entries, size_t count)
{
    if (count == 0)
        return -EINVAL;
    if (capacity > RTCP_PACKET_MAX)
        capacity = RTCP_PACKET_MAX;
    size_t overhead = XR_HEADER_BYTES + BLOCK_HEADER_BYTES;
    if (capacity < overhead || count > (capacity - overhead) / RTCP_XR_SUB_BLOCK_BYTES)
        return -ENOSPC;
    size_t length = overhead + count * RTCP_XR_SUB_BLOCK_BYTES;
    uint8_t *to = write_xr_header(buffer, sender_ssrc, RTCP_XR_DLRR, count * RTCP_XR_SUB_BLOCK_BYTES);
    for (size_t i = 0; i < count; i++, to += RTCP_XR_SUB_BLOCK_BYTES) {
        store_be32(to, entries[i].ssrc);
        store_be32(to + 4, entries[i].lrr);
        store_be32(to + 8, entries[i].dlrr);
    }
    return (int)length;
}
