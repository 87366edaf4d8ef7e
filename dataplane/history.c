#include "dataplane/history.h"

#include "proto/wire/rtp.h"

static _Atomic uint64_t *word_of(const struct history *history, uint16_t sequence)
{
    return &history->shared->packets[sequence % SHM_HISTORY_PACKETS];
}

/* The packet that a word names, when it is this stream's and of this life of its numbers. */
static bool find(const struct history *history, _Atomic uint64_t *word, uint32_t restarts,
                 struct packet_place *ret_place)
{
    uint64_t life = atomic_load_explicit(word, memory_order_acquire);
    struct packet_place place;

    if (life == 0)
        return false;
    if (!packet_store_find(history->store, history->worker, life - 1, &place) ||
        place.packet->stream != history->stream || place.packet->restarts != restarts)
        return false;
    *ret_place = place;
    return true;
}

void history_note(const struct history *history, const struct packet_place *place, bool key_frame)
{
    uint16_t sequence = place->packet->sequence;
    uint32_t restarts = place->packet->restarts;
    uint64_t life = place->position + 1;
    struct packet_place other;

    atomic_store_explicit(word_of(history, sequence), life, memory_order_release);
    if (!history_newest(history, restarts, &other) || rtp_seq_newer(sequence, other.packet->sequence))
        atomic_store_explicit(&history->shared->newest, life, memory_order_release);
    /* A key frame's first packet may come late: then a newer key frame stays. */
    if (key_frame &&
        (!history_key_frame(history, restarts, &other) || rtp_seq_newer(sequence, other.packet->sequence)))
        atomic_store_explicit(&history->shared->key_frame, life, memory_order_release);
}

bool history_find(const struct history *history, uint16_t sequence, uint32_t restarts,
                  struct packet_place *ret_place)
{
    struct packet_place place;

    if (!find(history, word_of(history, sequence), restarts, &place) || place.packet->sequence != sequence)
        return false;
    *ret_place = place;
    return true;
}

bool history_newest(const struct history *history, uint32_t restarts, struct packet_place *ret_place)
{
    return find(history, &history->shared->newest, restarts, ret_place);
}

bool history_key_frame(const struct history *history, uint32_t restarts, struct packet_place *ret_place)
{
    return find(history, &history->shared->key_frame, restarts, ret_place);
}
