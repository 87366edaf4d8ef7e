#include "control/room/speakers.h"

#define PAUSE_MS 450u       /* between words */
#define OVERLAP_MS 600u     /* who begins so long before the other one ends, takes a turn */
#define ACTIVITY_MAX 3000u  /* ms */
#define ACTIVITY_LEAST 250u /* to be more than noises */
#define ACTIVITY_MARGIN 1200u

void speakers_init(struct speakers *speakers)
{
    TAILQ_INIT(&speakers->order);
    speakers->dominant = NULL;
}

void speakers_add(struct speakers *speakers, struct speaker *speaker)
{
    TAILQ_INSERT_TAIL(&speakers->order, speaker, link);
}

void speakers_remove(struct speakers *speakers, struct speaker *speaker)
{
    TAILQ_REMOVE(&speakers->order, speaker, link);
    if (speakers->dominant == speaker)
        speakers->dominant = NULL;
}

static uint64_t since(uint64_t then_ms, uint64_t now_ms)
{
    return now_ms > then_ms ? now_ms - then_ms : 0;
}

static unsigned activity(const struct speaker *speaker, uint64_t now_ms)
{
    uint64_t silent_ms = since(speaker->heard_ms, now_ms);
    return silent_ms < speaker->activity_ms ? speaker->activity_ms - (unsigned)silent_ms : 0;
}

static void note(struct speaker *speaker, unsigned loudness, unsigned speech, uint64_t now_ms)
{
    unsigned speech_ms = SPEAKERS_INTERVAL_MS * speech / 100;
    /* Who was silent was so until its interval began. */
    bool was_silent = since(speaker->heard_ms, now_ms) > PAUSE_MS;
    unsigned left = was_silent ? activity(speaker, now_ms - SPEAKERS_INTERVAL_MS) : speaker->activity_ms;
    unsigned gained = left + 2 * speech_ms;

    speaker->activity_ms = gained > SPEAKERS_INTERVAL_MS ? gained - SPEAKERS_INTERVAL_MS : 0;
    if (speaker->activity_ms > ACTIVITY_MAX)
        speaker->activity_ms = ACTIVITY_MAX;
    speaker->heard_ms = now_ms;
    speaker->loudness = (uint8_t)loudness;
    speaker->speech = (uint8_t)speech;
    if (speech == 0)
        return;
    if (speaker->spoke_ms == 0 || since(speaker->spoke_ms, now_ms) > PAUSE_MS) {
        speaker->run_ms = 0;
        speaker->began_ms = now_ms - speech_ms;
    }
    speaker->spoke_ms = now_ms;
    speaker->run_ms += speech_ms;
}

static bool yields(const struct speaker *holder, const struct speaker *other, uint64_t now_ms)
{
    uint64_t silent_ms = since(holder->spoke_ms, now_ms);
    bool takes_turn = other->began_ms + OVERLAP_MS >= holder->spoke_ms;

    return silent_ms >= (takes_turn ? SPEAKERS_YIELD_MS : SPEAKERS_OVERLAP_YIELD_MS) ||
           activity(other, now_ms) >= activity(holder, now_ms) + ACTIVITY_MARGIN;
}

bool speakers_hear(struct speakers *speakers, struct speaker *speaker, unsigned loudness, unsigned speech,
                   uint64_t now_ms)
{
    struct speaker *holder = speakers->dominant;

    note(speaker, loudness, speech, now_ms);
    if (holder == speaker || speech == 0 || speaker->run_ms < SPEAKERS_CONFIRM_MS ||
        speaker->activity_ms < ACTIVITY_LEAST || (holder && !yields(holder, speaker, now_ms)))
        return false;
    TAILQ_REMOVE(&speakers->order, speaker, link);
    TAILQ_INSERT_HEAD(&speakers->order, speaker, link);
    speakers->dominant = speaker;
    return true;
}

static bool is_fresh(const struct speaker *speaker, uint64_t now_ms)
{
    return speaker->heard_ms != 0 && since(speaker->heard_ms, now_ms) <= SPEAKERS_FRESH_MS;
}

unsigned speaker_loudness(const struct speaker *speaker, uint64_t now_ms)
{
    return is_fresh(speaker, now_ms) ? speaker->loudness : 0;
}

bool speaker_speaks(const struct speaker *speaker, uint64_t now_ms)
{
    return is_fresh(speaker, now_ms) && speaker->speech > 0;
}
