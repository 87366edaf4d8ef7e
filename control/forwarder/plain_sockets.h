/* The sockets of plain transports: control's, which hands duplicates to the worker. They outlive a forwarder,
 * so that packets wait in the kernel for the next one. */
#pragma once

#include <stdbool.h>

struct forwarder;
struct object_transport;

/* From now on the sockets are the object's. What cannot be handed over now is, with the next tick. */
void plain_sockets_adopt(struct forwarder *forwarder, struct object_transport *object, const int fds[2]);

/* Every tick, and after a welcome. */
void plain_sockets_hand_over(struct forwarder *forwarder);

/* The process has ended: all sockets are to be handed over to the next one. */
void plain_sockets_recall(struct forwarder *forwarder);
