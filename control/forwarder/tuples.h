/* The addresses that transports live at: in the segment's tuple map, which workers read, and in the steering
 * program's, which the kernel reads. forwarder_add_tuple and forwarder_remove_tuple stand here. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

/* Clients check their pair at least every 6 s (RFC 7675 section 5.1): one silent for longer may have left its
 * address to another. */
#define TUPLES_HOME_US 10000000u

struct forwarder;
struct object_transport;
struct shm_address;

/* Loads the steering program when there is more than one worker. When it is not permitted, or not wanted,
 * workers hand over what is not theirs. */
void tuples_steer(struct forwarder *forwarder, bool wanted);

/* What a call is about: -ESTALE without such a transport, -EAFNOSUPPORT. */
int tuples_resolve(struct forwarder *forwarder, uint64_t transport, const struct sockaddr *remote,
                   struct object_transport **ret_object, struct shm_address *ret_address);

/* Index of remote among the transport's tuples, their count when it is none of them. */
uint32_t tuples_find(const struct object_transport *transport, const struct shm_address *remote);

/* Takes a transport's tuples, or all, out of both maps. */
void tuples_forget(struct forwarder *forwarder, const struct object_transport *transport);
void tuples_forget_all(struct forwarder *forwarder);
