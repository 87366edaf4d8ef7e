#include "tools/kolabmeet-load/datagram_bio.h"

#include <string.h>

static int bio_write(BIO *bio, const char *data, int length)
{
    struct datagram_bio *state = BIO_get_data(bio);
    state->send(state->context, (const uint8_t *)data, (size_t)length);
    return length;
}

static int bio_read(BIO *bio, char *ret_data, int size)
{
    struct datagram_bio *state = BIO_get_data(bio);

    BIO_clear_retry_flags(bio);
    if (!state->received) {
        BIO_set_retry_read(bio);
        return -1;
    }
    size_t length = state->received_bytes < (size_t)size ? state->received_bytes : (size_t)size;
    memcpy(ret_data, state->received, length);
    state->received = NULL;
    return (int)length;
}

static long bio_ctrl(BIO *bio, int command, long number, void *pointer)
{
    (void)bio;
    (void)number;
    (void)pointer;
    return command == BIO_CTRL_FLUSH ? 1 : 0;
}

BIO *datagram_bio_new(struct datagram_bio *state)
{
    static BIO_METHOD *method;

    if (!method) {
        method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "datagrams");
        if (!method)
            return NULL;
        BIO_meth_set_write(method, bio_write);
        BIO_meth_set_read(method, bio_read);
        BIO_meth_set_ctrl(method, bio_ctrl);
    }
    BIO *bio = BIO_new(method);
    if (bio) {
        BIO_set_data(bio, state);
        BIO_set_init(bio, 1);
    }
    return bio;
}
