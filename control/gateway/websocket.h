/* The websocket protocol's bytes (RFC 6455): frame headers, masking, close codes, the handshake's key. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Section 5.2 */
enum websocket_opcode {
    WEBSOCKET_CONTINUATION = 0x0,
    WEBSOCKET_TEXT = 0x1,
    WEBSOCKET_BINARY = 0x2,
    WEBSOCKET_CLOSE = 0x8,
    WEBSOCKET_PING = 0x9,
    WEBSOCKET_PONG = 0xa,
};

/* Section 7.4.1 */
enum websocket_close_code {
    WEBSOCKET_CLOSE_NO_CODE = 0, /* an empty close frame, which the other side reports as 1005 */
    WEBSOCKET_CLOSE_PROTOCOL_ERROR = 1002,
    WEBSOCKET_CLOSE_NO_STATUS = 1005,
    WEBSOCKET_CLOSE_BAD_DATA = 1007,
    WEBSOCKET_CLOSE_TOO_BIG = 1009,
    WEBSOCKET_CLOSE_TRY_AGAIN_LATER = 1013,
};

#define WEBSOCKET_MAX_CONTROL_BYTES 125
#define WEBSOCKET_MAX_SERVER_HEADER_BYTES 10
#define WEBSOCKET_ACCEPT_CHARS 28

struct websocket_header {
    bool final;
    uint8_t opcode;
    uint8_t mask[4];
    uint64_t payload_bytes;
};

/* Parses the header of a client's frame. Returns its length, 0 if it is not complete yet, or -EPROTO for what
 * a server must fail: no mask (5.1), reserved bits or opcodes, a fragmented or long control frame (5.5). */
int websocket_parse_header(const uint8_t *bytes, size_t length, struct websocket_header *ret);

/* Writes the header of an unmasked, unfragmented frame and returns its length. */
size_t websocket_write_header(uint8_t out[WEBSOCKET_MAX_SERVER_HEADER_BYTES], enum websocket_opcode opcode,
                              uint64_t payload_bytes);

/* Section 5.3. `offset` is the position of the first byte in the frame's payload. */
void websocket_unmask(uint8_t *bytes, size_t length, const uint8_t mask[4], uint64_t offset);

/* Section 7.4: may stand in a close frame that is received. */
bool websocket_close_code_valid(unsigned code);

/* Section 4.2.2: Sec-WebSocket-Accept of a Sec-WebSocket-Key; false if the key is not base64 of 16 bytes. */
bool websocket_accept(const char *key, char ret_accept[WEBSOCKET_ACCEPT_CHARS + 1]);
