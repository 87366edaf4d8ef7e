#include "dataplane/send_history.h"

#include <stddef.h>
#include <string.h>

/* An entry: state, cluster, bytes, and the send time in SEND_HISTORY_UNIT_US, of which 15 bits are kept. All
 * that is remembered is less than SEND_HISTORY_US older than the newest, which is known in full. */
#define STATE_SHIFT 30u
#define CLUSTER_SHIFT 27u
#define CLUSTER_MASK (SEND_HISTORY_CLUSTERS - 1)
#define BYTES_SHIFT 15u
#define UNITS_MASK ((1u << BYTES_SHIFT) - 1)

#define CARRIED_US 100000u /* older bytes tell nothing of the rate at which this one arrives */
#define CARRIED_BYTES 16384u

_Static_assert(CLUSTER_MASK == 7 && SEND_HISTORY_BYTES_MAX == 4095 &&
                   SEND_HISTORY_US == (UNITS_MASK + 1) * SEND_HISTORY_UNIT_US,
               "an entry has 32 bits");

enum state { STATE_NONE, STATE_IN_FLIGHT, STATE_LOST, STATE_RECEIVED };

static uint32_t *entry_of(struct send_history *history, uint16_t number)
{
    return &history->entries[number % SEND_HISTORY_PACKETS];
}

static enum state state_of(uint32_t entry)
{
    return (enum state)(entry >> STATE_SHIFT);
}

static void set_state(uint32_t *entry, enum state state)
{
    *entry = (*entry & ~(3u << STATE_SHIFT)) | (uint32_t)state << STATE_SHIFT;
}

static void clear(struct send_history *history, uint16_t number)
{
    uint32_t *entry = entry_of(history, number);

    history->in_flight -= state_of(*entry) == STATE_IN_FLIGHT;
    *entry = 0;
}

/* Units of time from an entry to the newest one. */
static uint32_t age_of(const struct send_history *history, uint32_t entry)
{
    return ((uint32_t)(history->newest_us / SEND_HISTORY_UNIT_US) - entry) & UNITS_MASK;
}

static void forget(struct send_history *history)
{
    memset(history->entries, 0, sizeof(history->entries));
    history->in_flight = 0;
}

/* The numbers from the newest to this one were not sent. */
static void skip_to(struct send_history *history, uint16_t number)
{
    uint16_t gap = (uint16_t)(number - history->newest);

    if (gap == 0 || gap > SEND_HISTORY_PACKETS) {
        forget(history);
        history->oldest = number;
        return;
    }
    for (uint16_t skipped = (uint16_t)(history->newest + 1); skipped != number; skipped++)
        clear(history, skipped);
}

/* Makes room for number, and forgets what will be too old beside a packet of now. */
static void forget_old(struct send_history *history, uint16_t number, uint64_t now_us)
{
    uint64_t passed = now_us / SEND_HISTORY_UNIT_US - history->newest_us / SEND_HISTORY_UNIT_US;

    if ((uint16_t)(number - history->oldest) >= SEND_HISTORY_PACKETS)
        history->oldest = (uint16_t)(number - SEND_HISTORY_PACKETS + 1);
    for (; history->oldest != number; history->oldest++) {
        uint32_t entry = *entry_of(history, history->oldest);
        if (state_of(entry) == STATE_NONE)
            continue;
        if (age_of(history, entry) + passed <= UNITS_MASK)
            return;
        clear(history, history->oldest);
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
    if (!history->started)
        history->oldest = number;
    else if (number != (uint16_t)(history->newest + 1))
        skip_to(history, number);
    if (history->started)
        forget_old(history, number, now_us);
    if (now_us - history->newest_us < CARRIED_US)
        bytes += history->carried_bytes;
    history->carried_bytes = bytes > SEND_HISTORY_BYTES_MAX ? bytes - SEND_HISTORY_BYTES_MAX : 0;
    bytes -= history->carried_bytes;
    clear(history, number);
    history->in_flight++;
    *entry_of(history, number) = (uint32_t)STATE_IN_FLIGHT << STATE_SHIFT |
                                 (cluster & CLUSTER_MASK) << CLUSTER_SHIFT | bytes << BYTES_SHIFT |
                                 ((uint32_t)(now_us / SEND_HISTORY_UNIT_US) & UNITS_MASK);
    history->newest = number;
    history->newest_us = now_us;
    history->started = 1;
}

void send_history_carry(struct send_history *history, uint32_t bytes)
{
    if (history->carried_bytes < CARRIED_BYTES)
        history->carried_bytes += bytes;
}

static uint32_t *find(struct send_history *history, uint16_t number)
{
    uint32_t *entry = entry_of(history, number);

    if (!history->started || (uint16_t)(history->newest - number) >= SEND_HISTORY_PACKETS ||
        state_of(*entry) == STATE_NONE)
        return NULL;
    return entry;
}

enum send_history_match send_history_received(struct send_history *history, uint16_t number,
                                              struct send_history_packet *ret_packet)
{
    uint32_t *entry = find(history, number);

    if (!entry || state_of(*entry) == STATE_RECEIVED)
        return SEND_HISTORY_UNKNOWN;
    bool was_lost = state_of(*entry) == STATE_LOST;
    history->in_flight -= !was_lost;
    set_state(entry, STATE_RECEIVED);
    *ret_packet = (struct send_history_packet){
        .sent_us =
            (history->newest_us / SEND_HISTORY_UNIT_US - age_of(history, *entry)) * SEND_HISTORY_UNIT_US,
        .bytes = *entry >> BYTES_SHIFT & SEND_HISTORY_BYTES_MAX,
        .cluster = (uint8_t)(*entry >> CLUSTER_SHIFT & CLUSTER_MASK)};
    return was_lost ? SEND_HISTORY_LATE : SEND_HISTORY_FIRST;
}

enum send_history_match send_history_lost(struct send_history *history, uint16_t number)
{
    uint32_t *entry = find(history, number);

    if (!entry || state_of(*entry) != STATE_IN_FLIGHT)
        return SEND_HISTORY_UNKNOWN;
    history->in_flight--;
    set_state(entry, STATE_LOST);
    return SEND_HISTORY_FIRST;
}
