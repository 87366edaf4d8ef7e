/* The life of the forwarder's process: started, welcomed, watched, buried, started again. */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct forwarder;

/* Makes a segment unless there is one to go on with, and starts a process that is to say hello. */
int supervise_start(struct forwarder *forwarder, char *ret_error, size_t error_bytes);
/* Every tick: whether it is time to start it again, it says hello in time, is ready, or is stuck. */
void supervise_watch(struct forwarder *forwarder);
/* Listens to the process no more. */
void supervise_unwatch(struct forwarder *forwarder);

/* From one start to the next, after so many in a row that ended before the workers went round: 0.5 s, then
 * twice as long each time, up to 8 s. */
uint64_t supervise_restart_us(uint32_t failures);
