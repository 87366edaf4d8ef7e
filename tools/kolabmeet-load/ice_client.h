/* ICE (RFC 8445) as a browser does it with an ICE-lite server: the controlling side checks the one pair there
 * is and nominates it with every check; then it keeps consent fresh (RFC 7675). */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/wire/stun.h"
#include "tools/kolabmeet-load/loop.h"

#define ICE_UFRAG_MAX 256
#define ICE_PASSWORD_MAX 256

struct ice_client_handler {
    void (*send)(void *context, const uint8_t *data, size_t length);
    void (*connected)(void *context);                  /* once */
    void (*failed)(void *context, const char *reason); /* no answer, or consent ran out */
};

struct ice_client {
    struct loop *loop;
    struct ice_client_handler handler;
    void *context;
    struct schedule_entry timer;
    char username[2 * ICE_UFRAG_MAX];
    char password[ICE_PASSWORD_MAX]; /* of the server */
    uint64_t tiebreaker;
    uint8_t transaction_id[STUN_TRANSACTION_ID_BYTES];
    uint64_t interval_ns;
    uint64_t last_answer_ns; /* or the start */
    bool is_answered;        /* the present transaction is */
    bool is_connected;
};

/* Begins to check. -EINVAL: ufrag or password too long. */
int ice_client_start(struct ice_client *ice, struct loop *loop, const char *remote_ufrag,
                     const char *remote_password, const struct ice_client_handler *handler, void *context);
void ice_client_stop(struct ice_client *ice);

/* A STUN datagram of the server. What is not its authentic answer is ignored. */
void ice_client_receive(struct ice_client *ice, const uint8_t *data, size_t length);
