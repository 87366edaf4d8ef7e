/* What a sender is asked to send once more (RFC 4585 section 6.2.1): the missing numbers of one received
 * stream, when to ask for each, and when to stop.
 *
 * A gap is asked for at once; where a stream was seen to overtake itself, as much later as that takes. It is
 * asked for again every round trip, ten times at most, or for two seconds. When more is missing than the list
 * holds, what stands before the last key frame is forgotten, then all.
 *
 * All zeroes is the start. The state is the worker's own: what a new process never missed it cannot ask for,
 * and receivers that wait get a key frame. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NACK_LIST_MAX 1000u
#define NACK_TRIES_MAX 10u
#define NACK_AGE_MAX_US 2000000u
#define NACK_ROUND_TRIP_US 100000u /* while none is known */
#define NACK_ROUND_TRIP_MIN_US 20000u
#define NACK_HOLD_MAX_US 30000u

struct nack_item {
    uint32_t noticed_us; /* low halves of the time */
    uint32_t due_us;
    uint16_t sequence;
    uint8_t tries;
    uint8_t reserved;
};

struct nack_list {
    uint32_t count;
    uint32_t hold_us; /* how long a gap is given to close by itself */
    uint16_t key_frame;
    bool has_key_frame;
    struct nack_item items[NACK_LIST_MAX]; /* in the order in which they were missed */
};

/* The stream began anew. */
void nack_reset(struct nack_list *list);

/* The numbers from first on, count of them, are missing. False when that was too much to ask for: the stream
 * is to be picked up at a key frame. */
bool nack_missed(struct nack_list *list, uint16_t first, uint32_t count, uint64_t now_us);

/* A key frame began with that number. */
void nack_key_frame(struct nack_list *list, uint16_t sequence);

enum nack_arrival {
    NACK_NOT_MISSED,
    NACK_OVERTAKEN, /* came by itself, later than others */
    NACK_REPAIRED,  /* came because it was asked for */
};

/* The packet with that number has come; repair: as RTX. round_trip_us 0: not known. */
enum nack_arrival nack_arrived(struct nack_list *list, uint16_t sequence, bool repair, uint32_t round_trip_us,
                               uint64_t now_us);

struct nack_turn {
    uint16_t sequences[NACK_LIST_MAX]; /* to be asked for now */
    size_t count;
    bool gave_up;     /* on something that came after the last key frame */
    uint64_t next_us; /* when the next turn is; UINT64_MAX: nothing is missing */
};

/* What is due, which counts as asked for. */
void nack_turn(struct nack_list *list, uint32_t round_trip_us, uint64_t now_us, struct nack_turn *ret_turn);
