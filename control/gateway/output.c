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
    return block;
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
        free(block);
    }
    output->last = NULL;
}

static ssize_t write_plain(struct output *output, int socket)
{
    struct iovec parts[MAX_BLOCKS_A_WRITE];
    struct msghdr message = {.msg_iov = parts};

    for (struct output_block *block = output->first; block && message.msg_iovlen < MAX_BLOCKS_A_WRITE;
         block = block->next) {
        parts[message.msg_iovlen].iov_base = block->data + block->written;
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
    int sent = SSL_write(ssl, block->data + block->written, (int)length);
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
        free(block);
    }
    *output = (struct output){0};
}
