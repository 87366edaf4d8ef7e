#include "dataplane/srtp_index.h"

#include <string.h>

#define WINDOW SRTP_STATE_SENT_PACKETS

static uint64_t *word_of(struct srtp_send_stream *stream, uint64_t index)
{
    return &stream->sent[index % WINDOW / 64];
}

/* Makes room for the indices up to last; the bits that they take over are of older ones. Ends with next. */
static void advance(struct srtp_send_stream *stream, uint64_t last)
{
    if (last - stream->next >= WINDOW)
        memset(stream->sent, 0, sizeof(stream->sent));
    else
        for (uint64_t index = stream->next; index <= last; index++)
            *word_of(stream, index) &= ~(1ull << index % 64);
    stream->next = last + 1;
}

/* Written so that a kill between any two stores leaves what claims no less than was used. */
static void adopt(struct srtp_send_stream *stream, uint32_t epoch, uint32_t life)
{
    if (stream->epoch != epoch)
        stream->next = 0; /* of other keys */
    memset(stream->sent, 0xff, sizeof(stream->sent));
    __atomic_signal_fence(__ATOMIC_RELEASE);
    stream->epoch = epoch;
    stream->life = life;
}

bool srtp_index_claim(struct srtp_send_stream *stream, uint32_t epoch, uint32_t life, uint64_t index)
{
    if (stream->epoch != epoch || stream->life != life)
        adopt(stream, epoch, life);
    if (index >= SRTP_INDEX_END)
        return false;
    if (index >= stream->next)
        advance(stream, index);
    else if (stream->next - index > WINDOW || *word_of(stream, index) >> index % 64 & 1)
        return false;
    *word_of(stream, index) |= 1ull << index % 64;
    return true;
}
