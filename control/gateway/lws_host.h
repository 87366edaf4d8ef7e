/* What libwebsockets does for the gateway: TLS, timers, and the calls when a socket can be read or written.
 * Each connection is a raw socket to it; its calls go to connection.h, accept.h and listener_take_commands.
 */
#pragma once

#define LWS_HOST_PROTOCOL "gateway"

struct listener;

/* Makes listener->lws, its one virtual host without a listening socket of its own, and adopts ours: `socket`
 * is taken over. What was made before a failure is the listener's to destroy. 0 or -EIO. */
int lws_host_create(struct listener *listener, int socket);
