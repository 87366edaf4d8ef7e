/* The loss among the receivers of a stream: what its sender must know to add forward error correction (Opus
 * carries it in band, RFC 6716 section 2.1.7). He learns it by his own receiver reports, which say the worst
 * of what got lost on his way and on theirs. */
#pragma once

#include <stdint.h>

#define RECEIVER_LOSS_LASTS_US 8000000u /* every receiver of audio has reported once by then */
#define RECEIVER_LOSS_TELL_US 500000u   /* another worker is told the worst of all its receivers so often */

struct consumer;
struct stream;
struct worker;

/* All zeroes: none. */
struct receiver_loss {
    uint64_t begun_us; /* of the current interval */
    uint8_t worst;     /* in it, in 256ths */
    uint8_t before;    /* in the one before */
};

/* A receiver reports so much: it counts for RECEIVER_LOSS_LASTS_US at least, and for twice as long at most.
 */
void receiver_loss_note(struct receiver_loss *loss, uint8_t fraction, uint64_t now_us);

/* The worst in 256ths. */
uint8_t receiver_loss_worst(const struct receiver_loss *loss, uint64_t now_us);

/* A report about what the consumer is sent has come: its stream's owner is told, if the stream has forward
 * error correction. */
void receiver_loss_report(struct worker *worker, const struct consumer *consumer);
