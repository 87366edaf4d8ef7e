#include "dataplane/srtp_index.h"

#define WINDOW 128u

static void shift(uint64_t sent[2], uint64_t steps)
{
    if (steps >= WINDOW) {
        sent[0] = sent[1] = 0;
    } else if (steps >= 64) {
        sent[1] = sent[0] << (steps - 64);
        sent[0] = 0;
    } else if (steps > 0) {
        sent[1] = sent[1] << steps | sent[0] >> (64 - steps);
        sent[0] <<= steps;
    }
}

/* Written so that a kill between any two stores leaves what claims no less than was used. */
static void adopt(struct srtp_send_stream *stream, uint32_t epoch, uint32_t life)
{
    if (stream->epoch != epoch)
        stream->next = 0; /* of other keys */
    stream->sent[0] = stream->sent[1] = UINT64_MAX;
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
    if (index >= stream->next) {
        uint64_t steps = index + 1 - stream->next;
        stream->next = index + 1;
        shift(stream->sent, steps);
        stream->sent[0] |= 1;
        return true;
    }
    uint64_t age = stream->next - 1 - index;
    if (age >= WINDOW || stream->sent[age / 64] >> (age % 64) & 1)
        return false;
    stream->sent[age / 64] |= 1ull << (age % 64);
    return true;
}
