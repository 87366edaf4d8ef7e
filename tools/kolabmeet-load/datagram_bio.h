/* A BIO that keeps datagrams apart: one write is one datagram sent, one read is one datagram received. */
#pragma once

#include <openssl/bio.h>
#include <stddef.h>
#include <stdint.h>

struct datagram_bio {
    void (*send)(void *context, const uint8_t *data, size_t length);
    void *context;
    const uint8_t *received; /* to be read next, or NULL; borrowed */
    size_t received_bytes;
};

/* Over state, which must outlive it. NULL when out of memory. */
BIO *datagram_bio_new(struct datagram_bio *state);
