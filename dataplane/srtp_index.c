#include "dataplane/srtp_index.h"

#include <string.h>

#define WINDOW SRTP_STATE_SENT_PACKETS

static uint64_t *word_of(struct srtp_hole_window *window, uint64_t index)
{
    return &window->holes[index % WINDOW / 64];
}

static uint64_t bit_of(uint64_t index)
{
    return 1ull << index % 64;
}

/* Whether one of them could still be used. */
static bool has_holes(const struct srtp_send_stream *stream)
{
    return stream->holes_end != 0 && stream->next - stream->holes_end < WINDOW;
}

/* All before index, which is the highest now, and not used yet, are holes; their bits are those of older
 * ones. */
static void advance(struct srtp_send_stream *stream, struct srtp_hole_window *window, uint64_t index)
{
    bool had_holes = has_holes(stream);
    uint64_t first = index - stream->next < WINDOW ? stream->next : index - (WINDOW - 1);

    if (first < index) {
        if (!had_holes)
            memset(window->holes, 0, sizeof(window->holes));
        for (uint64_t hole = first; hole < index; hole++)
            *word_of(window, hole) |= bit_of(hole);
        stream->holes_end = index;
    }
    if (first < index || had_holes)
        *word_of(window, index) &= ~bit_of(index);
}

static bool fill_hole(const struct srtp_send_stream *stream, struct srtp_hole_window *window, uint64_t index)
{
    if (!has_holes(stream) || stream->next - index > WINDOW || !(*word_of(window, index) & bit_of(index)))
        return false;
    *word_of(window, index) &= ~bit_of(index);
    return true;
}

/* Written so that a kill between any two stores leaves what claims no less than was used. */
static void adopt(struct srtp_send_stream *stream, uint32_t epoch, uint32_t life)
{
    stream->holes_end = 0;
    if (stream->epoch != epoch)
        stream->next = 0; /* of other keys */
    __atomic_signal_fence(__ATOMIC_RELEASE);
    stream->epoch = epoch;
    stream->life = life;
}

bool srtp_index_claim(struct srtp_send_stream *stream, struct srtp_hole_window *window, uint32_t epoch,
                      uint32_t life, uint64_t index)
{
    if (stream->epoch != epoch || stream->life != life)
        adopt(stream, epoch, life);
    if (index >= SRTP_INDEX_END)
        return false;
    if (index < stream->next)
        return window && fill_hole(stream, window, index);
    if (window)
        advance(stream, window, index);
    stream->next = index + 1;
    return true;
}
