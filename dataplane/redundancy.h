/* Copies ahead of a loss: where packets get lost on the path itself and the estimate has room to spare, a
 * receiver is sent some of them twice, the second time as RTX a few milliseconds later.
 *
 * What a NACK brings comes a round trip after the loss showed. A decoder does not wait that long for a
 * picture that no other one needs (of the highest temporal layer), and the loss of a picture's last packet
 * shows only with the next picture; of a NACK's answer it shows after another 100 ms. So from REDUNDANCY_SOME
 * of loss on these three are copied, from REDUNDANCY_ALL on everything, and answers twice. Copies are paid
 * for out of what the estimate has left over what the receiver's consumers could use: where loss comes from
 * the rate there is nothing left, and none is sent. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "dataplane/rewrite.h"
#include "shm/abi.h"

#define REDUNDANCY_SOME 0.02
#define REDUNDANCY_ALL 0.08
#define REDUNDANCY_DELAY_US 5000u /* losses come in bursts: the copy must not be in the same one */
#define REDUNDANCY_BURST_US 100000u
#define REDUNDANCY_RUN_MAX 64u

struct consumer;
struct packet_view;
struct transport;
struct worker;

enum redundancy_level { REDUNDANCY_LEVEL_NONE, REDUNDANCY_LEVEL_SOME, REDUNDANCY_LEVEL_ALL };

/* Of a transport. Zeroes: nothing is copied. */
struct redundancy {
    uint64_t refilled_us;
    uint64_t due_us;     /* of the run */
    shm_handle consumer; /* whose packets wait to be copied, numbers first to first + count - 1 */
    uint32_t rate_bps;   /* that copies may take */
    int32_t tokens_bytes;
    uint32_t copies; /* sent so far */
    uint16_t first;
    uint8_t count;
    uint8_t level; /* enum redundancy_level */
};

/* In each turn of the transport: what loss and estimate ask for and allow. */
void redundancy_turn(struct transport *transport, uint64_t now_us);

/* A packet of video was sent for the first time. To be called where level is not zero. */
void redundancy_sent(struct worker *worker, struct consumer *consumer, const struct packet_view *view,
                     const struct rewrite_numbers *numbers);

/* How often an answer to a NACK, of so many bytes, is to be sent beside the first time; they are paid for. */
unsigned redundancy_repeats(struct transport *transport, uint32_t bytes, uint64_t now_us);

/* To be called for busy transports: sends what is due. */
void redundancy_run(struct worker *worker, struct transport *transport);
