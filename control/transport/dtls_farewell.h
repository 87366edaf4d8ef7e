/* What is left of a DTLS association when it has made its keys, in place of OpenSSL's own state, which takes
 * some 70 KB: the keys of the peer's records, so that its alerts are heard and its handshake messages
 * recognised; and what is sent then, made beforehand.
 *
 * Nothing is believed but records of DTLS 1.2 that authenticate (RFC 5246 section 6.2.3.3, RFC 5288, RFC
 * 7905; RFC 6347 section 4.1) and are newer than any heard before. */
#pragma once

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DTLS_FAREWELL_BYTES 128

/* The newest datagrams that went out: what does not fit beside older ones takes their place. (A timeout of
 * OpenSSL's can repeat an earlier, longer flight at the same time as the last one goes out.) */
struct dtls_flight {
    uint8_t data[DTLS_FAREWELL_BYTES];
    uint8_t ends[4]; /* where each ends in data */
    uint8_t count;
    bool is_whole; /* the newest fits */
};

struct dtls_farewell {
    uint8_t key[32];
    uint8_t iv[12];
    int cipher;      /* OpenSSL's NID */
    uint64_t newest; /* epoch << 48 | sequence number */
};

enum dtls_heard {
    DTLS_HEARD_NOTHING,
    DTLS_HEARD_HANDSHAKE, /* a message sent again: our last flight was lost */
    DTLS_HEARD_END        /* close_notify, or a fatal alert */
};

/* Of a finished association. -ENOTSUP for a cipher that is none of the AEADs of DTLS 1.2. */
int dtls_farewell_make(SSL *ssl, struct dtls_farewell *ret_farewell);

/* A datagram of the peer. */
enum dtls_heard dtls_farewell_hear(struct dtls_farewell *farewell, const uint8_t *data, size_t length);

void dtls_flight_begin(struct dtls_flight *flight);
void dtls_flight_add(struct dtls_flight *flight, const uint8_t *data, size_t length);
void dtls_flight_send(const struct dtls_flight *flight,
                      void (*send)(void *context, const uint8_t *data, size_t length), void *context);
