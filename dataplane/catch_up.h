/* Receivers that begin get the last key frame out of the store, and what followed it, when that is sooner
 * than asking the sender for a new one; so he is spared key frames when many come at once.
 *
 * Whoever needs a key frame of a stream is listed by catch_up_want. In the same round catch_up_run looks
 * whether the store has one that is young and small enough for the receiver's bandwidth; else it is asked
 * for; so it is where the receiver was sent that key frame before, and would see the same pictures again.
 * What is stored goes out at about twice the estimate; live packets of the stream wait in the store until it
 * is their turn, so that nothing overtakes. The pictures keep their order, but their timestamps are squeezed
 * towards the live one (rewrite.h): shown at their own pace, they would leave the receiver as far behind as
 * the key frame is old. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "shm/abi.h"

#define CATCH_UP_AGE_MAX_US 2000000u /* of the key frame; the store keeps no longer */
#define CATCH_UP_BYTES_MAX 400000u   /* of it and all that followed */
#define CATCH_UP_PACKETS_MAX 400u    /* fewer than a history has */
#define CATCH_UP_MISSING_MAX 4u      /* packets that wait to be repaired */
#define CATCH_UP_DURATION_US 500000u /* that sending it all may take */
#define CATCH_UP_RATE_BPS 10000000u  /* while no estimate is known */
#define CATCH_UP_STEP_US 5000u
#define CATCH_UP_FIRST_BYTES 30000u /* at once, as a live key frame would be */

struct consumer;
struct flight;
struct stream;
struct worker;

/* Of a consumer. All zeroes: it is live. */
struct catch_up {
    bool is_listed : 1;
    bool is_active : 1;   /* it is sent what is stored, from next on */
    int8_t encoding;      /* wanted, or being sent */
    uint16_t next;        /* input number */
    uint32_t squeeze_end; /* the live timestamp when it began */
    uint32_t rate_bps;
    uint32_t restarts; /* of the stream */
    uint64_t sent_us;  /* up to when the rate was used */
    struct consumer *following;
};

/* What is known of a stored piece of stream, from a key frame to the newest packet. */
struct catch_up_piece {
    shm_handle stream; /* SHM_HANDLE_NONE: of none */
    bool is_stored;    /* else the rest says nothing */
    uint16_t first;
    uint16_t count;
    uint32_t bytes;
    uint32_t missing;
    uint32_t last_timestamp;
    uint64_t received_us;
};

struct catch_ups {
    struct consumer *first;
    uint64_t due_us;             /* UINT64_MAX: never */
    struct catch_up_piece piece; /* looked at last in this round: all who begin with a stream want the same */
    uint64_t looks;              /* at pieces, so far */
};

void catch_ups_init(struct catch_ups *catch_ups);

/* The consumer cannot begin, or change, without a key frame of that encoding of its producer. */
void catch_up_want(struct worker *worker, struct consumer *consumer, unsigned encoding);

/* Whether a live packet is to wait, because the consumer is sent older ones. */
bool catch_up_holds(const struct consumer *consumer, const struct flight *flight);

/* In each round, after what was received: sends what is due, asks for what is not there. */
void catch_up_run(struct worker *worker);

/* The consumer ends, or begins anew. */
void catch_up_forget(struct worker *worker, struct consumer *consumer);
