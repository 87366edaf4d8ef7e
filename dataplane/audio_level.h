/* How loud a stream of audio is, as its sender says in each packet (RFC 6464), over intervals of
 * AUDIO_LEVEL_INTERVAL_US: its mean loudness, and how much of it is speech.
 *
 * Speech is what stands out from the noise floor of its microphone, which is learned: it follows what is
 * quiet at once and what is loud slowly, so that a hum is noise after some seconds. The sender's own voice
 * activity flag is not used: not all senders set it, and some always do. What is forgotten with a process is
 * learned anew within an interval, so this is the worker's own memory. All zeroes is a stream that was never
 * heard. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define AUDIO_LEVEL_INTERVAL_US 200000u

struct audio_level {
    uint32_t sum; /* of the loudness of this interval's packets */
    uint16_t packets;
    uint16_t speech_packets;
    uint16_t floor_x64; /* loudness of the noise; 0: nothing known */
    uint8_t loudness;   /* of the last interval: 0 (silence) to 127, dB above -127 dBov */
    uint8_t speech;     /* of the last interval, in percent */
    bool told;          /* control takes it for one that speaks */
};

/* A packet with the extension's value: the level in -dBov below the flag's bit (RFC 6464 section 3). */
void audio_level_packet(struct audio_level *level, uint8_t value);

/* Ends an interval. True when control is to be told: somebody speaks, or has ceased to. */
bool audio_level_end(struct audio_level *level);

/* The stream is paused, or has no sound any more: as audio_level_end, without what was heard. */
bool audio_level_mute(struct audio_level *level);
