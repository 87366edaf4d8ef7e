/* Whether a forwarder that went on has taken over all that there was: a row that its predecessor was writing
 * when it was killed is freed by it, with what belongs to that. */
#pragma once

struct forwarder;

/* To be called in each tick. Once after each restart, when nothing is waiting to be answered, what control
 * has installed is looked for in the tables; a transport of which something is missing has failed
 * (on_failed). */
void inventory_turn(struct forwarder *forwarder);
