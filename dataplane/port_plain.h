/* A port for plain RTP: the sockets of single transports, two each, beside those of another port.
 *
 * It stands before that port. What comes from such a socket has an address that names it
 * (shm_plain_protocol), so that the socket, not the sender, says whose packet it is; what is queued for such
 * an address leaves by that socket. A transport is gone for good once it was closed: sockets that come for it
 * later are closed at once. Without any such socket nothing is asked of the kernel. */
#pragma once

#include "dataplane/port.h"

/* transports: as many as there are rows, at most SHM_PLAIN_TRANSPORTS_MAX. below is destroyed together with
 * the new port. */
int port_plain_create(struct port *below, uint32_t transports, struct port **ret_port);

/* From any thread: bound sockets for RTP and for RTCP, which are the port's from then on. -EAGAIN when it has
 * not taken those before; wake the thread of the port after it. */
int port_plain_give(struct port *port, shm_handle transport, const int fds[2]);

/* Closes the sockets of a transport, also those that are still to come. */
void port_plain_close(struct port *port, shm_handle transport);
