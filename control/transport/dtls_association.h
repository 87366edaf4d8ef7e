/* A DTLS 1.2 association that makes SRTP keys (RFC 5764), by OpenSSL.
 *
 * It starts when its role and the peer's fingerprint are known. The peer's certificate is compared with the
 * fingerprint before a key leaves here. A finished association has no use for OpenSSL's state any more, and
 * gives it back (dtls_farewell.h): what is left repeats the last flight to a peer that has not got it, hears
 * alerts and says close_notify. It is not disturbed by anything that does not authenticate: records of the
 * first epoch, so also a new ClientHello, are dropped, and so is application data. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "control/ortc/dtls_parameters.h"
#include "control/transport/dtls_certificate.h"

struct event_base;

#define DTLS_MTU_BYTES 1200
#define DTLS_SRTP_KEY_MAX 44 /* AES-256 key and GCM salt */

enum dtls_srtp_profile {
    DTLS_SRTP_AEAD_AES_128_GCM = 1,
    DTLS_SRTP_AEAD_AES_256_GCM = 2,
    DTLS_SRTP_AES128_CM_SHA1_80 = 3
};

enum dtls_state { DTLS_NEW, DTLS_CONNECTING, DTLS_CONNECTED, DTLS_FAILED, DTLS_CLOSED };

/* Master keys, each followed by its salt. */
struct dtls_srtp_keys {
    enum dtls_srtp_profile profile;
    uint8_t receive[DTLS_SRTP_KEY_MAX];
    uint8_t send[DTLS_SRTP_KEY_MAX];
    size_t bytes; /* of each */
};

struct dtls_handler {
    void (*send)(void *context, const uint8_t *data, size_t length);
    /* The handshake is done and the peer is who was signaled. keys are wiped when this returns. */
    void (*connected)(void *context, const struct dtls_srtp_keys *keys);
    /* To DTLS_FAILED or DTLS_CLOSED. reason is for the log. */
    void (*ended)(void *context, enum dtls_state state, const char *reason);
};

struct dtls_context; /* what all associations of a server share */
struct dtls_association;

int dtls_context_create(const struct dtls_certificate *certificate, struct dtls_context **ret_context);
void dtls_context_destroy(struct dtls_context *context);

/* peer->role auto or server: this side is the client, and sends its ClientHello at once. */
int dtls_association_create(struct dtls_context *dtls, struct event_base *base,
                            const struct dtls_parameters *peer, const struct dtls_handler *handler,
                            void *context, struct dtls_association **ret_association);
/* Sends close_notify when it is connected. */
void dtls_association_destroy(struct dtls_association *association);

enum dtls_state dtls_association_state(const struct dtls_association *association);

/* A datagram from the peer. The caller has seen to it that it came from an address that ICE has validated. */
void dtls_association_receive(struct dtls_association *association, const uint8_t *data, size_t length);
