/* Counts the packets that reach sockets of ours, before their receive buffers take or refuse them: what is
 * read less than that, once nothing waits, was thrown away by our own kernel, packet by packet and place by
 * place. Takes the right to load a BPF program. */
#pragma once

#include <stdint.h>

struct socket_meter;

/* By place: these bits of the IPv4 destination (a mask of the lowest bits), or the destination port (0).
 * -errno; -EPERM mostly. */
int socket_meter_create(uint32_t address_mask, struct socket_meter **ret_meter);
/* Sockets that it was attached to go on without being counted. */
void socket_meter_destroy(struct socket_meter *meter);

/* -errno. */
int socket_meter_attach(const struct socket_meter *meter, int socket);

/* Packets so far. */
uint64_t socket_meter_read(const struct socket_meter *meter, uint32_t place);
