#include "control/gateway/chunked.h"

#include <errno.h>
#include <stdbool.h>

#include "control/hex.h"

/* 2^48 bytes is more than anybody sends, and far from any overflow. */
#define MAX_SIZE_DIGITS 12

static enum chunked_state step_size(struct chunked *chunked, uint8_t c)
{
    int digit = hex_digit((char)c);

    if (digit >= 0) {
        if (++chunked->digits > MAX_SIZE_DIGITS)
            return CHUNKED_BROKEN;
        chunked->left = chunked->left * 16 + (unsigned)digit;
        return CHUNKED_SIZE;
    }
    if (chunked->digits == 0)
        return CHUNKED_BROKEN;
    if (c == '\r')
        return CHUNKED_SIZE_LF;
    return c == ';' || c == ' ' || c == '\t' ? CHUNKED_EXTENSION : CHUNKED_BROKEN;
}

/* A line that is skipped: extension or trailer field. */
static enum chunked_state step_skipped(struct chunked *chunked, uint8_t c, enum chunked_state same,
                                       enum chunked_state after)
{
    if (c == '\r')
        return after;
    if ((c < ' ' && c != '\t') || c == 0x7f || ++chunked->overhead_bytes > CHUNKED_MAX_OVERHEAD_BYTES)
        return CHUNKED_BROKEN;
    return same;
}

static enum chunked_state step(struct chunked *chunked, uint8_t c)
{
    switch (chunked->state) {
    case CHUNKED_SIZE:
        return step_size(chunked, c);
    case CHUNKED_EXTENSION:
        return step_skipped(chunked, c, CHUNKED_EXTENSION, CHUNKED_SIZE_LF);
    case CHUNKED_SIZE_LF:
        if (c != '\n')
            return CHUNKED_BROKEN;
        chunked->digits = 0;
        return chunked->left > 0 ? CHUNKED_DATA : CHUNKED_TRAILER;
    case CHUNKED_DATA_CR:
        return c == '\r' ? CHUNKED_DATA_LF : CHUNKED_BROKEN;
    case CHUNKED_DATA_LF:
        return c == '\n' ? CHUNKED_SIZE : CHUNKED_BROKEN;
    case CHUNKED_TRAILER:
        return step_skipped(chunked, c, CHUNKED_TRAILER_FIELD, CHUNKED_END_LF);
    case CHUNKED_TRAILER_FIELD:
        return step_skipped(chunked, c, CHUNKED_TRAILER_FIELD, CHUNKED_TRAILER_FIELD_LF);
    case CHUNKED_TRAILER_FIELD_LF:
        return c == '\n' ? CHUNKED_TRAILER : CHUNKED_BROKEN;
    case CHUNKED_END_LF:
        return c == '\n' ? CHUNKED_END : CHUNKED_BROKEN;
    case CHUNKED_DATA:
    case CHUNKED_END:
    case CHUNKED_BROKEN:
        break;
    }
    return CHUNKED_BROKEN;
}

int chunked_decode(struct chunked *chunked, const uint8_t *input, size_t length, size_t *ret_used,
                   const uint8_t **ret_data, size_t *ret_data_bytes)
{
    size_t used = 0;

    *ret_data = input;
    *ret_data_bytes = 0;
    while (used < length && chunked->state != CHUNKED_END && chunked->state != CHUNKED_BROKEN) {
        if (chunked->state == CHUNKED_DATA) {
            size_t piece = length - used;

            if (piece > chunked->left)
                piece = (size_t)chunked->left;
            *ret_data = input + used;
            *ret_data_bytes = piece;
            used += piece;
            chunked->left -= piece;
            if (chunked->left == 0)
                chunked->state = CHUNKED_DATA_CR;
            break;
        }
        chunked->state = step(chunked, input[used++]);
    }
    *ret_used = used;
    if (chunked->state == CHUNKED_BROKEN)
        return -EBADMSG;
    return chunked->state == CHUNKED_END;
}
