#include "dataplane/send_history.h"

#include <stddef.h>

/* Facts of an entry: bytes, the high bits of its number, its cluster, its state. */
#define BYTES_BITS 14u
#define BYTES_MAX ((1u << BYTES_BITS) - 1)
#define TAG_SHIFT BYTES_BITS
#define TAG_MASK 63u
#define CLUSTER_SHIFT (TAG_SHIFT + 6)
#define CLUSTER_MASK (SEND_HISTORY_CLUSTERS - 1)
#define STATE_SHIFT (CLUSTER_SHIFT + 3)
#define STATE_MASK 3u

#define CARRIED_US 100000u /* older bytes tell nothing of the rate at which this one arrives */

_Static_assert(SEND_HISTORY_PACKETS *(TAG_MASK + 1) == 65536, "place and tag make up a number");

enum state { STATE_NONE, STATE_IN_FLIGHT, STATE_LOST, STATE_RECEIVED };

static enum state state_of(const struct send_history_entry *entry)
{
    return (enum state)(entry->facts >> STATE_SHIFT & STATE_MASK);
}

static void set_state(struct send_history_entry *entry, enum state state)
{
    entry->facts = (entry->facts & ~(STATE_MASK << STATE_SHIFT)) | (uint32_t)state << STATE_SHIFT;
}

static uint32_t tag_of(uint16_t number)
{
    return number / SEND_HISTORY_PACKETS;
}

static void forget(struct send_history *history)
{
    for (unsigned i = 0; i < SEND_HISTORY_PACKETS; i++)
        history->entries[i].facts = 0;
    history->in_flight = 0;
}

/* The numbers from the newest to this one were not sent. */
static void skip_to(struct send_history *history, uint16_t number)
{
    uint16_t gap = (uint16_t)(number - history->newest);

    if (gap == 0 || gap > SEND_HISTORY_PACKETS) {
        forget(history);
        return;
    }
    for (uint16_t skipped = (uint16_t)(history->newest + 1); skipped != number; skipped++) {
        struct send_history_entry *entry = &history->entries[skipped % SEND_HISTORY_PACKETS];
        history->in_flight -= state_of(entry) == STATE_IN_FLIGHT;
        entry->facts = 0;
    }
}

void send_history_reset(struct send_history *history)
{
    if (history->started)
        forget(history);
    history->started = 0;
    history->carried_bytes = 0;
}

void send_history_add(struct send_history *history, uint16_t number, uint32_t bytes, uint8_t cluster,
                      uint64_t now_us)
{
    struct send_history_entry *entry = &history->entries[number % SEND_HISTORY_PACKETS];

    if (history->started && number != (uint16_t)(history->newest + 1))
        skip_to(history, number);
    if (now_us - history->newest_us < CARRIED_US)
        bytes += history->carried_bytes;
    history->carried_bytes = 0;
    history->in_flight += state_of(entry) != STATE_IN_FLIGHT;
    *entry = (struct send_history_entry){
        .sent_us = (uint32_t)now_us,
        .facts = (bytes < BYTES_MAX ? bytes : BYTES_MAX) | tag_of(number) << TAG_SHIFT |
                 (cluster & CLUSTER_MASK) << CLUSTER_SHIFT | (uint32_t)STATE_IN_FLIGHT << STATE_SHIFT};
    history->newest = number;
    history->newest_us = now_us;
    history->started = 1;
}

void send_history_carry(struct send_history *history, uint32_t bytes)
{
    if (history->carried_bytes < BYTES_MAX)
        history->carried_bytes += bytes;
}

static struct send_history_entry *find(struct send_history *history, uint16_t number)
{
    struct send_history_entry *entry = &history->entries[number % SEND_HISTORY_PACKETS];

    if (state_of(entry) == STATE_NONE || (entry->facts >> TAG_SHIFT & TAG_MASK) != tag_of(number))
        return NULL;
    return entry;
}

enum send_history_match send_history_received(struct send_history *history, uint16_t number, uint64_t now_us,
                                              struct send_history_packet *ret_packet)
{
    struct send_history_entry *entry = find(history, number);

    if (!entry || state_of(entry) == STATE_RECEIVED)
        return SEND_HISTORY_UNKNOWN;
    bool was_lost = state_of(entry) == STATE_LOST;
    history->in_flight -= !was_lost;
    set_state(entry, STATE_RECEIVED);
    *ret_packet =
        (struct send_history_packet){.sent_us = now_us - (uint32_t)((uint32_t)now_us - entry->sent_us),
                                     .bytes = entry->facts & BYTES_MAX,
                                     .cluster = (uint8_t)(entry->facts >> CLUSTER_SHIFT & CLUSTER_MASK)};
    return was_lost ? SEND_HISTORY_LATE : SEND_HISTORY_FIRST;
}

enum send_history_match send_history_lost(struct send_history *history, uint16_t number)
{
    struct send_history_entry *entry = find(history, number);

    if (!entry || state_of(entry) != STATE_IN_FLIGHT)
        return SEND_HISTORY_UNKNOWN;
    history->in_flight--;
    set_state(entry, STATE_LOST);
    return SEND_HISTORY_FIRST;
}
