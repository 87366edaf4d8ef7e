/* What was sent with a transport-wide number, until its feedback comes: when, how many bytes, in which probe.
 *
 * Kept for the newest SEND_HISTORY_PACKETS numbers of one transport, four bytes each: at 1000 packets a
 * second a feedback is about numbers that are up to 0.5 s old (250 ms of round trip, and 250 ms at most
 * between two of libwebrtc's), and up to 1 s when packets wait on the path, which is when it matters most.
 * What is older than those or than SEND_HISTORY_US, was never sent, or was told before is not found, whatever
 * a receiver says. Zeroes are the start. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define SEND_HISTORY_PACKETS 1024u
#define SEND_HISTORY_CLUSTERS 8u  /* probe clusters are told apart by numbers below this; 0 = none */
#define SEND_HISTORY_UNIT_US 128u /* send times are as fine as that; those of arrival come in 250 us */
#define SEND_HISTORY_US (SEND_HISTORY_UNIT_US << 15) /* 4 s */
#define SEND_HISTORY_BYTES_MAX 4095u                 /* of a packet and of what it carries along */

struct send_history {
    uint16_t newest;
    uint16_t oldest; /* what is older than that is forgotten */
    uint8_t started;
    uint8_t reserved[3];
    uint32_t carried_bytes; /* sent without a number since the last number */
    uint32_t in_flight; /* packets without feedback yet, those that fell out included until they are reused */
    uint64_t newest_us;
    uint32_t entries[SEND_HISTORY_PACKETS]; /* by number % SEND_HISTORY_PACKETS; see send_history.c */
};
_Static_assert(sizeof(struct send_history) == 24 + 4 * SEND_HISTORY_PACKETS, "one for each transport");

struct send_history_packet {
    uint64_t sent_us; /* not later than it was */
    uint32_t bytes;   /* of the packet and of what was carried along */
    uint8_t cluster;
};

enum send_history_match {
    SEND_HISTORY_UNKNOWN, /* never sent, too old, or told before */
    SEND_HISTORY_FIRST,   /* first word of it */
    SEND_HISTORY_LATE,    /* it arrived after it was told lost */
};

/* Begins anew; costs a look at the entries only where there are any. */
void send_history_reset(struct send_history *history);

/* Numbers follow each other, with gaps where a packet was given one and did not go out after all; a jump of
 * more than SEND_HISTORY_PACKETS forgets what was before. */
void send_history_add(struct send_history *history, uint16_t number, uint32_t bytes, uint8_t cluster,
                      uint64_t now_us);

/* Bytes that go the same way but carry no number (audio): they are counted with the next number, as libwebrtc
 * does with its "prior unacknowledged data", if that comes soon. */
void send_history_carry(struct send_history *history, uint32_t bytes);

/* The receiver says that number has arrived, or has not. */
enum send_history_match send_history_received(struct send_history *history, uint16_t number,
                                              struct send_history_packet *ret_packet);
enum send_history_match send_history_lost(struct send_history *history, uint16_t number);
