/* Who of a room's peers is speaking, and who has the floor: the dominant speaker. Pure: no clock, no I/O.
 *
 * What is heard is the share of speech in intervals of 200 ms (AudioLevel in proto/schema/forwarder.proto);
 * loudness is not compared, because microphones differ. Who wants the floor must have spoken for
 * SPEAKERS_CONFIRM_MS, so that a cough does not get it, and densely, so that typing does not. It is given
 *   - when nobody has it, or who has it is silent for SPEAKERS_YIELD_MS and the other one began then: this is
 * how turns are taken, and it takes less than a second in all;
 *   - when both have spoken for longer and one falls silent for SPEAKERS_OVERLAP_YIELD_MS: a breath of who
 * speaks does not give the floor to a television;
 *   - when who has it speaks much less than the other one, over some seconds (agreeing noises).
 * Otherwise it stays where it is: with two who speak at once nothing flaps, and silence changes nothing. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#define SPEAKERS_INTERVAL_MS 200u /* that a report stands for */
#define SPEAKERS_CONFIRM_MS 500u
#define SPEAKERS_YIELD_MS 400u
#define SPEAKERS_OVERLAP_YIELD_MS 1500u
#define SPEAKERS_FRESH_MS 700u /* reports are older: silent, or its forwarder has died */

struct speaker {
    uint64_t heard_ms; /* the last report; 0: never */
    uint64_t spoke_ms; /* the last one with speech */
    uint64_t began_ms; /* of the current run of speech */
    unsigned run_ms;   /* speech in it, short pauses left out */
    unsigned
        activity_ms;  /* leaks a millisecond each, gains two with speech: zero for who speaks half the time */
    uint8_t loudness; /* as last heard, 0 (silence) to 127 */
    uint8_t speech;   /* percent */
    TAILQ_ENTRY(speaker) link;
};

struct speakers {
    TAILQ_HEAD(, speaker) order; /* who had the floor last comes first; who never had it, at the end */
    struct speaker *dominant;    /* NULL: nobody has spoken yet, or who had the floor has left */
};

void speakers_init(struct speakers *speakers);

/* speaker is all zeroes. It comes last. */
void speakers_add(struct speakers *speakers, struct speaker *speaker);
void speakers_remove(struct speakers *speakers, struct speaker *speaker);

/* A report. now_ms never runs backwards, and is not 0. True when speaker gets the floor by it. */
bool speakers_hear(struct speakers *speakers, struct speaker *speaker, unsigned loudness, unsigned speech,
                   uint64_t now_ms);

/* 0 (silence) to 127. */
unsigned speaker_loudness(const struct speaker *speaker, uint64_t now_ms);
bool speaker_speaks(const struct speaker *speaker, uint64_t now_ms);
