#include "control/ids.h"

#include <errno.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <string.h>

static int random_bytes(uint8_t *bytes, size_t length)
{
    return RAND_bytes(bytes, (int)length) == 1 ? 0 : -EIO;
}

int ids_uuid(char ret_uuid[IDS_UUID_BYTES])
{
    uint8_t b[16];
    int error = random_bytes(b, sizeof(b));
    if (error)
        return error;
    b[6] = (uint8_t)((b[6] & 0x0f) | 0x40); /* RFC 4122 section 4.4: version and variant */
    b[8] = (uint8_t)((b[8] & 0x3f) | 0x80);
    snprintf(ret_uuid, IDS_UUID_BYTES, "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x",
             b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12], b[13], b[14],
             b[15]);
    return 0;
}

int ids_hex(char *ret_hex, size_t digits)
{
    uint8_t bytes[32];
    size_t count = digits / 2;
    if (count > sizeof(bytes))
        return -EINVAL;
    int error = random_bytes(bytes, count);
    if (error)
        return error;
    ret_hex[0] = '\0';
    for (size_t i = 0; i < count; i++)
        snprintf(ret_hex + 2 * i, 3, "%02x", bytes[i]);
    return 0;
}

int ids_sid(char ret_sid[IDS_SID_BYTES])
{
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    uint8_t bytes[IDS_SID_BYTES - 1];
    int error = random_bytes(bytes, sizeof(bytes));
    if (error)
        return error;
    for (size_t i = 0; i < sizeof(bytes); i++)
        ret_sid[i] = alphabet[bytes[i] & 0x3f];
    ret_sid[sizeof(bytes)] = '\0';
    return 0;
}

int ids_ssrc(uint32_t *ret_ssrc)
{
    uint32_t ssrc;
    do {
        int error = random_bytes((uint8_t *)&ssrc, sizeof(ssrc));
        if (error)
            return error;
    } while (ssrc == 0 || ssrc == UINT32_MAX);
    *ret_ssrc = ssrc;
    return 0;
}
