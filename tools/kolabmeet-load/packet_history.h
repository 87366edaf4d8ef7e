/* The packets that a source sent last, to be sent again when they are asked for. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define PACKET_HISTORY_PACKETS 512 /* a power of two */
#define PACKET_HISTORY_BYTES 1500

struct packet_history_entry {
    uint16_t sequence;
    uint16_t clear_bytes; /* of the header */
    uint16_t bytes;       /* 0: empty */
    uint8_t data[PACKET_HISTORY_BYTES];
};

struct packet_history {
    struct packet_history_entry entries[PACKET_HISTORY_PACKETS];
};

/* A plain packet of at most PACKET_HISTORY_BYTES. */
void packet_history_add(struct packet_history *history, uint16_t sequence, const uint8_t *data, size_t bytes,
                        size_t clear_bytes);

/* NULL when it is not there (any more). */
const struct packet_history_entry *packet_history_find(const struct packet_history *history,
                                                       uint16_t sequence);

/* Writes the packet as RFC 4588 section 4 has it: with another payload type, SSRC and number, and the
 * original number before the payload. Returns its bytes, or 0 when capacity does not hold them. */
size_t packet_history_write_rtx(const struct packet_history_entry *entry, uint8_t payload_type, uint32_t ssrc,
                                uint16_t sequence, uint8_t *buffer, size_t capacity);
