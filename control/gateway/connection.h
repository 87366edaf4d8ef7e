/* One TCP or TLS connection on the gateway thread: bytes in, HTTP requests and then perhaps websocket
 * messages to the main thread, answers and frames out.
 *
 *   HEAD ─ BODY ─ ANSWER ─ HEAD …                     requests, one at a time; more of them wait in `input`
 *   HEAD ─ UPGRADE ─ WEBSOCKET ─ CLOSING ─ LINGER
 *   any  ─ LINGER                                     write what is queued, shut down, swallow input until
 *                                                     the peer's FIN
 *
 * connection_life.c has its begin and end and its place in the listener's lists, connection.c moves the bytes
 * and keeps the timers, connection_mail.c has what it says to the main thread; http.c and ws.c hold what the
 * two protocols do with the bytes. All of it runs on the gateway thread. Whoever finds the connection broken
 * sets `doomed`; the listener then closes it. */
#pragma once

#include <libwebsockets.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "control/gateway/buffer.h"
#include "control/gateway/chunked.h"
#include "control/gateway/http_head.h"
#include "control/gateway/mailbox.h"
#include "control/gateway/output.h"
#include "control/gateway/websocket.h"

struct listener;

enum connection_state {
    CONNECTION_HEAD,
    CONNECTION_BODY,
    CONNECTION_ANSWER,  /* the main thread has the request */
    CONNECTION_UPGRADE, /* the main thread has the websocket handshake */
    CONNECTION_WEBSOCKET,
    CONNECTION_CLOSING, /* our close frame is sent, the peer's is awaited */
    CONNECTION_LINGER,
};

struct connection {
    struct listener *listener;
    struct lws *wsi;
    uint64_t handle; /* of the request or websocket under way, or 0 */
    enum connection_state state;
    unsigned slot;
    char peer[FORWARDED_ADDRESS_BYTES]; /* of the socket, be it a proxy or not */

    struct buffer input; /* not yet understood */
    struct output output;

    lws_sorted_usec_list_t timer; /* lws_set_timer_usecs can not be cancelled in 4.1.6 */
    unsigned timer_s;
    unsigned stalled_ticks; /* of a peer that does not read */
    unsigned body_ticks;    /* of a body that comes slowly */

    /* Until it has brought its first whole request it may have to make room for another. */
    bool is_stranger;
    TAILQ_ENTRY(connection) stranger_link;

    /* Has reports that wait. */
    bool is_held;
    lws_usec_t reported_at_us; /* when it last got some, */
    lws_usec_t burst_at_us;    /* and when the first of them did not wait */
    TAILQ_ENTRY(connection) held_link;

    bool doomed;
    bool due; /* in the listener's list of connections that have had commands */
    struct connection *next_due;
    bool reading;      /* the socket is polled for input */
    bool shut;         /* our side of the connection is shut down */
    bool heard;        /* the first bytes have come */
    bool input_moved;  /* since the timer was last armed */
    bool output_moved; /* since then */

    /* HTTP */
    bool too_large;
    bool close_after_answer;
    size_t scanned; /* of a head whose end has not come */
    char *head_bytes;
    struct http_head head;
    struct chunked chunked;
    struct buffer body;   /* of the request, or the message so far */
    size_t charged_bytes; /* what `body` takes of the listener's budget */
    uint64_t body_left;
    uint64_t discarded_bytes;

    /* Websocket */
    char ws_accept[WEBSOCKET_ACCEPT_CHARS + 1];
    bool in_frame;
    uint8_t message_opcode; /* of the message under way, or 0 */
    unsigned in_flight;     /* messages that the main thread has not dealt with */
    struct websocket_header frame;
    uint64_t frame_bytes; /* of the frame's payload so far */
    size_t in_flight_bytes;
};

/* For the listener. */

/* NULL if there is no memory or no slot. */
struct connection *connection_create(struct listener *listener, struct lws *wsi);

/* Tells the main thread if it is waiting for something from this connection. NULL is fine. */
void connection_destroy(struct connection *connection);

/* Ends it as if the peer had gone, and at once: for a stranger whose place is needed. */
void connection_cut(struct connection *connection);

/* It has brought a whole request: a stranger no more. */
void connection_introduce(struct connection *connection);

/* A report has been queued: whether it is to wait. Then connection_release has to follow, and
 * connection_writable. */
bool connection_hold(struct connection *connection);
/* Waits no longer; without effect if it does not. */
void connection_release(struct connection *connection);

void connection_received(struct connection *connection, const void *bytes, size_t length);
void connection_writable(struct connection *connection);

/* Carries out a command whose handle is this connection's; takes what it needs out of it. What it queues is
 * written by the connection_writable that has to follow, after one command or many. */
void connection_command(struct connection *connection, struct mailbox_command *command);

/* The main thread has dealt with a message. */
void connection_credit(struct connection *connection, size_t bytes);

/* For http.c and ws.c. */

void connection_arm(struct connection *connection, unsigned seconds);
void connection_disarm(struct connection *connection);
uint64_t connection_new_handle(struct connection *connection);

/* Queues bytes; no memory dooms the connection. The block is taken over and may be NULL after a failed
 * allocation. */
void connection_push(struct connection *connection, struct output_block *block);
void connection_push_bytes(struct connection *connection, const void *bytes, size_t length);

/* Appends to `body` within the listener's budget: -ENOBUFS over it. */
int connection_keep_body(struct connection *connection, const void *bytes, size_t length);

/* Empties `body` and returns its bytes to the budget. */
void connection_drop_body(struct connection *connection);

/* An event about this connection that takes `body` along, or NULL (then the connection is doomed). */
struct mailbox_event *connection_event(struct connection *connection, enum mailbox_event_kind kind);
void connection_post(struct connection *connection, struct mailbox_event *event);

/* Tells the main thread that what it has a handle of is gone. */
void connection_abandon(struct connection *connection);

/* Enters LINGER. */
void connection_finish(struct connection *connection);
