/* Decoder of the chunked transfer coding (RFC 9112 section 7.1), fed with bytes as they come.
 *
 * Chunk extensions and trailer fields are skipped; together they are bounded, since they cost the sender
 * nothing. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define CHUNKED_MAX_OVERHEAD_BYTES 16384

enum chunked_state {
    CHUNKED_SIZE,
    CHUNKED_EXTENSION,
    CHUNKED_SIZE_LF,
    CHUNKED_DATA,
    CHUNKED_DATA_CR,
    CHUNKED_DATA_LF,
    CHUNKED_TRAILER,
    CHUNKED_TRAILER_FIELD,
    CHUNKED_TRAILER_FIELD_LF,
    CHUNKED_END_LF,
    CHUNKED_END,
    CHUNKED_BROKEN,
};

/* All zero is the start of a body. */
struct chunked {
    enum chunked_state state;
    unsigned digits;
    uint64_t left; /* of the chunk; while its size is read, the size so far */
    size_t overhead_bytes;
};

/* Decodes until a piece of data was found, the input is used up or the body ends. *ret_used is how much of
 * the input was taken; *ret_data with *ret_data_bytes is the piece, inside the input, 0 bytes if none.
 * Returns 1 at the end of the body (what follows belongs to the next request), 0 to be called again, -EBADMSG
 * for a malformed body. */
int chunked_decode(struct chunked *chunked, const uint8_t *input, size_t length, size_t *ret_used,
                   const uint8_t **ret_data, size_t *ret_data_bytes);
