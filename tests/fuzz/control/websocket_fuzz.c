/* Frames of a client one after the other, keys of a handshake, and UTF-8. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "control/gateway/websocket.h"
#include "control/utf8.h"
#include "tests/fuzz/must.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_frames(const uint8_t *data, size_t size)
{
    size_t at = 0;

    while (at < size) {
        struct websocket_header header;
        int length = websocket_parse_header(data + at, size - at, &header);

        MUST(length <= 14);
        if (length <= 0) {
            MUST(length == 0 || length == -EPROTO);
            return;
        }
        MUST((size_t)length <= size - at);
        MUST(!(header.opcode & 8) || (header.final && header.payload_bytes <= WEBSOCKET_MAX_CONTROL_BYTES));
        /* One byte less is not a header, and never an error either. */
        MUST(websocket_parse_header(data + at, (size_t)length - 1, &header) == 0);
        at += (size_t)length;
        if (header.payload_bytes > size - at)
            return;
        at += (size_t)header.payload_bytes;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char accept[WEBSOCKET_ACCEPT_CHARS + 1];
    char *key = malloc(size + 1);

    check_frames(data, size);
    (void)utf8_valid(data, size);
    if (key) {
        memcpy(key, data, size);
        key[size] = '\0';
        if (websocket_accept(key, accept))
            MUST(strlen(key) == 24 && strlen(accept) == WEBSOCKET_ACCEPT_CHARS);
    }
    free(key);
    return 0;
}
