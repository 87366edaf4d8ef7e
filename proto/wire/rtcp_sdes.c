#include "proto/wire/rtcp_report.h"

#include <errno.h>
#include <string.h>

#include "proto/wire/bytes.h"

#define SDES_END 0
#define CHUNK_MIN_BYTES 8 /* SSRC and an item list of nothing but its end, padded */

void rtcp_sdes_begin(struct rtcp_sdes_iterator *iterator, const struct rtcp_packet *packet)
{
    *iterator = (struct rtcp_sdes_iterator){
        .start = packet->data,
        .position = RTCP_HEADER_BYTES,
        .length = packet->length,
        .chunks_left = packet->count,
    };
}

int rtcp_sdes_next(struct rtcp_sdes_iterator *iterator, struct rtcp_sdes_item *ret_item)
{
    for (;;) {
        if (!iterator->in_chunk) {
            if (iterator->chunks_left == 0)
                return 0;
            if (iterator->length - iterator->position < CHUNK_MIN_BYTES)
                return -EBADMSG;
            iterator->ssrc = load_be32(iterator->start + iterator->position);
            iterator->position += 4;
            iterator->chunks_left--;
            iterator->in_chunk = true;
        }
        /* The list must be ended by a zero byte within the packet (RFC 3550 section 6.5). */
        if (iterator->position >= iterator->length)
            return -EBADMSG;
        const uint8_t *item = iterator->start + iterator->position;
        if (item[0] != SDES_END) {
            uint32_t left = iterator->length - iterator->position;
            if (left < 2 || item[1] > left - 2)
                return -EBADMSG;
            *ret_item = (struct rtcp_sdes_item){iterator->ssrc, item[0], item[1], (const char *)item + 2};
            iterator->position += 2u + item[1];
            return 1;
        }
        /* The next chunk begins at the next 32-bit boundary. */
        iterator->position = (iterator->position + 4) & ~(uint32_t)3;
        if (iterator->position > iterator->length)
            iterator->position = iterator->length;
        iterator->in_chunk = false;
    }
}

int rtcp_write_sdes_cname(uint8_t *buffer, size_t capacity, uint32_t ssrc, const char *cname, size_t length)
{
    if (length > RTCP_CNAME_MAX)
        return -EINVAL;
    size_t used = RTCP_HEADER_BYTES + 4 + 2 + length;
    size_t total = (used + 1 + 3) & ~(size_t)3;
    if (total > capacity)
        return -ENOSPC;
    rtcp_write_header(buffer, RTCP_SDES, 1, total);
    store_be32(buffer + 4, ssrc);
    buffer[8] = RTCP_SDES_CNAME;
    buffer[9] = (uint8_t)length;
    if (length > 0)
        memcpy(buffer + 10, cname, length);
    memset(buffer + used, 0, total - used);
    return (int)total;
}
