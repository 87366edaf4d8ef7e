/* The gateway thread: libwebsockets' TLS and timers in a loop of libev (lws_host.h), the listening socket
 * (accept.h), and the table of connections.
 *
 * libwebsockets' own HTTP and websocket parsers (4.1.6) are not used: they decode and normalise the path
 * before anybody sees it, know neither chunked bodies nor Expect, close on garbage without an answer, and
 * accept unmasked frames. So a connection is a raw socket to libwebsockets, and the protocols are http.c and
 * ws.c over codecs that are fuzzed. */
#pragma once

#include <stdatomic.h>

#include "control/address_limits.h"
#include "control/gateway/certificate.h"
#include "control/gateway/connection.h"
#include "control/gateway/gateway.h"
#include "control/gateway/mailbox.h"

/* What all connections together may hold of bodies and messages that are not dealt with. */
#define LISTENER_BUDGET_BYTES ((size_t)256 << 20)

#define LISTENER_MAX_CONNECTIONS 65000 /* a slot has 16 bits, see connection_new_handle */

struct listener_counters {
    _Atomic uint64_t connections;
    _Atomic uint64_t connections_now;
    _Atomic uint64_t refused;
    _Atomic uint64_t cut;
    _Atomic uint64_t bad_requests;
    _Atomic uint64_t timeouts;
    _Atomic uint64_t ws_protocol_errors;
    _Atomic uint64_t ws_slow_readers;
};

struct loop;

struct listener {
    struct gateway_config config; /* with strings of its own */
    struct loop *loop;            /* NULL: libwebsockets' own */
    struct lws_context *lws;
    struct lws_vhost *vhost;
    struct certificate *certificate; /* of the handshakes to come; NULL without TLS */
    struct lws *socket;
    lws_sorted_usec_list_t pause; /* of accepting, while descriptors are short */
    uint16_t port;
    struct mailbox mailbox;
    int event_fd; /* readable while the main thread has events to take */
    pthread_t thread;
    TAILQ_HEAD(, connection) strangers; /* the oldest first */
    TAILQ_HEAD(, connection) held;      /* with reports that wait, until `reports` */
    lws_sorted_usec_list_t reports;
    struct connection **slots; /* max_connections, and some for those that are being cut */
    unsigned slot_count;
    unsigned first_free; /* where to look for a free slot */
    uint64_t generation;
    size_t held_bytes; /* of LISTENER_BUDGET_BYTES */
    struct listener_counters counters;
    struct address_limits *limits;
};

/* Binds, loads the certificate, starts the thread. Errors as gateway_create. */
int listener_create(const struct gateway_config *config, struct listener **ret, char *error, size_t size);

/* Stops the thread and closes everything. NULL is fine. */
void listener_destroy(struct listener *listener);

/* Makes the thread look into its mailbox; called on the main thread. */
void listener_wake(struct listener *listener);

/* Gateway thread: carries out what the main thread has posted. */
void listener_take_commands(struct listener *listener);

/* Gateway thread: posts to the main thread and wakes it. */
void listener_post(struct listener *listener, struct mailbox_event *event);

/* Gateway thread: closes a connection if it is doomed; not to be called from its own socket's callback. */
void listener_bury(struct connection *connection);
