/* The socket that the gateway listens on, and which connections are taken of those that wait there. */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct gateway_config;
struct listener;

/* More connections than config.max_connections are there at the most, while those are being cut that made
 * room. */
#define ACCEPT_MAX_A_ROUND 64

/* Binds here rather than in libwebsockets, for an error that says why not: one line. */
int accept_listen(const struct gateway_config *config, int *ret_socket, uint16_t *ret_port, char *error,
                  size_t size);

/* Takes what waits, within config.max_connections; pauses while descriptors are short. */
void accept_connections(struct listener *listener);
