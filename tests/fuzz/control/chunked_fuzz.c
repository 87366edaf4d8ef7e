/* A chunked body, in pieces whose length is the first byte: the same as in one piece. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "control/gateway/chunked.h"
#include "tests/fuzz/must.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int decode(const uint8_t *data, size_t size, size_t step, uint8_t *out, size_t *ret_length,
                  size_t *ret_used)
{
    struct chunked chunked = {0};
    size_t at = 0, length = 0;
    int result = 0;

    while (result == 0 && at < size) {
        size_t given = size - at < step ? size - at : step;
        const uint8_t *piece;
        size_t used, piece_bytes;

        result = chunked_decode(&chunked, data + at, given, &used, &piece, &piece_bytes);
        MUST(used > 0 && used <= given);
        MUST(piece >= data + at && piece + piece_bytes <= data + at + given);
        MUST(result == 0 || result == 1 || result == -EBADMSG);
        memcpy(out + length, piece, piece_bytes);
        length += piece_bytes;
        at += used;
    }
    *ret_length = length;
    *ret_used = at;
    return result;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t whole_length, whole_used, cut_length, cut_used;

    if (size < 2)
        return 0;
    size_t step = (size_t)data[0] % 16 + 1;
    uint8_t *whole = malloc(size), *cut = malloc(size);
    if (whole && cut) {
        int result = decode(data + 1, size - 1, size - 1, whole, &whole_length, &whole_used);
        MUST(decode(data + 1, size - 1, step, cut, &cut_length, &cut_used) == result);
        MUST(whole_length == cut_length && whole_used == cut_used);
        MUST(!memcmp(whole, cut, whole_length));
    }
    free(whole);
    free(cut);
    return 0;
}
