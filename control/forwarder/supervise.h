/* The life of the forwarder's process: started, welcomed, watched, buried, started again. */
#pragma once

struct forwarder;

/* Makes a segment unless there is one to go on with, and starts a process that is to say hello. */
int supervise_start(struct forwarder *forwarder);
/* The same, tried again later when it fails. */
void supervise_restart(struct forwarder *forwarder);
/* Every tick: whether it says hello in time, is ready, or is stuck. */
void supervise_watch(struct forwarder *forwarder);
