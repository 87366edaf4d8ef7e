/* What every payload ends with, so that whoever decrypts the packet knows when it left whom, and as which
 * one. Standing at the end it is found whatever is rewritten of the payload's head. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define STAMP_BYTES 24

struct stamp {
    uint32_t source;  /* of this process */
    uint64_t counter; /* of the packets of the source */
    uint64_t sent_ns; /* monotonic clock */
};

void stamp_write(uint8_t end_of_payload[STAMP_BYTES], const struct stamp *stamp);

/* False when the payload does not end with a stamp. */
bool stamp_read(const uint8_t *payload, size_t length, struct stamp *ret_stamp);
