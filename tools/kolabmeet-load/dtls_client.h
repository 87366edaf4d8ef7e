/* One end of a DTLS 1.2 association that makes SRTP keys (RFC 5764), in either role, with one certificate for
 * all participants. The peer's certificate is not looked at: what is measured is not who it is. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dataplane/srtp.h"
#include "tools/kolabmeet-load/loop.h"

#define DTLS_FINGERPRINT_TEXT_BYTES 96 /* of SHA-256, pairs of digits by colons */

/* What all associations share. */
struct dtls_identity;

/* profile: the only one offered. -EIO when OpenSSL will not. */
int dtls_identity_create(enum srtp_profile profile, struct dtls_identity **ret_identity);
void dtls_identity_destroy(struct dtls_identity *identity);

/* As signaled (RFC 8122): upper case. */
const char *dtls_identity_sha256(const struct dtls_identity *identity);

struct dtls_keys {
    enum srtp_profile profile;
    uint8_t receive[SRTP_KEY_MAX];
    uint8_t send[SRTP_KEY_MAX];
};

struct dtls_client_handler {
    void (*send)(void *context, const uint8_t *data, size_t length);
    void (*connected)(void *context, const struct dtls_keys *keys);
    void (*ended)(void *context, const char *reason);
};

struct dtls_client;

/* As the client it sends its ClientHello at once, as the server it waits for one. */
int dtls_client_create(const struct dtls_identity *identity, struct loop *loop, bool is_server,
                       const struct dtls_client_handler *handler, void *context,
                       struct dtls_client **ret_client);
/* Says goodbye when connected. Not in a handler. */
void dtls_client_destroy(struct dtls_client *client);

void dtls_client_receive(struct dtls_client *client, const uint8_t *data, size_t length);
