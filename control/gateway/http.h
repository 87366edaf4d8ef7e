/* The HTTP/1.1 half of a connection: requests to the main thread or the demo's files, answers to the client.
 */
#pragma once

#include "control/gateway/connection.h"

/* Reads on in state HEAD or BODY. True if something was understood, so that it is worth calling again. */
bool http_input(struct connection *connection);

/* The main thread's answer, in state ANSWER. */
void http_answer(struct connection *connection, struct mailbox_command *command);

/* A short answer of the gateway itself, after which the connection ends. */
void http_refuse(struct connection *connection, unsigned status);

/* Answers 400 with a text, as the websocket library of the old server does, and ends the connection. */
void http_refuse_upgrade(struct connection *connection, const char *text);

/* Forgets the request that was answered. */
void http_release(struct connection *connection);
