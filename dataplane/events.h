/* What a worker tells control, packed into its event ring (proto/schema/forwarder.proto). An event that finds
 * the ring full is lost and counted; an Ack never is, because a command is only taken when there is room for
 * its answer, and other events leave that room. */
#pragma once

#include <stdbool.h>

#include "shm/abi.h"

struct worker;
struct consumer;

/* An Ack with its reason, in the ring. */
#define EVENTS_ACK_BYTES 256u

#define EVENTS_NEWS_BYTES 128u

/* Whether an Ack would fit. */
bool events_have_room(struct worker *worker);

/* Whether what can wait would fit beside it: events of EVENTS_NEWS_BYTES in all. */
bool events_have_room_for_news(struct worker *worker);

/* error is 0 or a negative errno; reason may be NULL. */
void events_ack(struct worker *worker, uint64_t sequence, int error, const char *reason);

/* False when there was no room: it must be said later. */
bool events_consent(struct worker *worker, shm_handle transport, bool lost);

void events_layers(struct worker *worker, shm_handle consumer, int spatial, int temporal);

/* The scores of a consumer and of the streams of its producer. */
void events_score(struct worker *worker, const struct consumer *consumer);

struct audio_batch;
void events_audio_levels(struct worker *worker, const struct audio_batch *batch);

/* Wakes control when it sleeps on one of the rings that this worker fills. */
void events_wake_control(struct worker *worker);
