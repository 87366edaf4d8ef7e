/* Scores of streams and consumers (score.h): when they change, and who is told. A stream that begins, or
 * comes back, stands at 10; one that falls silent at 0; a consumer begins again at 10 with each switch of
 * encoding. */
#pragma once

#include "dataplane/stream_table.h"

struct worker;

/* A packet has come. */
void scores_packet(struct stream *stream);

/* An interval of receiver reports has ended. */
void scores_interval(struct stream *stream);

/* A report about what the consumer is sent has come. */
void scores_report(struct consumer *consumer);

/* The consumer is sent another encoding from now on. */
void scores_switch(struct consumer *consumer);

/* The score of stream was changed by the worker that has it. */
void scores_tell_consumers(const struct stream *stream);

/* In a transport's turn: streams that fell silent. */
void scores_turn(struct worker *worker, struct transport *transport);
