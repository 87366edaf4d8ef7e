#include "dataplane/events.h"

#include <sys/eventfd.h>

#include "dataplane/worker.h"
#include "proto/schema/forwarder.pb-c.h"

/* spare: bytes to be left free behind it. */
static bool push(struct worker *worker, const Km__Event *event, uint32_t spare)
{
    size_t bytes = km__event__get_packed_size(event);
    uint8_t *record = ring_reserve(&worker->events, (uint32_t)bytes + spare);

    if (!record) {
        worker->totals.events_lost++;
        return false;
    }
    km__event__pack(event, record);
    ring_commit(&worker->events, (uint32_t)bytes);
    worker->told_control = true;
    return true;
}

/* A reservation that is not committed leaves no trace. */
bool events_have_room(struct worker *worker)
{
    return ring_reserve(&worker->events, EVENTS_ACK_BYTES) != NULL;
}

bool events_have_room_for_news(struct worker *worker)
{
    return ring_reserve(&worker->events, EVENTS_NEWS_BYTES + EVENTS_ACK_BYTES) != NULL;
}

void events_ack(struct worker *worker, uint64_t sequence, int error, const char *reason)
{
    Km__Ack ack = KM__ACK__INIT;
    Km__Event event = KM__EVENT__INIT;

    ack.sequence = sequence;
    ack.error = (uint32_t)-error;
    if (reason)
        ack.reason = (char *)reason;
    event.body_case = KM__EVENT__BODY_ACK;
    event.ack = &ack;
    push(worker, &event, 0);
}

bool events_consent(struct worker *worker, shm_handle transport, bool lost)
{
    Km__TransportState state = KM__TRANSPORT_STATE__INIT;
    Km__Event event = KM__EVENT__INIT;

    state.transport = transport;
    state.state = lost ? KM__TRANSPORT_STATE__STATE__CONSENT_LOST : KM__TRANSPORT_STATE__STATE__CONSENT_BACK;
    event.body_case = KM__EVENT__BODY_TRANSPORT_STATE;
    event.transport_state = &state;
    return push(worker, &event, EVENTS_ACK_BYTES);
}

void events_layers(struct worker *worker, shm_handle consumer, int spatial, int temporal)
{
    Km__LayersChanged layers = KM__LAYERS_CHANGED__INIT;
    Km__Event event = KM__EVENT__INIT;

    layers.consumer = consumer;
    layers.spatial_layer = spatial;
    layers.temporal_layer = temporal;
    event.body_case = KM__EVENT__BODY_LAYERS_CHANGED;
    event.layers_changed = &layers;
    push(worker, &event, EVENTS_ACK_BYTES);
}

void events_score(struct worker *worker, const struct consumer *consumer)
{
    Km__ScoreChanged changed = KM__SCORE_CHANGED__INIT;
    Km__Event event = KM__EVENT__INIT;
    uint32_t scores[MEDIA_ENCODINGS_MAX] = {0};
    const struct producer *producer = consumer->producer;
    bool simple = producer->row->type == SHM_CONSUMER_SIMPLE;
    int current = simple ? 0 : consumer->row->media.layer.current;

    changed.n_producer_scores = producer->row->encoding_count;
    changed.producer_scores = scores;
    for (unsigned i = 0; i < producer->row->encoding_count; i++)
        scores[i] = producer->streams[i]->row->score.value;
    changed.consumer = consumer->handle;
    changed.score = consumer->row->score.value;
    changed.producer_score = current >= 0 ? scores[current] : 0;
    event.body_case = KM__EVENT__BODY_SCORE_CHANGED;
    event.score_changed = &changed;
    push(worker, &event, EVENTS_ACK_BYTES);
}

void events_audio_levels(struct worker *worker, const struct audio_batch *batch)
{
    Km__AudioLevels levels = KM__AUDIO_LEVELS__INIT;
    Km__Event event = KM__EVENT__INIT;
    Km__AudioLevel entries[AUDIO_BATCH_MAX];
    Km__AudioLevel *list[AUDIO_BATCH_MAX];

    for (uint32_t i = 0; i < batch->count; i++) {
        km__audio_level__init(&entries[i]);
        entries[i].producer = batch->entries[i].producer;
        entries[i].loudness = batch->entries[i].loudness;
        entries[i].speech = batch->entries[i].speech;
        list[i] = &entries[i];
    }
    levels.n_levels = batch->count;
    levels.levels = list;
    event.body_case = KM__EVENT__BODY_AUDIO_LEVELS;
    event.audio_levels = &levels;
    push(worker, &event, EVENTS_ACK_BYTES);
}

void events_wake_control(struct worker *worker)
{
    if (!worker->told_control)
        return;
    worker->told_control = false;
    bool sleeps = ring_wants_wake(&worker->events);

    sleeps |= ring_wants_wake(&worker->punts);
    if (sleeps)
        eventfd_write(worker->control_wake_fd, 1);
}
