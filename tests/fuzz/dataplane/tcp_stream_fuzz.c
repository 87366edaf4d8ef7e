/* A hostile peer's bytes, cut into pieces as it likes: exactly the frames of at most TCP_STREAM_FRAME_MAX
 * bytes come out, each once and in order, until the first longer one.
 *
 * Input: pieces, each behind its length in one byte. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "dataplane/tcp_stream.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t length);

/* All bytes so far, and how far they have been understood by the simplest of readers. */
struct oracle {
    uint8_t *bytes;
    size_t end;
    size_t at;
};

static void require(bool holds)
{
    if (!holds)
        abort();
}

/* 1 and the next frame that is not empty, 0 when it is not whole, -EMSGSIZE. */
static int oracle_next(struct oracle *oracle, const uint8_t **ret_frame, size_t *ret_length)
{
    while (oracle->end - oracle->at >= 2) {
        const uint8_t *head = oracle->bytes + oracle->at;
        size_t length = (size_t)head[0] * 256 + head[1];
        if (length > TCP_STREAM_FRAME_MAX)
            return -EMSGSIZE;
        if (oracle->end - oracle->at - 2 < length)
            return 0;
        oracle->at += 2 + length;
        *ret_frame = head + 2;
        *ret_length = length;
        if (length > 0)
            return 1;
    }
    return 0;
}

/* Takes what is whole by now. False: the framing is broken. */
static bool compare(struct tcp_stream *stream, struct oracle *oracle)
{
    for (;;) {
        uint8_t *got;
        uint32_t got_length;
        const uint8_t *frame;
        size_t frame_length;
        int result = tcp_stream_next(stream, &got, &got_length);
        require(result == oracle_next(oracle, &frame, &frame_length));
        if (result <= 0)
            return result == 0;
        require(got_length == frame_length && memcmp(got, frame, frame_length) == 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t length)
{
    static const struct shm_address somewhere = {.protocol = SHM_PROTOCOL_TCP};
    struct tcp_stream *stream = malloc(sizeof(*stream));
    struct oracle oracle = {.bytes = malloc(length + 1)};
    int pair[2];
    bool is_whole = true;

    require(stream && oracle.bytes && socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
    tcp_stream_open(stream, pair[0], &somewhere);
    while (length > 0 && is_whole) {
        size_t piece = data[0] < length - 1 ? data[0] : length - 1;
        memcpy(oracle.bytes + oracle.end, data + 1, piece);
        oracle.end += piece;
        require(write(pair[1], data + 1, piece) == (ssize_t)piece);
        require(tcp_stream_receive(stream) == (piece > 0 ? 0 : -EAGAIN));
        is_whole = compare(stream, &oracle);
        data += 1 + piece;
        length -= 1 + piece;
    }
    close(pair[1]);
    if (is_whole)
        require(tcp_stream_receive(stream) == -ECONNRESET);
    tcp_stream_close(stream);
    free(stream);
    free(oracle.bytes);
    return 0;
}
