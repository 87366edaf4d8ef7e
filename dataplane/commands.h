/* What control asks of a worker (Command in proto/schema/forwarder.proto). Control is trusted no further than
 * that it has the right to ask: handles, enums, lengths and counts are checked, and a command that is wrong
 * changes nothing. Each is answered by an Ack. */
#pragma once

#include <stdint.h>

#include "proto/schema/forwarder.pb-c.h"
#include "shm/rows.h"

#define COMMANDS_BATCH 64u /* of one round */

struct worker;
struct producer;

/* Takes what waits in the command ring, COMMANDS_BATCH at most; returns how many. */
uint32_t commands_run(struct worker *worker);

/* A row as the message says. 0, or a negative errno with the reason in words. */
int commands_read_producer(const Km__InstallProducer *message, struct shm_producer_row *ret_row,
                           struct shm_stream_row ret_streams[MEDIA_ENCODINGS_MAX], const char **ret_reason);
int commands_read_consumer(struct worker *worker, const Km__InstallConsumer *message,
                           const struct producer *producer, struct shm_consumer_row *ret_row,
                           const char **ret_reason);
