#include "dataplane/srtp_index.h"

#include <string.h>

#define WINDOW SRTP_STATE_SENT_PACKETS

static uint64_t *word_of(struct srtp_sent_window *window, uint64_t index)
{
    return &window->sent[index % WINDOW / 64];
}

/* For the indices from next to last; the bits that they take over are of older ones. */
static void make_room(struct srtp_sent_window *window, uint64_t next, uint64_t last)
{
    if (last - next >= WINDOW)
        memset(window->sent, 0, sizeof(window->sent));
    else
        for (uint64_t index = next; index <= last; index++)
            *word_of(window, index) &= ~(1ull << index % 64);
}

/* Written so that a kill between any two stores leaves what claims no less than was used. */
static void adopt(struct srtp_send_stream *stream, struct srtp_sent_window *window, uint32_t epoch,
                  uint32_t life)
{
    if (stream->epoch != epoch)
        stream->next = 0; /* of other keys */
    if (window)
        memset(window->sent, 0xff, sizeof(window->sent));
    __atomic_signal_fence(__ATOMIC_RELEASE);
    stream->epoch = epoch;
    stream->life = life;
}

bool srtp_index_claim(struct srtp_send_stream *stream, struct srtp_sent_window *window, uint32_t epoch,
                      uint32_t life, uint64_t index)
{
    if (stream->epoch != epoch || stream->life != life)
        adopt(stream, window, epoch, life);
    if (index >= SRTP_INDEX_END)
        return false;
    if (index >= stream->next) {
        if (window)
            make_room(window, stream->next, index);
        stream->next = index + 1;
    } else if (!window || stream->next - index > WINDOW || *word_of(window, index) >> index % 64 & 1) {
        return false;
    }
    if (window)
        *word_of(window, index) |= 1ull << index % 64;
    return true;
}
