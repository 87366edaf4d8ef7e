/* The gateway: one thread that speaks HTTP/1.1, websocket and TLS on one port, beside the main thread's
 * libevent loop.
 *
 * The gateway only moves bytes: it knows no JSON and no rooms. Requests and messages are handed to the main
 * thread through a queue; every callback of struct gateway_handler runs there, from the event base given to
 * gateway_create. Every function below is called on that thread too.
 *
 * A request or a websocket is named by a 64-bit handle (slot + generation, never 0). Using the handle of
 * something that has gone is harmless. Answers of one connection go out in the order of its requests; the
 * next pipelined request is delivered after the one before it was answered. Nothing that is given to a
 * callback outlives it; nothing that is given to a function below is kept (all is copied).
 *
 * Bounded everywhere: connections, header bytes, body bytes, message bytes, queued output of a websocket, and
 * the bytes that a connection may have waiting for the main thread (its socket is not read meanwhile). What a
 * callback sends to many websockets in a row waits for all of them in one copy. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct event_base;
struct networks;
struct gateway;

#define GATEWAY_ERROR_MAX 256

struct gateway_config {
    const char *host;      /* numeric address; "0.0.0.0" or "::" for all */
    uint16_t port;         /* 0: any free one, see gateway_port */
    const char *cert_path; /* PEM, chain allowed; NULL: plain HTTP */
    const char *key_path;  /* PEM; NULL with cert_path */
    const char *ws_path; /* websockets are accepted at this path and below it, e.g. "/meetmedia/signaling" */
    const char *demo_root; /* folder served at /demo/, or NULL */

    const struct networks *trust; /* whose X-Forwarded-For counts; kept; NULL: nobody's */

    size_t max_body_bytes;
    size_t max_ws_message_bytes;
    size_t max_ws_queue_bytes; /* output queued for one websocket; a reader that falls behind is dropped */
    unsigned max_connections;  /* beyond them the oldest without a whole request makes room */
    unsigned max_address_connections; /* from one address that is not trusted; 0: no limit, as below */
    unsigned max_connection_rate;     /* new ones a second */
    unsigned max_address_connection_rate;
    unsigned header_timeout_s; /* from the first byte of a request to the end of its header */
    unsigned idle_timeout_s;   /* keep-alive without a request */
};

/* Defaults of every limit: 5 MiB body, 1,000,000 byte messages, 4 MB queue, 4096 connections, 10 s, 5 s;
 * ws_path
 * "/meetmedia/signaling"; the rest zero. */
void gateway_config_init(struct gateway_config *config);

struct gateway_http_request {
    uint64_t id;
    const char *method; /* as sent, one of node's: GET, HEAD, POST, PUT, DELETE, OPTIONS, PATCH, … */
    const char
        *path; /* before any '?', percent-encoding and case as sent; of absolute-form the path; "*" as such */
    const char *query; /* after the first '?', "" without one */
    const char *peer;  /* numeric address of the client, or what trusted proxies say of it */

    /* NULL where the request has none. */
    const char *auth_token; /* X-Auth-Token */
    const char *content_type;
    const char *content_encoding;
    const char *accept_encoding;
    const char *if_none_match;
    const char *host;
    const char *origin;

    bool has_body; /* Content-Length or Transfer-Encoding was sent */
    bool content_length_known;
    uint64_t content_length; /* as announced; 0 if not known */
    bool too_large;          /* the body was over max_body_bytes: read and thrown away */
    const uint8_t *body;     /* complete, chunks decoded; followed by a NUL that is not counted */
    size_t body_bytes;
};

struct gateway_header {
    const char *name;
    const char *value; /* no CR, LF or NUL: such a header is left out */
};

struct gateway_handler {
    /* Answer it, now or later, with gateway_http_respond. */
    void (*on_http_request)(void *context, const struct gateway_http_request *request);

    /* The client went away before the answer (a long poll). May be NULL. */
    void (*on_http_gone)(void *context, uint64_t id);

    /* A websocket handshake at ws_path, before its 101: NULL accepts it; a text refuses it with 400,
     * `Connection: close` and that text as body, as engine.io does for an unknown transport or sid. May be
     * NULL: all accepted. */
    const char *(*on_ws_upgrade)(void *context, const struct gateway_http_request *request);

    void (*on_ws_open)(void *context, uint64_t ws, const char *path, const char *query, const char *peer);

    /* One whole message, fragments put together; text is valid UTF-8. A NUL that is not counted follows. */
    void (*on_ws_message)(void *context, uint64_t ws, const uint8_t *data, size_t length, bool binary);

    /* Exactly once for each on_ws_open, except for what is still open at gateway_destroy. */
    void (*on_ws_close)(void *context, uint64_t ws);
};

/* Binds the port, loads the certificate and starts the thread. The handler is copied. On failure returns a
 * negative errno (-EADDRINUSE, -EACCES, -ENOENT, -EINVAL for a broken or mismatching pair of certificate and
 * key, …), leaves *ret untouched and writes one line without a line end to `error`. */
int gateway_create(const struct gateway_config *config, struct event_base *base,
                   const struct gateway_handler *handler, void *context, struct gateway **ret, char *error,
                   size_t size);

/* Closes every connection, joins the thread and frees everything. No callback comes during or after it. */
void gateway_destroy(struct gateway *gateway);

/* Reads certificate and key from their files again, for the connections to come; those that are open keep
 * theirs. On failure (errors as gateway_create, -ENOTSUP without TLS) everything stays as it was. */
int gateway_reload_certificate(struct gateway *gateway, char *error, size_t size);

/* The port that is listened on. */
uint16_t gateway_port(const struct gateway *gateway);

/* Answers a request. The gateway adds Strict-Transport-Security, Content-Length, Date, Connection and
 * Keep-Alive, and leaves the body out for HEAD, 204 and 304. `content_type` may be NULL. `body` may be NULL
 * if length is 0. */
void gateway_http_respond(struct gateway *gateway, uint64_t id, unsigned status, const char *content_type,
                          const struct gateway_header *headers, size_t header_count, const void *body,
                          size_t length);

/* Queues a message. A websocket whose queue would pass max_ws_queue_bytes is dropped (on_ws_close follows).
 */
void gateway_ws_send(struct gateway *gateway, uint64_t ws, const char *text, size_t length);
void gateway_ws_send_binary(struct gateway *gateway, uint64_t ws, const void *data, size_t length);

/* Queues a text message that is one of many: a websocket gets them at once, but not more often than every
 * GATEWAY_REPORT_MS. Meanwhile they wait for that, or for the next other message, before which they go. */
#define GATEWAY_REPORT_MS 100
void gateway_ws_report(struct gateway *gateway, uint64_t ws, const char *text, size_t length);

/* Sends what is queued, then a close frame with `code`, or an empty one if code is 0 (which the other side
 * sees as 1005). The peer's answer is awaited for a short while. on_ws_close follows. */
void gateway_ws_close(struct gateway *gateway, uint64_t ws, uint16_t code);

struct gateway_counters {
    uint64_t connections; /* accepted since the start */
    uint64_t connections_now;
    uint64_t refused;      /* over max_connections */
    uint64_t cut;          /* to make room for others, before their first whole request had come */
    uint64_t bad_requests; /* answered 400 or the like by the gateway itself */
    uint64_t timeouts;     /* header, body or keep-alive timeout */
    uint64_t ws_protocol_errors;
    uint64_t ws_slow_readers; /* dropped for their queue */
};

void gateway_counters(const struct gateway *gateway, struct gateway_counters *ret);
