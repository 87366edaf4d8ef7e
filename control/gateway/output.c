#include "control/gateway/output.h"

#include <errno.h>
#include <openssl/err.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/uio.h>

#define MAX_BLOCKS_A_WRITE 16
#define MAX_TLS_RECORD_BYTES 16384

struct output_block *output_block_create(size_t length)
{
    struct output_block *block = malloc(sizeof(*block) + length);

    if (!block)
        return NULL;
    block->next = NULL;
    block->length = length;
    block->written = 0;
    block->shared = NULL;
    return block;
}

void output_block_free(struct output_block *block)
{
    if (!block)
        return;
    output_shared_release(block->shared);
    free(block);
}

struct output_shared *output_shared_create(size_t length)
{
    struct output_shared *shared = malloc(sizeof(*shared) + length);

    if (!shared)
        return NULL;
    atomic_init(&shared->references, 1);
    shared->length = length;
    return shared;
}

void output_shared_release(struct output_shared *shared)
{
    if (shared && atomic_fetch_sub(&shared->references, 1) == 1)
        free(shared);
}

struct output_block *output_block_share(struct output_shared *shared)
{
    struct output_block *block = output_block_create(0);

    if (!block)
        return NULL;
    atomic_fetch_add(&shared->references, 1);
    block->length = shared->length;
    block->shared = shared;
    return block;
}

/* What is still to be written. */
static uint8_t *rest(struct output_block *block)
{
    return (block->shared ? block->shared->data : block->data) + block->written;
}

void output_push(struct output *output, struct output_block *block)
{
    if (output->last)
        output->last->next = block;
    else
        output->first = block;
    output->last = block;
    output->bytes += block->length;
}

static void advance(struct output *output, size_t length)
{
    output->bytes -= length;
    while (output->first) {
        struct output_block *block = output->first;
        size_t left = block->length - block->written;

        if (length < left) {
            block->written += length;
            return;
        }
        length -= left;
        output->first = block->next;
        output_block_free(block);
    }
    output->last = NULL;
}

static ssize_t write_plain(struct output *output, int socket)
{
    struct iovec parts[MAX_BLOCKS_A_WRITE];
    struct msghdr message = {.msg_iov = parts};

    for (struct output_block *block = output->first; block && message.msg_iovlen < MAX_BLOCKS_A_WRITE;
         block = block->next) {
        parts[message.msg_iovlen].iov_base = rest(block);
        parts[message.msg_iovlen++].iov_len = block->length - block->written;
    }
    ssize_t sent = sendmsg(socket, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent >= 0)
        return sent;
    return errno == EWOULDBLOCK || errno == EINTR ? -EAGAIN : -errno;
}

static ssize_t write_tls(struct output *output, SSL *ssl)
{
    struct output_block *block = output->first;
    size_t length = block->length - block->written;

    if (length > MAX_TLS_RECORD_BYTES)
        length = MAX_TLS_RECORD_BYTES;
    ERR_clear_error();
    int sent = SSL_write(ssl, rest(block), (int)length);
    if (sent > 0)
        return sent;
    int error = SSL_get_error(ssl, sent);
    return error == SSL_ERROR_WANT_WRITE || error == SSL_ERROR_WANT_READ ? -EAGAIN : -EPIPE;
}

int output_flush(struct output *output, int socket, SSL *ssl)
{
    while (output->first) {
        ssize_t sent = ssl ? write_tls(output, ssl) : write_plain(output, socket);

        if (sent < 0)
            return (int)sent;
        advance(output, (size_t)sent);
    }
    return 0;
}

void output_deinit(struct output *output)
{
    while (output->first) {
        struct output_block *block = output->first;

        output->first = block->next;
        output_block_free(block);
    }
    *output = (struct output){0};
}
