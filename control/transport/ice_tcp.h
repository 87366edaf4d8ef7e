/* The door for ICE-TCP (RFC 6544, passive): accepts connections and looks at what they say first, without
 * taking it away. Whoever begins with a valid check (framed as RFC 4571 has it) is passed on; whoever begins
 * with something else, or says nothing in time, is closed.
 *
 * The number of those that have said nothing yet is bounded, in all and by address; beyond, the one that has
 * waited longest has to go. Main thread only. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

struct event_base;
struct ice_tcp;

#define ICE_TCP_WAITING_MAX 256u
#define ICE_TCP_WAITING_ADDRESS_MAX 32u
#define ICE_TCP_PATIENCE_MS 10000u

struct ice_tcp_handler {
    /* Whether data is a valid check, and for which worker. */
    bool (*check)(void *context, const uint8_t *data, size_t length, uint32_t *ret_worker);
    /* fd is the callee's from now on. The check is still to be read from it. */
    void (*pass)(void *context, uint32_t worker, const struct sockaddr *remote, int fd);
};

struct ice_tcp_config {
    const char *ip;
    uint16_t port;        /* 0: any */
    uint32_t patience_ms; /* until a valid check */
};

/* Listens. -EINVAL for what is no address, or the errno of the system call. */
int ice_tcp_create(const struct ice_tcp_config *config, struct event_base *base,
                   const struct ice_tcp_handler *handler, void *context, struct ice_tcp **ret_tcp);
void ice_tcp_destroy(struct ice_tcp *tcp);

uint16_t ice_tcp_port(const struct ice_tcp *tcp);
/* Connections of which nobody knows yet what they want. */
uint32_t ice_tcp_waiting(const struct ice_tcp *tcp);
/* Connections closed here, for whatever reason. */
uint64_t ice_tcp_refused(const struct ice_tcp *tcp);
