/* The bytes that wait to be written to one socket, in the blocks they were made in, so that nothing is copied
 * on its way out. Written straight to the socket or the TLS session: libwebsockets' own queue of partial
 * writes is not used, since it stops reading while it holds something and then spins on a readable socket. */
#pragma once

#include <openssl/ssl.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes that wait in the outputs of many sockets, once. Any thread may release its reference. */
struct output_shared {
    _Atomic unsigned references;
    size_t length;
    uint8_t data[];
};

struct output_block {
    struct output_block *next;
    size_t length;
    size_t written;
    struct output_shared *shared; /* has the bytes; NULL: they are in data */
    uint8_t data[];
};

/* All zero is empty. */
struct output {
    struct output_block *first;
    struct output_block *last;
    size_t bytes; /* not yet written */
};

/* A block with `length` bytes to be filled by the caller, or NULL. */
struct output_block *output_block_create(size_t length);
/* NULL is fine. */
void output_block_free(struct output_block *block);

/* Bytes to be filled by the caller before they are shared, with one reference, or NULL. */
struct output_shared *output_shared_create(size_t length);
/* Gives up a reference. NULL is fine. */
void output_shared_release(struct output_shared *shared);
/* A block with a reference of its own, or NULL. */
struct output_block *output_block_share(struct output_shared *shared);

/* Takes over the block. */
void output_push(struct output *output, struct output_block *block);

/* Writes what the socket takes; `ssl` is NULL for plain TCP. Returns 0 if all is written, -EAGAIN if the
 * socket must become writable first, or another negative errno if the connection is broken. */
int output_flush(struct output *output, int socket, SSL *ssl);

void output_deinit(struct output *output);
