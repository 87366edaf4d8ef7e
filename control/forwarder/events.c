#include "control/forwarder/events.h"

#include "control/forwarder/answers.h"
#include "control/forwarder/forwarder_private.h"

#define LEVELS_MAX 64u /* in one event */

static void take_score(struct forwarder *forwarder, const Km__ScoreChanged *score)
{
    unsigned scores[OBJECTS_ENCODINGS_MAX];
    size_t count =
        score->n_producer_scores < OBJECTS_ENCODINGS_MAX ? score->n_producer_scores : OBJECTS_ENCODINGS_MAX;
    for (size_t i = 0; i < count; i++)
        scores[i] = score->producer_scores[i];
    forwarder->handler.on_score_changed(forwarder->context, score->consumer, score->score,
                                        score->producer_score, scores, count);
}

/* A worker's numbers are not trusted. */
static void take_levels(struct forwarder *forwarder, const Km__AudioLevels *event)
{
    struct forwarder_level levels[LEVELS_MAX];
    size_t count = 0;
    for (size_t i = 0; i < event->n_levels && count < LEVELS_MAX; i++) {
        const Km__AudioLevel *level = event->levels[i];
        if (level->loudness <= 127 && level->speech <= 100 &&
            objects_find_producer(&forwarder->objects, level->producer))
            levels[count++] = (struct forwarder_level){level->producer, level->loudness, level->speech};
    }
    forwarder->handler.on_audio_levels(forwarder->context, levels, count);
}

void events_take(void *context, uint32_t worker, const Km__Event *event)
{
    struct forwarder *forwarder = context;

    switch (event->body_case) {
    case KM__EVENT__BODY_ACK:
        answers_take(forwarder, worker, event->ack);
        break;
    case KM__EVENT__BODY_TRANSPORT_STATE:
        if (objects_find_transport(&forwarder->objects, event->transport_state->transport))
            forwarder->handler.on_consent(forwarder->context, event->transport_state->transport,
                                          event->transport_state->state ==
                                              KM__TRANSPORT_STATE__STATE__CONSENT_LOST);
        break;
    case KM__EVENT__BODY_LAYERS_CHANGED:
        if (objects_find_consumer(&forwarder->objects, event->layers_changed->consumer))
            forwarder->handler.on_layers_changed(forwarder->context, event->layers_changed->consumer,
                                                 event->layers_changed->spatial_layer,
                                                 event->layers_changed->temporal_layer);
        break;
    case KM__EVENT__BODY_SCORE_CHANGED:
        if (objects_find_consumer(&forwarder->objects, event->score_changed->consumer))
            take_score(forwarder, event->score_changed);
        break;
    case KM__EVENT__BODY_AUDIO_LEVELS:
        take_levels(forwarder, event->audio_levels);
        break;
    default: /* of a newer forwarder */
        break;
    }
}
