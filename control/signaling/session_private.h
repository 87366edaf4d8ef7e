/* What the files of a session share; nobody else looks inside. */
#pragma once

#include "control/address_limits.h"
#include "control/ids.h"
#include "control/signaling/session.h"
#include "control/signaling/session_table.h"
#include "control/signaling/session_timer.h"
#include "proto/wire/engineio.h"

struct peer;

enum session_state {
    SESSION_OPEN,
    SESSION_CLOSING,  /* the websocket's close, or a GET that fetches what is queued, is awaited */
    SESSION_FINISHED, /* removed from the table in the next turn of the event loop */
};

struct session_queued {
    STAILQ_ENTRY(session_queued) link;
    size_t length;
    char packet[];
};

struct session_polling {
    struct session_handle get; /* that hangs, until there is something to answer it with */
    STAILQ_HEAD(, session_queued) queue;
    size_t queue_bytes; /* with their heads, so that many small ones count */
};

struct session {
    TAILQ_ENTRY(session) link; /* the table's */
    const struct session_config *config;
    struct session_table *table;
    char sid[IDS_SID_BYTES];
    enum engineio_protocol protocol;
    struct session_credentials credentials;
    char address[FORWARDED_ADDRESS_BYTES]; /* of its client; counted while not empty */
    enum session_state state;

    bool is_polling;
    struct session_polling polling;
    struct session_handle websocket;     /* the transport, or while is_polling the upgrade to come */
    bool probed;                         /* on that upgrade */
    struct session_timer *upgrade_timer; /* its time is over */
    struct session_timer *noop_timer;    /* a GET that hangs in the way of the upgrade is answered */

    bool awaits_pong;                      /* protocol 4 */
    struct session_timer *heartbeat_timer; /* the next ping, or the time is over for what must come */
    struct session_timer *end_timer;       /* of closing, and to finish outside of what found out */

    struct peer *peer;                   /* while it is connected */
    struct session_timer *connect_timer; /* while there is none */
};

/* session.c */

/* Sends or queues one engine.io packet; nothing once the session is closing. */
void session_send(struct session *session, const char *packet, size_t length);
/* The same, as link.h's report. */
void session_report(struct session *session, const char *packet, size_t length);
void session_receive_packet(struct session *session, const struct engineio_packet *packet);
/* The client is told, after what it was told before. */
void session_close(struct session *session);
/* The client is gone, or has lost its right to be told: what is queued goes out only if a GET hangs. */
void session_abort(struct session *session);
/* The end: the table destroys the session in the next turn of the event loop. */
void session_finish(struct session *session);
/* The same from inside a peer's verbs, where the peer may not be called back: it learns of it in that next
 * turn. */
void session_doom(struct session *session);

/* session_polling.c */

void session_polling_init(struct session_polling *polling, struct session *session);
void session_polling_deinit(struct session_polling *polling);
/* Queues a packet; a session whose client has too much waiting is doomed. */
void session_polling_push(struct session *session, const char *packet, size_t length);
/* Answers the GET that hangs with all that is queued, if there is both. */
void session_polling_flush(struct session *session);
/* The same for a closing session; a GET that finds nothing queued gets the close packet. It comes by itself,
 * since clients forget what came with it. */
void session_polling_end(struct session *session);
void session_polling_send(struct session *session, const char *packet, size_t length);
/* Answers the GET that hangs, if one does, with nothing. */
void session_polling_release(struct session *session);
/* Sends what is queued over the websocket instead. */
void session_polling_move(struct session *session, uint64_t websocket);

/* session_upgrade.c */

void session_upgrade_receive(struct session *session, const char *data, size_t length, bool binary);
/* Closes the websocket of an upgrade that comes to nothing, if there is one. */
void session_upgrade_abandon(struct session *session);
void session_upgrade_on_timeout(void *session);
void session_upgrade_on_noop(void *session);
/* A GET hangs now. */
void session_upgrade_hurry(struct session *session);

/* session_socketio.c */

/* The client's connect packet, or the session's begin in protocol 3. */
void session_socketio_connect(struct session *session);
void session_socketio_receive(struct session *session, const char *data, size_t length);
/* The session ends: its peer gets time to come back. */
void session_socketio_detach(struct session *session);
