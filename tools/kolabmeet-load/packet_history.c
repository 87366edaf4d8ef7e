#include "tools/kolabmeet-load/packet_history.h"

#include <string.h>

#include "proto/wire/rtp.h"

#define ORIGINAL_BYTES 2u

void packet_history_add(struct packet_history *history, uint16_t sequence, const uint8_t *data, size_t bytes,
                        size_t clear_bytes)
{
    struct packet_history_entry *entry = &history->entries[sequence % PACKET_HISTORY_PACKETS];

    entry->sequence = sequence;
    entry->bytes = (uint16_t)bytes;
    entry->clear_bytes = (uint16_t)clear_bytes;
    memcpy(entry->data, data, bytes);
}

const struct packet_history_entry *packet_history_find(const struct packet_history *history,
                                                       uint16_t sequence)
{
    const struct packet_history_entry *entry = &history->entries[sequence % PACKET_HISTORY_PACKETS];
    return entry->bytes > 0 && entry->sequence == sequence ? entry : NULL;
}

size_t packet_history_write_rtx(const struct packet_history_entry *entry, uint8_t payload_type, uint32_t ssrc,
                                uint16_t sequence, uint8_t *buffer, size_t capacity)
{
    size_t payload_bytes = (size_t)(entry->bytes - entry->clear_bytes);

    if ((size_t)entry->bytes + ORIGINAL_BYTES > capacity)
        return 0;
    memcpy(buffer, entry->data, entry->clear_bytes);
    rtp_set_payload_type(buffer, payload_type);
    rtp_set_ssrc(buffer, ssrc);
    rtp_set_sequence(buffer, sequence);
    store_be16(buffer + entry->clear_bytes, entry->sequence);
    memcpy(buffer + entry->clear_bytes + ORIGINAL_BYTES, entry->data + entry->clear_bytes, payload_bytes);
    return entry->bytes + ORIGINAL_BYTES;
}
