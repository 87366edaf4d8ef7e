/* What passes between the main thread and the gateway thread: events one way, commands the other, and events
 * that were dealt with back again, so that the gateway thread knows how much of each connection is still
 * waiting.
 *
 * Items are allocated by the one who posts and freed by the one who takes (mailbox_event_free,
 * mailbox_command_free). Posting returns true if the list was empty before: then, and only then, the other
 * side has to be woken. */
#pragma once

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "control/gateway/certificate.h"
#include "control/gateway/forwarded.h"
#include "control/gateway/gateway.h"
#include "control/gateway/output.h"

enum mailbox_event_kind {
    MAILBOX_REQUEST, /* request */
    MAILBOX_GONE,
    MAILBOX_UPGRADE, /* request: path, query and peer */
    MAILBOX_MESSAGE, /* body, body_bytes, binary */
    MAILBOX_CLOSED,
};

struct mailbox_event {
    struct mailbox_event *next;
    enum mailbox_event_kind kind;
    uint64_t handle;
    struct gateway_http_request request; /* points into head, peer and body */
    char *head;
    char peer[FORWARDED_ADDRESS_BYTES];
    uint8_t *body;
    size_t body_bytes;
    bool binary;
};

enum mailbox_command_kind {
    MAILBOX_ANSWER,      /* status, content_type, fields, body */
    MAILBOX_ACCEPT,      /* the websocket handshake */
    MAILBOX_REFUSE,      /* it: body is the whole answer */
    MAILBOX_SEND,        /* body is a whole frame */
    MAILBOX_REPORT,      /* the same, and it may wait, see gateway_ws_report */
    MAILBOX_CLOSE,       /* code */
    MAILBOX_CERTIFICATE, /* certificate; of the listener, without a handle */
};

struct mailbox_command {
    struct mailbox_command *next;
    enum mailbox_command_kind kind;
    uint64_t handle;
    unsigned status;
    uint16_t code;
    char *content_type;
    char *fields;
    struct output_block *body;       /* may be NULL */
    struct certificate *certificate; /* may be NULL */
};

struct mailbox_events {
    struct mailbox_event *first;
    struct mailbox_event *last;
};

struct mailbox_commands {
    struct mailbox_command *first;
    struct mailbox_command *last;
    size_t count;
};

struct mailbox {
    pthread_mutex_t mutex;
    struct mailbox_events events;
    struct mailbox_events done;
    struct mailbox_commands commands;
    bool stopping;
};

void mailbox_init(struct mailbox *mailbox);

/* Frees everything that is still in it. */
void mailbox_deinit(struct mailbox *mailbox);

/* Gateway thread. */
bool mailbox_post_event(struct mailbox *mailbox, struct mailbox_event *event);
void mailbox_take_commands(struct mailbox *mailbox, struct mailbox_commands *ret_commands,
                           struct mailbox_events *ret_done, bool *ret_stopping);

/* Main thread. */
bool mailbox_post_command(struct mailbox *mailbox, struct mailbox_command *command);
bool mailbox_post_commands(struct mailbox *mailbox, const struct mailbox_commands *commands);
bool mailbox_post_done(struct mailbox *mailbox, struct mailbox_events *done);
void mailbox_stop(struct mailbox *mailbox);
struct mailbox_event *mailbox_take_events(struct mailbox *mailbox);

/* For who collects commands before posting them together. */
void mailbox_append_command(struct mailbox_commands *commands, struct mailbox_command *command);

void mailbox_event_free(struct mailbox_event *event);
void mailbox_command_free(struct mailbox_command *command);
