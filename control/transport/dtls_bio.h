/* A BIO that keeps datagrams apart: one write is one datagram sent, one read is one datagram received. */
#pragma once

#include <openssl/bio.h>
#include <stddef.h>
#include <stdint.h>

struct dtls_bio {
    /* Called with each datagram that OpenSSL writes. */
    void (*send)(void *context, const uint8_t *data, size_t length);
    void *context;
    /* The datagram to be read next, or NULL. Borrowed. */
    const uint8_t *received;
    size_t received_length;
};

/* A BIO over state, which must outlive it. NULL when out of memory. */
BIO *dtls_bio_new(struct dtls_bio *state);
