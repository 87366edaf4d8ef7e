/* Finds the packets of a stream in the packet store by their sequence numbers (shm/history.h): for
 * retransmission and for receivers that begin. Reading is open to every worker; noting is the owner's.
 *
 * A history holds the newest SHM_HISTORY_PACKETS numbers, as far as the store's circle still has them. */
#pragma once

#include <stdbool.h>

#include "shm/history.h"
#include "shm/packet_store.h"

struct history {
    struct shm_history *shared;
    const struct packet_store *store;
    uint32_t worker; /* in whose circle the packets stand */
    shm_handle stream;
};

/* A packet of the stream has been stored; key_frame: it is the first of one. */
void history_note(const struct history *history, const struct packet_place *place, bool key_frame);

/* The stored packet with that number. restarts: of the stream, since numbers begin anew with each. False when
 * there is none (any more). What is read of the packet counts only if packet_store_holds says so afterwards.
 */
bool history_find(const struct history *history, uint16_t sequence, uint32_t restarts,
                  struct packet_place *ret_place);

/* The packet with the highest number. */
bool history_newest(const struct history *history, uint32_t restarts, struct packet_place *ret_place);

/* The first packet of the newest key frame. */
bool history_key_frame(const struct history *history, uint32_t restarts, struct packet_place *ret_place);
