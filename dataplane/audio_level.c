#include "dataplane/audio_level.h"

#define LEVEL_MASK 0x7fu
#define FLOOR_FIRST 60u /* -67 dBov, a quiet room */
#define FLOOR_MAX 84u   /* a louder hum than -43 dBov is something that others should know of */
#define SPEECH_MARGIN 10u
#define SPEECH_MIN 72u /* -55 dBov */

/* Digital silence is not the noise of a microphone, but one that is muted. */
static void learn_floor(struct audio_level *level, uint32_t loudness)
{
    uint32_t loudness_x64 = loudness * 64;

    if (level->floor_x64 == 0)
        level->floor_x64 = FLOOR_FIRST * 64;
    if (loudness_x64 > level->floor_x64)
        level->floor_x64 += level->floor_x64 < FLOOR_MAX * 64; /* 0.8 dB a second */
    else if (loudness > 0)
        level->floor_x64 = (uint16_t)loudness_x64;
}

static bool is_speech(const struct audio_level *level, uint32_t loudness)
{
    return loudness >= SPEECH_MIN && loudness >= level->floor_x64 / 64u + SPEECH_MARGIN;
}

void audio_level_packet(struct audio_level *level, uint8_t value)
{
    uint32_t loudness = LEVEL_MASK - (value & LEVEL_MASK);

    if (level->packets == UINT16_MAX)
        return;
    learn_floor(level, loudness);
    level->packets++;
    level->sum += loudness;
    level->speech_packets += is_speech(level, loudness);
}

bool audio_level_end(struct audio_level *level)
{
    uint32_t packets = level->packets > 0 ? level->packets : 1;
    bool was_told = level->told;

    level->loudness = (uint8_t)(level->sum / packets);
    level->speech = (uint8_t)(level->speech_packets * 100u / packets);
    level->sum = 0;
    level->packets = level->speech_packets = 0;
    level->told = level->speech > 0;
    return level->told || was_told;
}

bool audio_level_mute(struct audio_level *level)
{
    level->sum = 0;
    level->packets = level->speech_packets = 0;
    return audio_level_end(level);
}
