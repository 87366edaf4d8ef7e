#include "proto/wire/rtcp_report.h"

#include <errno.h>

#include "proto/wire/bytes.h"

#define RR_HEADER_BYTES 8
#define LOST_MAX 0x7fffff
#define LOST_MIN (-0x800000)

static bool holds_blocks(const struct rtcp_packet *packet, size_t header_bytes)
{
    return packet->length >= header_bytes + (size_t)packet->count * RTCP_REPORT_BLOCK_BYTES;
}

int rtcp_parse_sr(const struct rtcp_packet *packet, struct rtcp_sender_info *ret_info)
{
    if (!holds_blocks(packet, RTCP_SENDER_INFO_BYTES))
        return -EBADMSG;
    *ret_info = (struct rtcp_sender_info){
        .ssrc = load_be32(packet->data + 4),
        .ntp = load_be64(packet->data + 8),
        .rtp_timestamp = load_be32(packet->data + 16),
        .packet_count = load_be32(packet->data + 20),
        .octet_count = load_be32(packet->data + 24),
    };
    return 0;
}

int rtcp_parse_rr(const struct rtcp_packet *packet, uint32_t *ret_ssrc)
{
    if (!holds_blocks(packet, RR_HEADER_BYTES))
        return -EBADMSG;
    *ret_ssrc = load_be32(packet->data + 4);
    return 0;
}

bool rtcp_report_block(const struct rtcp_packet *packet, unsigned index, struct rtcp_report_block *ret_block)
{
    size_t header_bytes = packet->type == RTCP_SR ? RTCP_SENDER_INFO_BYTES : RR_HEADER_BYTES;
    if (index >= packet->count || !holds_blocks(packet, header_bytes))
        return false;
    const uint8_t *data = packet->data + header_bytes + (size_t)index * RTCP_REPORT_BLOCK_BYTES;
    *ret_block = (struct rtcp_report_block){
        .ssrc = load_be32(data),
        .fraction_lost = data[4],
        .cumulative_lost = (int32_t)(load_be24(data + 5) << 8) / 256,
        .highest_sequence = load_be32(data + 8),
        .jitter = load_be32(data + 12),
        .lsr = load_be32(data + 16),
        .dlsr = load_be32(data + 20),
    };
    return true;
}

static void write_blocks(uint8_t *to, const struct rtcp_report_block *blocks, unsigned count)
{
    for (unsigned i = 0; i < count; i++, to += RTCP_REPORT_BLOCK_BYTES) {
        int32_t lost = blocks[i].cumulative_lost;
        if (lost > LOST_MAX)
            lost = LOST_MAX;
        if (lost < LOST_MIN)
            lost = LOST_MIN;
        store_be32(to, blocks[i].ssrc);
        to[4] = blocks[i].fraction_lost;
        store_be24(to + 5, (uint32_t)lost);
        store_be32(to + 8, blocks[i].highest_sequence);
        store_be32(to + 12, blocks[i].jitter);
        store_be32(to + 16, blocks[i].lsr);
        store_be32(to + 20, blocks[i].dlsr);
    }
}

int rtcp_write_sr(uint8_t *buffer, size_t capacity, const struct rtcp_sender_info *info,
                  const struct rtcp_report_block *blocks, unsigned count)
{
    size_t length = RTCP_SENDER_INFO_BYTES + (size_t)count * RTCP_REPORT_BLOCK_BYTES;
    if (count > RTCP_COUNT_MAX)
        return -EINVAL;
    if (length > capacity)
        return -ENOSPC;
    rtcp_write_header(buffer, RTCP_SR, (uint8_t)count, length);
    store_be32(buffer + 4, info->ssrc);
    store_be64(buffer + 8, info->ntp);
    store_be32(buffer + 16, info->rtp_timestamp);
    store_be32(buffer + 20, info->packet_count);
    store_be32(buffer + 24, info->octet_count);
    write_blocks(buffer + RTCP_SENDER_INFO_BYTES, blocks, count);
    return (int)length;
}

int rtcp_write_rr(uint8_t *buffer, size_t capacity, uint32_t ssrc, const struct rtcp_report_block *blocks,
                  unsigned count)
{
    size_t length = RR_HEADER_BYTES + (size_t)count * RTCP_REPORT_BLOCK_BYTES;
    if (count > RTCP_COUNT_MAX)
        return -EINVAL;
    if (length > capacity)
        return -ENOSPC;
    rtcp_write_header(buffer, RTCP_RR, (uint8_t)count, length);
    store_be32(buffer + 4, ssrc);
    write_blocks(buffer + RR_HEADER_BYTES, blocks, count);
    return (int)length;
}

int rtcp_parse_bye(const struct rtcp_packet *packet, struct rtcp_bye *ret_bye)
{
    size_t position = RTCP_HEADER_BYTES + 4u * packet->count;
    if (position > packet->length)
        return -EBADMSG;
    struct rtcp_bye bye = {.count = packet->count};
    if (position < packet->length) {
        bye.reason_length = packet->data[position++];
        if (bye.reason_length > packet->length - position)
            return -EBADMSG;
        bye.reason = (const char *)packet->data + position;
    }
    *ret_bye = bye;
    return 0;
}

uint32_t rtcp_bye_ssrc(const struct rtcp_packet *packet, unsigned index)
{
    return load_be32(packet->data + RTCP_HEADER_BYTES + (size_t)4 * index);
}

int rtcp_write_bye(uint8_t *buffer, size_t capacity, const uint32_t *ssrcs, unsigned count)
{
    size_t length = RTCP_HEADER_BYTES + 4u * (size_t)count;
    if (count == 0 || count > RTCP_COUNT_MAX)
        return -EINVAL;
    if (length > capacity)
        return -ENOSPC;
    rtcp_write_header(buffer, RTCP_BYE, (uint8_t)count, length);
    for (unsigned i = 0; i < count; i++)
        store_be32(buffer + RTCP_HEADER_BYTES + (size_t)4 * i, ssrcs[i]);
    return (int)length;
}
