/* Between the files of a participant. */
#pragma once

#include "tools/kolabmeet-load/participant.h"

void participant_fail(struct participant *participant, const char *reason);

/* Whether something has become ready that completes it. */
void participant_progress(struct participant *participant);

/* participant_sinks.c: what the server says of consumers. */
void participant_add_sink(struct participant *participant, const json_t *consumer);
void participant_remove_sink(struct participant *participant, const char *consumer_id);
void participant_attach_sinks(struct participant *participant);
void participant_free_sinks(struct participant *participant);

/* participant_leg.c: transports. */
void participant_leg_open(struct participant_leg *leg);
void participant_leg_close(struct participant_leg *leg);

/* participant_sources.c: what it sends. */
void participant_make_sources(struct participant *participant);
void participant_produce(struct participant *participant);
