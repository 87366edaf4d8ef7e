#include "proto/wire/twcc_builder.h"

#include <errno.h>
#include <string.h>

#include "proto/wire/bytes.h"
#include "proto/wire/rtcp_feedback.h"

#define TWCC_HEADER_BYTES 20
#define CHUNK_BYTES 2
#define ONE_BIT_SYMBOLS 14
#define TWO_BIT_SYMBOLS 7
#define TICKS_PER_REFERENCE (TWCC_REFERENCE_US / TWCC_TICK_US)
#define PADDING_BIT 0x20

/* Status symbols; each is also the number of bytes its delta takes. */
#define SYMBOL_LOST 0
#define SYMBOL_SMALL_DELTA 1
#define SYMBOL_LARGE_DELTA 2

void twcc_builder_init(struct twcc_builder *builder, uint32_t sender_ssrc, uint32_t media_ssrc,
                       uint8_t feedback_count, uint16_t base_sequence)
{
    /* Not the arrays: they are read only as far as they were written. */
    memset(builder, 0, offsetof(struct twcc_builder, chunks));
    builder->sender_ssrc = sender_ssrc;
    builder->media_ssrc = media_ssrc;
    builder->feedback_count = feedback_count;
    builder->base_sequence = base_sequence;
    builder->next_sequence = base_sequence;
}

static uint16_t encode_run(uint8_t symbol, unsigned count)
{
    return (uint16_t)(symbol << 13 | count);
}

static uint16_t encode_one_bit(const uint8_t *symbols, unsigned count)
{
    unsigned chunk = 0x8000;
    for (unsigned i = 0; i < count; i++)
        chunk |= (unsigned)symbols[i] << (ONE_BIT_SYMBOLS - 1 - i);
    return (uint16_t)chunk;
}

static uint16_t encode_two_bit(const uint8_t *symbols, unsigned count)
{
    unsigned chunk = 0xC000;
    for (unsigned i = 0; i < count; i++)
        chunk |= (unsigned)symbols[i] << 2 * (TWO_BIT_SYMBOLS - 1 - i);
    return (uint16_t)chunk;
}

static void append_chunk(struct twcc_builder *builder, uint16_t chunk)
{
    store_be16(builder->chunks + builder->chunk_bytes, chunk);
    builder->chunk_bytes += CHUNK_BYTES;
}

static void set_pending(struct twcc_builder *builder, unsigned index, uint8_t symbol)
{
    builder->pending[index] = symbol;
    builder->pending_same = index == 0 || (builder->pending_same && symbol == builder->pending[0]);
    builder->pending_large = (index > 0 && builder->pending_large) || symbol == SYMBOL_LARGE_DELTA;
    builder->pending_count = (uint16_t)(index + 1);
}

/* Whether the pending statuses and one more could still become one chunk: seven of any kind, fourteen without
 * a large delta, or a run. */
static bool takes(const struct twcc_builder *builder, uint8_t symbol)
{
    if (builder->pending_count < TWO_BIT_SYMBOLS)
        return true;
    if (builder->pending_count < ONE_BIT_SYMBOLS && !builder->pending_large && symbol != SYMBOL_LARGE_DELTA)
        return true;
    return builder->pending_count < TWCC_RUN_MAX && builder->pending_same && symbol == builder->pending[0];
}

/* Makes a chunk of what is pending; seven of any kind may leave a rest. */
static void flush(struct twcc_builder *builder)
{
    unsigned count = builder->pending_count;
    builder->pending_count = 0;
    if (builder->pending_same) {
        append_chunk(builder, encode_run(builder->pending[0], count));
    } else if (count == ONE_BIT_SYMBOLS) {
        append_chunk(builder, encode_one_bit(builder->pending, count));
    } else {
        append_chunk(builder, encode_two_bit(builder->pending, TWO_BIT_SYMBOLS));
        for (unsigned i = TWO_BIT_SYMBOLS; i < count; i++)
            set_pending(builder, i - TWO_BIT_SYMBOLS, builder->pending[i]);
    }
}

static void add_statuses(struct twcc_builder *builder, uint8_t symbol, unsigned count)
{
    while (count > 0) {
        if (!takes(builder, symbol)) {
            flush(builder);
        } else if (builder->pending_count < ONE_BIT_SYMBOLS) {
            set_pending(builder, builder->pending_count, symbol);
            count--;
        } else {
            unsigned room = TWCC_RUN_MAX - builder->pending_count;
            unsigned added = count < room ? count : room;
            builder->pending_count = (uint16_t)(builder->pending_count + added);
            count -= added;
        }
    }
}

