/* What goes from the server to one client, in order: notifications, and requests that the client must answer.
 *
 * While the client is away (at most some seconds, then its peer is closed) everything waits, and is sent when
 * it is back; so do requests that were not answered before it went. A request that is not answered in time is
 * repeated with the same content; after the last try it has failed. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "control/room/event.h"
#include "control/room/link.h"

struct event_base;

#define OUTBOX_WAITING_BYTES_MAX (1u << 20) /* of notifications kept for a client that is away */

/* answered: the client acknowledged it without an error. Not called for what was cancelled. The request is
 * gone when this returns; the outbox may be used in it. */
typedef void (*outbox_done_fn)(void *context, bool answered);

struct outbox_config {
    struct event_base *base;
    uint64_t *next_answer_id; /* one counter for all clients */
    unsigned timeout_ms;
    unsigned tries;
};

struct outbox_entry;

struct outbox {
    struct outbox_config config;
    struct link link;
    bool closed;
    TAILQ_HEAD(, outbox_entry) waiting;    /* not sent yet, the client is away */
    TAILQ_HEAD(, outbox_entry) unanswered; /* sent, oldest first */
    size_t waiting_bytes;
};

void outbox_init(struct outbox *outbox, const struct outbox_config *config);
/* Forgets everything; no callback comes. */
void outbox_deinit(struct outbox *outbox);

bool outbox_is_attached(const struct outbox *outbox);
/* From now on events go to link; first_event, then what waited. */
void outbox_attach(struct outbox *outbox, const struct link *link, const struct event_text *first_event);
void outbox_detach(struct outbox *outbox);
/* The client never comes back: notifications are thrown away from now on. */
void outbox_close(struct outbox *outbox);

void outbox_notify(struct outbox *outbox, const struct event_text *event);
/* The same for news that may wait a little, see link.h. */
void outbox_report(struct outbox *outbox, const struct event_text *event);

/* Takes over event. -ENOMEM. *ret_request is valid until done is called or it is cancelled. */
int outbox_request(struct outbox *outbox, struct event_text *event, outbox_done_fn done, void *context,
                   struct outbox_entry **ret_request);
/* True if the client may have seen the request. */
bool outbox_cancel(struct outbox *outbox, struct outbox_entry *request);

/* The client's acknowledgement of answer_id. Of all times it was sent; unknown ids are ignored. */
void outbox_answer(struct outbox *outbox, uint64_t answer_id, bool failed);
