#include "proto/wire/twcc.h"

#include <errno.h>

#include "proto/wire/bytes.h"

#define TWCC_HEADER_BYTES 20
#define CHUNK_BYTES 2
#define ONE_BIT_SYMBOLS 14
#define TWO_BIT_SYMBOLS 7

/* Status symbols; each is also the number of bytes its delta takes. */
#define SYMBOL_LARGE_DELTA 2
#define SYMBOL_RESERVED 3

static bool is_vector(uint16_t chunk)
{
    return chunk & 0x8000;
}

static bool has_two_bit_symbols(uint16_t chunk)
{
    return chunk & 0x4000;
}

static uint16_t chunk_capacity(uint16_t chunk)
{
    if (!is_vector(chunk))
        return chunk & 0x1fff;
    return has_two_bit_symbols(chunk) ? TWO_BIT_SYMBOLS : ONE_BIT_SYMBOLS;
}

static unsigned chunk_symbol(uint16_t chunk, unsigned index)
{
    if (!is_vector(chunk))
        return chunk >> 13 & 3;
    if (has_two_bit_symbols(chunk))
        return chunk >> 2 * (TWO_BIT_SYMBOLS - 1 - index) & 3;
    return chunk >> (ONE_BIT_SYMBOLS - 1 - index) & 1;
}

/* Bytes of deltas that the first count statuses of chunk announce, -EBADMSG when one is reserved. */
static int chunk_delta_bytes(uint16_t chunk, unsigned count)
{
    if (!is_vector(chunk)) {
        unsigned symbol = chunk_symbol(chunk, 0);
        return symbol == SYMBOL_RESERVED ? -EBADMSG : (int)(symbol * count);
    }
    unsigned bytes = 0;
    for (unsigned i = 0; i < count; i++) {
        unsigned symbol = chunk_symbol(chunk, i);
        if (symbol == SYMBOL_RESERVED)
            return -EBADMSG;
        bytes += symbol;
    }
    return (int)bytes;
}

int twcc_parse(const struct rtcp_packet *packet, struct twcc_feedback *ret_feedback)
{
    if (packet->length < TWCC_HEADER_BYTES)
        return -EBADMSG;
    const uint8_t *data = packet->data;
    struct twcc_feedback feedback = {
        .sender_ssrc = load_be32(data + 4),
        .media_ssrc = load_be32(data + 8),
        .base_sequence = load_be16(data + 12),
        .status_count = load_be16(data + 14),
        .reference_time = (int32_t)(load_be24(data + 16) << 8) / 256,
        .feedback_count = data[19],
        .chunks = data + TWCC_HEADER_BYTES,
        .end = data + packet->length,
    };
    if (feedback.status_count == 0)
        return -EBADMSG;

    const uint8_t *position = feedback.chunks;
    unsigned left = feedback.status_count;
    size_t delta_bytes = 0;
    while (left > 0) {
        if (feedback.end - position < CHUNK_BYTES)
            return -EBADMSG;
        uint16_t chunk = load_be16(position);
        unsigned count = chunk_capacity(chunk);
        if (count > left)
            count = left;
        int bytes = chunk_delta_bytes(chunk, count);
        if (bytes < 0)
            return bytes;
        delta_bytes += (size_t)bytes;
        left -= count;
        position += CHUNK_BYTES;
    }
    if (delta_bytes > (size_t)(feedback.end - position))
        return -EBADMSG;
    feedback.deltas = position;
    *ret_feedback = feedback;
    return 0;
}

unsigned twcc_count_lost(const struct twcc_feedback *feedback)
{
    const uint8_t *position = feedback->chunks;
    unsigned left = feedback->status_count;
    unsigned lost = 0;

    while (left > 0) {
        uint16_t chunk = load_be16(position);
        unsigned count = chunk_capacity(chunk);
        if (count > left)
            count = left;
        if (!is_vector(chunk))
            lost += chunk_symbol(chunk, 0) == 0 ? count : 0;
        else
            for (unsigned i = 0; i < count; i++)
                lost += chunk_symbol(chunk, i) == 0;
        left -= count;
        position += CHUNK_BYTES;
    }
    return lost;
}

void twcc_begin(struct twcc_iterator *iterator, const struct twcc_feedback *feedback)
{
    *iterator = (struct twcc_iterator){
        .chunk = feedback->chunks,
        .delta = feedback->deltas,
        .arrival_us = (int64_t)feedback->reference_time * TWCC_REFERENCE_US,
        .sequence = feedback->base_sequence,
        .statuses_left = feedback->status_count,
    };
}

bool twcc_next(struct twcc_iterator *iterator, struct twcc_status *ret_status)
{
    if (iterator->statuses_left == 0)
        return false;
    uint16_t chunk = load_be16(iterator->chunk);
    while (iterator->chunk_position == chunk_capacity(chunk)) {
        iterator->chunk += CHUNK_BYTES;
        iterator->chunk_position = 0;
        chunk = load_be16(iterator->chunk);
    }
    unsigned symbol = chunk_symbol(chunk, iterator->chunk_position++);
    iterator->statuses_left--;

    struct twcc_status status = {.sequence = iterator->sequence++, .received = symbol != 0};
    if (status.received) {
        int ticks = symbol == SYMBOL_LARGE_DELTA ? (int16_t)load_be16(iterator->delta) : iterator->delta[0];
        status.delta_us = ticks * TWCC_TICK_US;
        iterator->delta += symbol;
        iterator->arrival_us += status.delta_us;
        status.arrival_us = iterator->arrival_us;
    }
    *ret_status = status;
    return true;
}
