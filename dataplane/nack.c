#include "dataplane/nack.h"

#include <string.h>

#include "proto/wire/rtp.h"

#define HOLD_MIN_US 1000u

static uint32_t interval_us(uint32_t round_trip_us)
{
    if (round_trip_us == 0)
        return NACK_ROUND_TRIP_US;
    /* A little more than the round trip: the answer takes as long. */
    round_trip_us += round_trip_us / 8;
    return round_trip_us < NACK_ROUND_TRIP_MIN_US ? NACK_ROUND_TRIP_MIN_US : round_trip_us;
}

void nack_reset(struct nack_list *list)
{
    list->count = 0;
    list->has_key_frame = false;
}

/* Forgets the numbers before sequence. */
static void forget_before(struct nack_list *list, uint16_t sequence)
{
    uint32_t kept = 0;

    for (uint32_t i = 0; i < list->count; i++) {
        if (!rtp_seq_newer(sequence, list->items[i].sequence))
            list->items[kept++] = list->items[i];
    }
    list->count = kept;
}

bool nack_missed(struct nack_list *list, uint16_t first, uint32_t count, uint64_t now_us)
{
    if (list->count + count > NACK_LIST_MAX && list->has_key_frame)
        forget_before(list, list->key_frame);
    if (list->count + count > NACK_LIST_MAX) {
        list->count = 0;
        return false;
    }
    for (uint32_t i = 0; i < count; i++) {
        list->items[list->count++] = (struct nack_item){.noticed_us = (uint32_t)now_us,
                                                        .due_us = (uint32_t)now_us + list->hold_us,
                                                        .sequence = (uint16_t)(first + i)};
    }
    return true;
}

void nack_key_frame(struct nack_list *list, uint16_t sequence)
{
    if (!list->has_key_frame || rtp_seq_newer(sequence, list->key_frame))
        list->key_frame = sequence;
    list->has_key_frame = true;
}

static void remove_at(struct nack_list *list, uint32_t place)
{
    list->count--;
    memmove(&list->items[place], &list->items[place + 1], (list->count - place) * sizeof(list->items[0]));
}

/* A packet that was overtaken makes the next gap wait for half as long again; each one that was lost
 * indeed takes some of that back. */
static void learn(struct nack_list *list, enum nack_arrival arrival, uint32_t waited_us)
{
    uint32_t hold_us = waited_us + waited_us / 2;

    if (arrival == NACK_REPAIRED)
        list->hold_us = list->hold_us < HOLD_MIN_US ? 0 : list->hold_us - list->hold_us / 16;
    else if (hold_us > list->hold_us)
        list->hold_us = hold_us < NACK_HOLD_MAX_US ? hold_us : NACK_HOLD_MAX_US;
}

enum nack_arrival nack_arrived(struct nack_list *list, uint16_t sequence, bool repair, uint32_t round_trip_us,
                               uint64_t now_us)
{
    for (uint32_t i = 0; i < list->count; i++) {
        if (list->items[i].sequence != sequence)
            continue;
        uint32_t waited_us = (uint32_t)now_us - list->items[i].noticed_us;
        bool asked = list->items[i].tries > 0;
        remove_at(list, i);
        /* Without RTX, an answer looks like the packet itself; but it cannot come before a round trip. */
        bool answer = repair || (asked && waited_us >= list->hold_us + interval_us(round_trip_us) / 2);
        enum nack_arrival arrival = answer ? NACK_REPAIRED : NACK_OVERTAKEN;
        learn(list, arrival, waited_us);
        return arrival;
    }
    return NACK_NOT_MISSED;
}

static bool is_hopeless(const struct nack_item *item, uint64_t now_us)
{
    return item->tries >= NACK_TRIES_MAX || (uint32_t)now_us - item->noticed_us > NACK_AGE_MAX_US;
}

void nack_turn(struct nack_list *list, uint32_t round_trip_us, uint64_t now_us, struct nack_turn *ret_turn)
{
    uint32_t kept = 0;
    int32_t soonest_us = INT32_MAX;

    ret_turn->count = 0;
    ret_turn->gave_up = false;
    for (uint32_t i = 0; i < list->count; i++) {
        struct nack_item item = list->items[i];
        if ((int32_t)(item.due_us - (uint32_t)now_us) <= 0) {
            if (is_hopeless(&item, now_us)) {
                ret_turn->gave_up |= !list->has_key_frame || !rtp_seq_newer(list->key_frame, item.sequence);
                continue;
            }
            ret_turn->sequences[ret_turn->count++] = item.sequence;
            item.tries++;
            item.due_us = (uint32_t)now_us + interval_us(round_trip_us);
        }
        int32_t wait_us = (int32_t)(item.due_us - (uint32_t)now_us);
        soonest_us = wait_us < soonest_us ? wait_us : soonest_us;
        list->items[kept++] = item;
    }
    list->count = kept;
    ret_turn->next_us = kept > 0 ? now_us + (uint32_t)soonest_us : UINT64_MAX;
}
