#include "tools/kolabmeet-load/stamp.h"

#include "proto/wire/bytes.h"

#define MAGIC 0x6b6d6c64u /* "kmld" */

void stamp_write(uint8_t end_of_payload[STAMP_BYTES], const struct stamp *stamp)
{
    store_be32(end_of_payload, MAGIC);
    store_be32(end_of_payload + 4, stamp->source);
    store_be64(end_of_payload + 8, stamp->counter);
    store_be64(end_of_payload + 16, stamp->sent_ns);
}

bool stamp_read(const uint8_t *payload, size_t length, struct stamp *ret_stamp)
{
    if (length < STAMP_BYTES)
        return false;
    const uint8_t *at = payload + length - STAMP_BYTES;
    if (load_be32(at) != MAGIC)
        return false;
    ret_stamp->source = load_be32(at + 4);
    ret_stamp->counter = load_be64(at + 8);
    ret_stamp->sent_ns = load_be64(at + 16);
    return true;
}
