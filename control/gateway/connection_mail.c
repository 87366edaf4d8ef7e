#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "control/gateway/connection.h"
#include "control/gateway/listener.h"

int connection_keep_body(struct connection *connection, const void *bytes, size_t length)
{
    struct listener *listener = connection->listener;

    if (listener->held_bytes + length > LISTENER_BUDGET_BYTES)
        return -ENOBUFS;
    int result = buffer_append(&connection->body, bytes, length);
    if (result)
        return result;
    connection->charged_bytes += length;
    listener->held_bytes += length;
    return 0;
}

void connection_drop_body(struct connection *connection)
{
    buffer_deinit(&connection->body);
    connection->listener->held_bytes -= connection->charged_bytes;
    connection->charged_bytes = 0;
}

struct mailbox_event *connection_event(struct connection *connection, enum mailbox_event_kind kind)
{
    struct mailbox_event *event = calloc(1, sizeof(*event));

    if (!event) {
        connection->doomed = true;
        return NULL;
    }
    event->kind = kind;
    event->handle = connection->handle;
    memcpy(event->peer, connection->peer, sizeof(event->peer));
    /* The charge goes along: the listener takes it off when the event comes back. */
    event->body = connection->body.memory; /* nothing is ever consumed from it */
    event->body_bytes = connection->body.length;
    connection->body = (struct buffer){0};
    connection->charged_bytes = 0;
    return event;
}

void connection_post(struct connection *connection, struct mailbox_event *event)
{
    connection_introduce(connection);
    if (event->kind == MAILBOX_MESSAGE) {
        connection->in_flight++;
        connection->in_flight_bytes += event->body_bytes;
    }
    listener_post(connection->listener, event);
}

void connection_abandon(struct connection *connection)
{
    bool http = connection->state == CONNECTION_ANSWER;

    if (!connection->handle || connection->state == CONNECTION_HEAD || connection->state == CONNECTION_BODY)
        return;
    struct mailbox_event *event = connection_event(connection, http ? MAILBOX_GONE : MAILBOX_CLOSED);
    if (event)
        connection_post(connection, event);
    connection->handle = 0;
}
