/* Last-N (the setting LAST_N): of the cameras of a room, each peer is sent those of the N others who had the
 * floor last (speakers.h); who never spoke comes last, in the order of arrival. The consumers of all others
 * are hidden: paused by the server, which their clients are told by consumerPaused and consumerResumed.
 * Screens, microphones and cameras that are paused anyway do not count. */
#pragma once

#include <limits.h>
#include <stdbool.h>

struct consumer;
struct producer;
struct room;

#define LAST_N_NO_CAMERA UINT_MAX

/* Whether the producer is one of those that count. */
bool last_n_is_camera(const struct producer *producer);

/* Who speaks, who sends, or who is here has changed. */
void last_n_update(struct room *room);

/* Whether the consumer is to be hidden, as of the last update. */
bool last_n_hides(const struct consumer *consumer);
