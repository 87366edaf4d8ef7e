#include "dataplane/audio_levels.h"

#include "dataplane/events.h"
#include "dataplane/worker.h"

static void flush(struct worker *worker)
{
    struct audio_batch *batch = &worker->speaking;

    events_audio_levels(worker, batch);
    batch->count = 0;
    batch->told_us = worker->now_us;
}

static void add(struct worker *worker, const struct producer *producer, const struct audio_level *level)
{
    struct audio_batch *batch = &worker->speaking;

    if (batch->count == AUDIO_BATCH_MAX)
        flush(worker);
    batch->entries[batch->count].producer = producer->handle;
    batch->entries[batch->count].loudness = level->loudness;
    batch->entries[batch->count].speech = level->speech;
    batch->count++;
}

void audio_levels_turn(struct worker *worker, struct transport *transport)
{
    for (unsigned i = 0; i < TRANSPORT_PRODUCERS_MAX; i++) {
        struct producer *producer = transport->producers[i];
        if (!producer || producer->row->kind != SHM_MEDIA_AUDIO)
            continue;
        struct audio_level *level = &producer->streams[0]->level;
        if (producer->row->paused ? audio_level_mute(level) : audio_level_end(level))
            add(worker, producer, level);
    }
}

void audio_levels_tell(struct worker *worker)
{
    const struct audio_batch *batch = &worker->speaking;

    if (batch->count > 0 && worker->now_us - batch->told_us >= AUDIO_BATCH_INTERVAL_US)
        flush(worker);
}
