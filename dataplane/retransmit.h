/* Answers to receivers that miss packets: each is sent once more out of the store, as RTX (RFC 4588).
 *
 * Without RTX nothing is sent again. The packet would have to carry its old number and with it its old SRTP
 * index, for which only the very bytes that were sent before may be encrypted (with GCM a single other bit
 * gives the key of the authentication away), and their send time and transport-wide number are not kept.
 * Browsers negotiate RTX for all video; for audio they are not offered NACK.
 *
 * Refused, and counted by name: what is older than a jitter buffer can use, was sent again within a round
 * trip, is more than the consumer's share (resend_limit.h), or stands in the store no more. */
#pragma once

#include "dataplane/stream_table.h"

#define RETRANSMIT_VIDEO_US 2000000u /* the oldest that is sent again; the store keeps no longer */
#define RETRANSMIT_AUDIO_US 1000000u

struct worker;

/* The receiver of consumer misses the packet with that number. False when it needs the packet, and is not
 * going to get it that way: only a key frame helps. */
bool retransmit(struct worker *worker, struct consumer *consumer, uint16_t sequence);

/* Whether so many packets, of its usual size, are more than the consumer's share has left. */
bool retransmit_is_too_much(const struct worker *worker, struct consumer *consumer, unsigned packets);

/* Which nobody asked for, to probe with or ahead of a loss: sends the packet with that number once more, if
 * its payload has so many bytes. Returns them, or a negative errno when there is none that fits. */
int retransmit_unasked(struct worker *worker, struct consumer *consumer, uint16_t sequence,
                       uint32_t min_bytes, uint32_t max_bytes);
