/* The websocket half of a connection (RFC 6455): handshake, frames to messages and back, the close. No
 * extensions and no subprotocols are negotiated. */
#pragma once

#include "control/gateway/connection.h"

/* A request that wants to become a websocket, in state HEAD: to the main thread, or refused. */
void ws_upgrade(struct connection *connection);

/* The main thread's word on it, in state UPGRADE. */
void ws_accept(struct connection *connection);

/* Reads on in state WEBSOCKET or CLOSING. True if something was understood. */
bool ws_input(struct connection *connection);

/* Queues a whole frame, which is taken over; drops the connection if its queue is full. */
void ws_send(struct connection *connection, struct output_block *frame);

/* Queues a close frame and waits for the peer's. */
void ws_close(struct connection *connection, uint16_t code);
