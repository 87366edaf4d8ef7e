/* kolabmeetd put together: the forwarder, what speaks to it, rooms, signaling, the HTTP API, the gateway. */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct config;
struct daemon;
struct event_base;

#define DAEMON_ERROR_MAX 512

/* Keeps config and base. On failure one line without a line end is in error, and what was started is ended.
 * -EDOM for a setting that only its user could check; else a negative errno. */
int daemon_create(const struct config *config, struct event_base *base, struct daemon **ret_daemon,
                  char *error, size_t size);
/* Connections break, the forwarder is ended and waited for. */
void daemon_destroy(struct daemon *daemon);

/* One line: what listens where. */
void daemon_print_listeners(const struct daemon *daemon, FILE *out);