/* Chunk bytes that gap lost statuses and one more can add at most: the runs between, and what is pending
 * before. */
static size_t chunk_bytes_bound(unsigned gap)
{
    return (size_t)CHUNK_BYTES * (gap / TWCC_RUN_MAX + 4);
}

int twcc_builder_add(struct twcc_builder *builder, uint16_t sequence, int64_t arrival_us)
{
    unsigned gap = (uint16_t)(sequence - builder->next_sequence);
    if (gap >= 0x8000 || arrival_us < 0)
        return -EINVAL;
    int64_t tick = arrival_us / TWCC_TICK_US;
    int64_t reference = builder->has_arrival ? builder->reference_time : tick / TICKS_PER_REFERENCE;
    int64_t delta = tick - (builder->has_arrival ? builder->last_tick : reference * TICKS_PER_REFERENCE);
    if (delta < INT16_MIN || delta > INT16_MAX)
        return -ENOSPC;
    uint8_t symbol = delta >= 0 && delta <= UINT8_MAX ? SYMBOL_SMALL_DELTA : SYMBOL_LARGE_DELTA;
    if (builder->status_count + gap + 1 > UINT16_MAX ||
        twcc_builder_size(builder) + chunk_bytes_bound(gap) + symbol > TWCC_BUILDER_BYTES)
        return -ENOSPC;

    add_statuses(builder, SYMBOL_LOST, gap);
    add_statuses(builder, symbol, 1);
    if (symbol == SYMBOL_SMALL_DELTA)
        builder->deltas[builder->delta_bytes] = (uint8_t)delta;
    else
        store_be16(builder->deltas + builder->delta_bytes, (uint16_t)delta);
    builder->delta_bytes = (uint16_t)(builder->delta_bytes + symbol);
    builder->has_arrival = true;
    builder->reference_time = reference;
    builder->last_tick = tick;
    builder->status_count += gap + 1;
    builder->next_sequence = (uint16_t)(sequence + 1);
    return 0;
}

static size_t unpadded_size(const struct twcc_builder *builder)
{
    size_t pending = builder->pending_count > 0 ? CHUNK_BYTES : 0;
    return TWCC_HEADER_BYTES + builder->chunk_bytes + pending + builder->delta_bytes;
}

size_t twcc_builder_size(const struct twcc_builder *builder)
{
    return (unpadded_size(builder) + 3) & ~(size_t)3;
}

static uint16_t encode_pending(const struct twcc_builder *builder)
{
    if (builder->pending_same)
        return encode_run(builder->pending[0], builder->pending_count);
    if (builder->pending_count <= TWO_BIT_SYMBOLS)
        return encode_two_bit(builder->pending, builder->pending_count);
    return encode_one_bit(builder->pending, builder->pending_count);
}

int twcc_builder_write(const struct twcc_builder *builder, uint8_t *buffer, size_t capacity)
{
    if (!builder->has_arrival)
        return -ENODATA;
    size_t used = unpadded_size(builder);
    size_t length = twcc_builder_size(builder);
    if (length > capacity)
        return -ENOSPC;
    rtcp_write_header(buffer, RTCP_RTPFB, RTCP_RTPFB_TWCC, length);
    store_be32(buffer + 4, builder->sender_ssrc);
    store_be32(buffer + 8, builder->media_ssrc);
    store_be16(buffer + 12, builder->base_sequence);
    store_be16(buffer + 14, (uint16_t)builder->status_count);
    store_be24(buffer + 16, (uint32_t)builder->reference_time);
    buffer[19] = builder->feedback_count;

    uint8_t *to = buffer + TWCC_HEADER_BYTES;
    memcpy(to, builder->chunks, builder->chunk_bytes);
    to += builder->chunk_bytes;
    store_be16(to, encode_pending(builder));
    to += CHUNK_BYTES;
    memcpy(to, builder->deltas, builder->delta_bytes);
    to += builder->delta_bytes;
    if (length > used) {
        buffer[0] |= PADDING_BIT;
        memset(to, 0, length - used);
        buffer[length - 1] = (uint8_t)(length - used);
    }
    return (int)length;
}
