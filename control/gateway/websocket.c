#include "control/gateway/websocket.h"

#include <errno.h>
#include <openssl/evp.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <string.h>

int websocket_parse_header(const uint8_t *bytes, size_t length, struct websocket_header *ret)
{
    struct websocket_header header = {0};
    size_t size = 2;

    if (length < 2)
        return 0;
    header.final = bytes[0] & 0x80;
    header.opcode = bytes[0] & 0x0f;
    header.payload_bytes = bytes[1] & 0x7f;
    if ((bytes[0] & 0x70) || !(bytes[1] & 0x80))
        return -EPROTO;
    if (header.opcode & 0x8) {
        if (header.opcode > WEBSOCKET_PONG || !header.final ||
            header.payload_bytes > WEBSOCKET_MAX_CONTROL_BYTES)
            return -EPROTO;
    } else if (header.opcode > WEBSOCKET_BINARY) {
        return -EPROTO;
    }

    unsigned extended = header.payload_bytes == 126 ? 2 : header.payload_bytes == 127 ? 8 : 0;
    if (length < size + extended + sizeof(header.mask))
        return 0;
    if (extended) {
        header.payload_bytes = 0;
        for (unsigned i = 0; i < extended; i++)
            header.payload_bytes = header.payload_bytes << 8 | bytes[size + i];
        if (header.payload_bytes >> 63)
            return -EPROTO;
        size += extended;
    }
    memcpy(header.mask, bytes + size, sizeof(header.mask));
    *ret = header;
    return (int)(size + sizeof(header.mask));
}

size_t websocket_write_header(uint8_t out[WEBSOCKET_MAX_SERVER_HEADER_BYTES], enum websocket_opcode opcode,
                              uint64_t payload_bytes)
{
    unsigned extended = payload_bytes < 126 ? 0 : payload_bytes <= UINT16_MAX ? 2 : 8;

    out[0] = (uint8_t)(0x80 | opcode);
    out[1] = extended == 0 ? (uint8_t)payload_bytes : extended == 2 ? 126 : 127;
    for (unsigned i = 0; i < extended; i++)
        out[2 + i] = (uint8_t)(payload_bytes >> 8 * (extended - 1 - i));
    return 2 + extended;
}

void websocket_unmask(uint8_t *bytes, size_t length, const uint8_t mask[4], uint64_t offset)
{
    for (size_t i = 0; i < length; i++)
        bytes[i] ^= mask[(offset + i) & 3];
}

bool websocket_close_code_valid(unsigned code)
{
    return (code >= 1000 && code <= 1014 && code != 1004 && code != 1005 && code != 1006) ||
           (code >= 3000 && code <= 4999);
}

bool websocket_accept(const char *key, char ret_accept[WEBSOCKET_ACCEPT_CHARS + 1])
{
    static const char guid[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    char joined[24 + sizeof(guid)];
    uint8_t nonce[18];
    uint8_t digest[SHA_DIGEST_LENGTH];

    if (strlen(key) != 24 || key[21] == '=' || strcmp(key + 22, "==") != 0 ||
        EVP_DecodeBlock(nonce, (const unsigned char *)key, 24) != sizeof(nonce))
        return false;
    snprintf(joined, sizeof(joined), "%s%s", key, guid);
    SHA1((const unsigned char *)joined, strlen(joined), digest);
    EVP_EncodeBlock((unsigned char *)ret_accept, digest, sizeof(digest));
    return true;
}
