#include "control/transport/dtls_bio.h"

#include <pthread.h>
#include <string.h>

static int bio_write(BIO *bio, const char *data, int length)
{
    struct dtls_bio *state = BIO_get_data(bio);
    state->send(state->context, (const uint8_t *)data, (size_t)length);
    return length;
}

/* What does not fit is lost with the rest of its datagram, as a socket would have it. */
static int bio_read(BIO *bio, char *ret_data, int size)
{
    struct dtls_bio *state = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    if (!state->received) {
        BIO_set_retry_read(bio);
        return -1;
    }
    size_t length = state->received_length < (size_t)size ? state->received_length : (size_t)size;
    memcpy(ret_data, state->received, length);
    state->received = NULL;
    return (int)length;
}

static long bio_ctrl(BIO *bio, int command, long number, void *pointer)
{
    const struct dtls_bio *state = BIO_get_data(bio);
    (void)number;
    (void)pointer;
    switch (command) {
    case BIO_CTRL_FLUSH:
        return 1;
    case BIO_CTRL_PENDING:
        return state->received ? (long)state->received_length : 0;
    default: /* no MTU to ask for: the association sets it */
        return 0;
    }
}

static BIO_METHOD *method;

static void make_method(void)
{
    method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "datagrams");
    if (!method)
        return;
    BIO_meth_set_write(method, bio_write);
    BIO_meth_set_read(method, bio_read);
    BIO_meth_set_ctrl(method, bio_ctrl);
}

BIO *dtls_bio_new(struct dtls_bio *state)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, make_method);
    BIO *bio = method ? BIO_new(method) : NULL;
    if (bio) {
        BIO_set_data(bio, state);
        BIO_set_init(bio, 1);
    }
    return bio;
}
