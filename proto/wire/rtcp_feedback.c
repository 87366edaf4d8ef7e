#include "proto/wire/rtcp_feedback.h"

#include <errno.h>

#include "proto/wire/bytes.h"

#define NACK_ITEM_BYTES 4
#define FIR_ENTRY_BYTES 8
#define REMB_IDENTIFIER 0x52454d42u /* "REMB" */
#define REMB_HEAD_BYTES 8           /* of FCI: "REMB", number of SSRCs, exponent and mantissa */
#define REMB_MANTISSA_BITS 18
#define REMB_MANTISSA_MAX ((1u << REMB_MANTISSA_BITS) - 1)

int rtcp_parse_feedback(const struct rtcp_packet *packet, struct rtcp_feedback *ret_feedback)
{
    if (packet->length < RTCP_FEEDBACK_BYTES)
        return -EBADMSG;
    *ret_feedback = (struct rtcp_feedback){
        .sender_ssrc = load_be32(packet->data + 4),
        .media_ssrc = load_be32(packet->data + 8),
        .fci = packet->data + RTCP_FEEDBACK_BYTES,
        .fci_length = packet->length - RTCP_FEEDBACK_BYTES,
    };
    return 0;
}

static void write_feedback_header(uint8_t *buffer, uint8_t type, uint8_t format, size_t length,
                                  uint32_t sender_ssrc, uint32_t media_ssrc)
{
    rtcp_write_header(buffer, type, format, length);
    store_be32(buffer + 4, sender_ssrc);
    store_be32(buffer + 8, media_ssrc);
}

void rtcp_nack_begin(struct rtcp_nack_iterator *iterator, const struct rtcp_feedback *feedback)
{
    *iterator = (struct rtcp_nack_iterator){
        .position = feedback->fci,
        .end = feedback->fci + (feedback->fci_length & ~(uint32_t)(NACK_ITEM_BYTES - 1)),
    };
}

bool rtcp_nack_next(struct rtcp_nack_iterator *iterator, uint16_t *ret_sequence)
{
    if (iterator->mask == 0) {
        if (iterator->position >= iterator->end)
            return false;
        iterator->sequence = load_be16(iterator->position);
        iterator->mask = load_be16(iterator->position + 2);
        iterator->position += NACK_ITEM_BYTES;
        *ret_sequence = iterator->sequence;
        return true;
    }
    /* Bit i of the mask stands for the (i + 1)th number behind the item's first. */
    int bit = __builtin_ctz(iterator->mask);
    iterator->mask = (uint16_t)(iterator->mask & (iterator->mask - 1));
    *ret_sequence = (uint16_t)(iterator->sequence + bit + 1);
    return true;
}

int rtcp_write_nack(uint8_t *buffer, size_t capacity, uint32_t sender_ssrc, uint32_t media_ssrc,
                    const uint16_t *sequences, size_t count)
{
    if (count == 0)
        return -EINVAL;
    if (capacity > RTCP_PACKET_MAX)
        capacity = RTCP_PACKET_MAX;
    size_t length = RTCP_FEEDBACK_BYTES;
    for (size_t i = 0; i < count;) {
        uint16_t first = sequences[i++];
        uint16_t mask = 0;
        for (; i < count; i++) {
            uint16_t distance = (uint16_t)(sequences[i] - first);
            if (distance == 0)
                continue;
            if (distance > 16)
                break;
            mask = (uint16_t)(mask | 1u << (distance - 1));
        }
        if (length + NACK_ITEM_BYTES > capacity)
            return -ENOSPC;
        store_be16(buffer + length, first);
        store_be16(buffer + length + 2, mask);
        length += NACK_ITEM_BYTES;
    }
    write_feedback_header(buffer, RTCP_RTPFB, RTCP_RTPFB_NACK, length, sender_ssrc, media_ssrc);
    return (int)length;
}

int rtcp_write_pli(uint8_t *buffer, size_t capacity, uint32_t sender_ssrc, uint32_t media_ssrc)
{
    if (capacity < RTCP_FEEDBACK_BYTES)
        return -ENOSPC;
    write_feedback_header(buffer, RTCP_PSFB, RTCP_PSFB_PLI, RTCP_FEEDBACK_BYTES, sender_ssrc, media_ssrc);
    return RTCP_FEEDBACK_BYTES;
}

bool rtcp_fir_entry(const struct rtcp_feedback *feedback, size_t index, struct rtcp_fir_entry *ret_entry)
{
    if (index >= feedback->fci_length / FIR_ENTRY_BYTES)
        return false;
    const uint8_t *entry = feedback->fci + index * FIR_ENTRY_BYTES;
    *ret_entry = (struct rtcp_fir_entry){.ssrc = load_be32(entry), .command = entry[4]};
    return true;
}

int rtcp_write_fir(uint8_t *buffer, size_t capacity, uint32_t sender_ssrc, uint32_t media_ssrc,
                   uint8_t command)
{
    size_t length = RTCP_FEEDBACK_BYTES + FIR_ENTRY_BYTES;
    if (length > capacity)
        return -ENOSPC;
    /* The header's media SSRC is 0; the entry names the stream (RFC 5104 section 4.3.1.2). */
    write_feedback_header(buffer, RTCP_PSFB, RTCP_PSFB_FIR, length, sender_ssrc, 0);
    store_be32(buffer + RTCP_FEEDBACK_BYTES, media_ssrc);
    store_be32(buffer + RTCP_FEEDBACK_BYTES + 4, (uint32_t)command << 24);
    return (int)length;
}

int rtcp_parse_remb(const struct rtcp_feedback *feedback, struct rtcp_remb *ret_remb)
{
    const uint8_t *fci = feedback->fci;
    if (feedback->fci_length < 4 || load_be32(fci) != REMB_IDENTIFIER)
        return -ENOMSG;
    if (feedback->fci_length < REMB_HEAD_BYTES || feedback->fci_length < REMB_HEAD_BYTES + 4u * fci[4])
        return -EBADMSG;
    unsigned exponent = fci[5] >> 2;
    uint64_t mantissa = load_be24(fci + 5) & REMB_MANTISSA_MAX;
    bool fits = (mantissa << exponent) >> exponent == mantissa;
    *ret_remb = (struct rtcp_remb){
        .bitrate_bps = fits ? mantissa << exponent : UINT64_MAX,
        .ssrc_count = fci[4],
        .ssrcs = fci + REMB_HEAD_BYTES,
    };
    return 0;
}

int rtcp_write_remb(uint8_t *buffer, size_t capacity, uint32_t sender_ssrc, uint64_t bitrate_bps,
                    const uint32_t *ssrcs, size_t count)
{
    if (count > RTCP_REMB_SSRCS_MAX)
        return -EINVAL;
    size_t length = RTCP_FEEDBACK_BYTES + REMB_HEAD_BYTES + 4 * count;
    if (length > capacity)
        return -ENOSPC;
    uint32_t exponent = 0;
    while (bitrate_bps >> exponent > REMB_MANTISSA_MAX)
        exponent++;
    write_feedback_header(buffer, RTCP_PSFB, RTCP_PSFB_AFB, length, sender_ssrc, 0);
    uint8_t *fci = buffer + RTCP_FEEDBACK_BYTES;
    store_be32(fci, REMB_IDENTIFIER);
    fci[4] = (uint8_t)count;
    store_be24(fci + 5, exponent << REMB_MANTISSA_BITS | (uint32_t)(bitrate_bps >> exponent));
    for (size_t i = 0; i < count; i++)
        store_be32(fci + REMB_HEAD_BYTES + 4 * i, ssrcs[i]);
    return (int)length;
}
