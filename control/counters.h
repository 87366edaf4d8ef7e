/* What this process has refused, limited or lost since its start, each with a name. Any thread, any time. */
#pragma once

#include <stdint.h>

/* id, name in GET /meetmedia/api/counters */
#define COUNTERS(X)                                                                                          \
    X(ROOMS_REFUSED, "roomsRefused")                /* over MAX_ROOMS */                                     \
    X(PEERS_REFUSED, "peersRefused")                /* over MAX_ROOM_PEERS */                                \
    X(PLACES_EXPIRED, "placesExpired")              /* made by the API, and nobody came */                   \
    X(LOGINS_REFUSED, "loginsRefused")              /* wrong room, peer or token */                          \
    X(CONNECTIONS_REFUSED, "connectionsRefused")    /* over MAX_ADDRESS_CONNECTIONS */                       \
    X(REQUESTS_LIMITED, "requestsLimited")          /* over MAX_ADDRESS_REQUESTS */                          \
    X(REQUESTS_LIMITED_ALL, "requestsLimitedAll")   /* over MAX_REQUESTS */                                  \
    X(REQUESTS_FAILED, "requestsFailed")            /* answered with an error, for any reason */             \
    X(JSON_REFUSED, "jsonRefused")                  /* malformed, or a duplicate key */                      \
    X(JSON_TOO_DEEP, "jsonTooDeep")                 /* over MAX_JSON_DEPTH */                                \
    X(NICKNAMES_REFUSED, "nicknamesRefused")        /* no string, or over MAX_NICKNAME */                    \
    X(CHATS_REFUSED, "chatsRefused")                /* over MAX_CHAT_BYTES */                                \
    X(MESSAGES_TOO_LARGE, "messagesTooLarge")       /* over MAX_MESSAGE_BYTES */                             \
    X(BODIES_TOO_LARGE, "bodiesTooLarge")           /* of HTTP requests, over 5 MB */                        \
    X(CHECKS_REFUSED, "iceChecksRefused")           /* of nobody's, or not authentic */                      \
    X(ICE_TCP_REFUSED, "iceTcpRefused")             /* TCP connections that began with no valid check */     \
    X(PLAIN_PORTS, "plainPortsExhausted")           /* no free port for a plain transport */                 \
    X(ORIGINS_REFUSED, "originsRefused")            /* not in ALLOWED_ORIGINS */                             \
    X(PLAIN_TARGETS_REFUSED, "plainTargetsRefused") /* not in PLAIN_TARGETS */                               \
    X(API_TOKENS_REFUSED, "apiTokensRefused")       /* HTTP requests without the right token */              \
    X(WEBHOOK_DELIVERED, "webhooksDelivered")                                                                \
    X(WEBHOOK_RETRIES, "webhookRetries")                                                                     \
    X(WEBHOOK_LOST, "webhooksLost") /* given up, or dropped from a full queue */

enum counter {
#define X(id, name) COUNTER_##id,
    COUNTERS(X)
#undef X
        COUNTER_COUNT
};

void counters_count(enum counter counter);
uint64_t counters_get(enum counter counter);
const char *counters_name(enum counter counter);
