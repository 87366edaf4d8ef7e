/* The floor under forwarder_bench: the same packets received, opened, sealed for each receiver and sent by
 * the same system calls and ciphers, with nothing else in between: the messages are made beforehand, numbers
 * are counted up. */
#pragma once

#include <netinet/in.h>

#include "dataplane/srtp.h"

struct floor;

/* bytes: of a received packet; receive_key: the camera's. NULL without memory. */
struct floor *floor_create(const struct srtp_backend *backend, enum srtp_profile profile,
                           const uint8_t *receive_key, int sink, uint32_t fan_out, uint32_t bytes,
                           uint32_t burst);
void floor_destroy(struct floor *floor);

/* Takes what waits at socket, and sends as much as the engine would. */
void floor_round(struct floor *floor, int socket);

/* A receiver's address of its own at the sink's port. */
struct sockaddr_in floor_receiver_name(int sink, uint32_t receiver);
