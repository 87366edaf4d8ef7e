/* The levels of all audio streams of a worker, and what control hears of them: only who speaks, at most
 * AUDIO_BATCH_INTERVAL_US after its interval, many in one event. A thousand silent microphones say nothing.
 */
#pragma once

#include "dataplane/audio_level.h"
#include "shm/abi.h"

struct transport;
struct worker;

#define AUDIO_BATCH_MAX 64u
#define AUDIO_BATCH_INTERVAL_US 100000u

struct audio_batch {
    uint64_t told_us;
    uint32_t count;
    struct {
        shm_handle producer;
        uint8_t loudness;
        uint8_t speech;
    } entries[AUDIO_BATCH_MAX];
};

/* Every AUDIO_LEVEL_INTERVAL_US of a transport. */
void audio_levels_turn(struct worker *worker, struct transport *transport);

/* Every round: what waits is told, when it is time. */
void audio_levels_tell(struct worker *worker);
