#include "control/gateway/connection.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "control/gateway/http.h"
#include "control/gateway/listener.h"
#include "control/gateway/ws.h"

#define MAX_WAITING_INPUT_BYTES 65536
#define MAX_WAITING_OUTPUT_BYTES 262144 /* further pipelined requests wait while more is queued */
#define MAX_COLLECTED_BYTES 65536       /* of commands before they are written */
#define MAX_IN_FLIGHT 64
#define MAX_IN_FLIGHT_BYTES 1000000
#define MAX_STALLED_TICKS 6
#define MAX_BODY_TICKS 30
#define LINGER_S 2

void connection_push(struct connection *connection, struct output_block *block)
{
    if (!block) {
        connection->doomed = true;
        return;
    }
    output_push(&connection->output, block);
}

void connection_push_bytes(struct connection *connection, const void *bytes, size_t length)
{
    struct output_block *block = output_block_create(length);

    if (block)
        memcpy(block->data, bytes, length);
    connection_push(connection, block);
}

void connection_finish(struct connection *connection)
{
    if (connection->state == CONNECTION_LINGER)
        return;
    connection_drop_body(connection);
    connection_abandon(connection);
    connection->handle = 0;
    connection->state = CONNECTION_LINGER;
    buffer_deinit(&connection->input);
    connection->stalled_ticks = 0;
    connection_arm(connection, LINGER_S);
}

static void shut(struct connection *connection)
{
    SSL *ssl = lws_get_ssl(connection->wsi);

    connection->shut = true;
    if (ssl)
        SSL_shutdown(ssl);
    shutdown(lws_get_socket_fd(connection->wsi), SHUT_WR);
}

static void flush(struct connection *connection)
{
    size_t before = connection->output.bytes;

    if (connection->doomed || connection->shut)
        return;
    int result =
        output_flush(&connection->output, lws_get_socket_fd(connection->wsi), lws_get_ssl(connection->wsi));
    if (connection->output.bytes != before) {
        connection->output_moved = true;
        connection->stalled_ticks = 0;
    }
    if (result == -EAGAIN)
        lws_callback_on_writable(connection->wsi);
    else if (result)
        connection->doomed = true;
    else if (connection->state == CONNECTION_LINGER)
        shut(connection);
}

/* True while input must wait: for the main thread, or for the peer to take what it has asked for. */
static bool must_wait(const struct connection *connection)
{
    switch (connection->state) {
    case CONNECTION_ANSWER:
    case CONNECTION_UPGRADE:
        return true;
    case CONNECTION_HEAD:
        return connection->output.bytes > MAX_WAITING_OUTPUT_BYTES;
    case CONNECTION_WEBSOCKET:
        return connection->in_flight >= MAX_IN_FLIGHT || connection->in_flight_bytes >= MAX_IN_FLIGHT_BYTES;
    case CONNECTION_BODY:
    case CONNECTION_CLOSING:
    case CONNECTION_LINGER:
        break;
    }
    return false;
}

static bool input_step(struct connection *connection)
{
    switch (connection->state) {
    case CONNECTION_HEAD:
    case CONNECTION_BODY:
        return http_input(connection);
    case CONNECTION_WEBSOCKET:
    case CONNECTION_CLOSING:
        return ws_input(connection);
    case CONNECTION_LINGER:
        buffer_deinit(&connection->input);
        return false;
    case CONNECTION_ANSWER:
    case CONNECTION_UPGRADE:
        break;
    }
    return false;
}

/* Understands what has come, writes what is due, and sets whether more is wanted. */
static void run(struct connection *connection)
{
    bool again;

    do {
        while (!connection->doomed && !must_wait(connection) && input_step(connection))
            ;
        bool waited_for_output = connection->state == CONNECTION_HEAD && must_wait(connection);
        flush(connection);
        again = waited_for_output && !must_wait(connection);
    } while (again && !connection->doomed);

    bool reading = connection->input.length < MAX_WAITING_INPUT_BYTES;
    if (!connection->doomed && reading != connection->reading) {
        connection->reading = reading;
        lws_rx_flow_control(connection->wsi, reading);
    }
}

void connection_received(struct connection *connection, const void *bytes, size_t length)
{
    if (!connection->heard) {
        /* libwebsockets still has its timer of the TLS handshake running. */
        lws_set_timeout(connection->wsi, NO_PENDING_TIMEOUT, 0);
        connection->heard = true;
    }
    connection->input_moved = true;
    if (connection->state == CONNECTION_LINGER)
        return;
    if (connection->state == CONNECTION_HEAD && connection->input.length == 0)
        connection_arm(connection, connection->listener->config.header_timeout_s);
    if (buffer_append(&connection->input, bytes, length))
        connection->doomed = true;
    run(connection);
}

void connection_writable(struct connection *connection)
{
    run(connection);
}

static void on_timer(lws_sorted_usec_list_t *timer)
{
    struct connection *connection = lws_container_of(timer, struct connection, timer);
    bool output_moves = connection->output.bytes > 0 &&
                        (connection->output_moved || ++connection->stalled_ticks < MAX_STALLED_TICKS);
    bool body_moves = connection->state == CONNECTION_BODY && connection->input_moved &&
                      ++connection->body_ticks < MAX_BODY_TICKS;
    bool in_request = connection->state == CONNECTION_BODY || connection->state == CONNECTION_HEAD;

    if (!connection->shut && (output_moves || body_moves)) {
        connection_arm(connection, connection->timer_s);
        return;
    }
    if (in_request)
        atomic_fetch_add(&connection->listener->counters.timeouts, 1);
    if (!in_request || connection->output.bytes > 0)
        connection->doomed = true;
    else if (connection->state == CONNECTION_BODY || connection->input.length > 0)
        http_refuse(connection, 408);
    else
        connection_finish(connection);
    run(connection);
    listener_bury(connection);
}

void connection_arm(struct connection *connection, unsigned seconds)
{
    connection->input_moved = false;
    connection->output_moved = false;
    connection->timer_s = seconds;
    lws_sul_schedule(connection->listener->lws, 0, &connection->timer, on_timer,
                     (lws_usec_t)seconds * LWS_USEC_PER_SEC);
}

void connection_disarm(struct connection *connection)
{
    lws_sul_schedule(connection->listener->lws, 0, &connection->timer, NULL, LWS_SET_TIMER_USEC_CANCEL);
}

void connection_command(struct connection *connection, struct mailbox_command *command)
{
    switch (command->kind) {
    case MAILBOX_ANSWER:
        if (connection->state == CONNECTION_ANSWER)
            http_answer(connection, command);
        break;
    case MAILBOX_ACCEPT:
        if (connection->state == CONNECTION_UPGRADE)
            ws_accept(connection);
        break;
    case MAILBOX_REFUSE:
        if (connection->state == CONNECTION_UPGRADE)
            http_refuse_upgrade(connection, command->fields);
        break;
    case MAILBOX_SEND:
    case MAILBOX_REPORT:
        if (connection->state == CONNECTION_WEBSOCKET) {
            ws_send(connection, command->body);
            command->body = NULL;
        }
        break;
    case MAILBOX_CLOSE:
        if (connection->state == CONNECTION_WEBSOCKET)
            ws_close(connection, command->code);
        break;
    case MAILBOX_CERTIFICATE:
        break;
    }
    if (connection->output.bytes > MAX_COLLECTED_BYTES)
        flush(connection);
}

void connection_credit(struct connection *connection, size_t bytes)
{
    connection->in_flight--;
    connection->in_flight_bytes -= bytes;
    run(connection);
}
