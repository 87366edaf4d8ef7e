/* The ports of plain RTP: pairs of UDP sockets, RTP on an even port and RTCP on the next one (RFC 3550
 * section 11), out of a range. A pair that was given back is not taken again before all others were tried. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct plain_ports;

/* ip is kept. Without a whole pair in the range every open will fail. -ENOMEM. */
int plain_ports_create(const char *ip, uint16_t first, uint16_t last, struct plain_ports **ret_ports);
void plain_ports_destroy(struct plain_ports *ports);

/* Two bound sockets, the caller's, and the port of the first. -EADDRNOTAVAIL when no pair is free, else the
 * errno of the system call. */
int plain_ports_open(struct plain_ports *ports, int ret_fds[2], uint16_t *ret_port);
/* Whether the port is one of a pair, open or not. */
bool plain_ports_covers(const struct plain_ports *ports, uint16_t port);
/* Whether the port is one of an open pair. */
bool plain_ports_has(const struct plain_ports *ports, uint16_t port);
/* The sockets were closed, or will be. */
void plain_ports_release(struct plain_ports *ports, uint16_t port);
