#include "dataplane/rewrite.h"

#include <errno.h>
#include <string.h>

#include "dataplane/ntp_time.h"
#include "dataplane/srtp_index.h"

#define WINDOW MEDIA_REWRITE_WINDOW

/* A timestamp that the sender's clock and the time that passed put further apart than this is a clock that
 * jumped: then only the time that passed is believed. */
#define MAX_CLOCK_ERROR_S 5

#define SQUEEZE 32u
#define SQUEEZE_OVER (1 << 29) /* so far behind its end, long before the circle closes */

enum rewrite_flags {
    REWRITE_VIDEO = 1,
    REWRITE_SYNCED = 2,
    REWRITE_SENT = 4,      /* something went out, last_timestamp counts */
    REWRITE_MID_FRAME = 8, /* the newest packet sent did not end its frame */
    REWRITE_SQUEEZE = 16
};

static struct rewrite_word *word_of(struct rewrite_state *state, uint16_t sequence)
{
    return &state->window[sequence % WINDOW / 64];
}

static uint64_t bit_of(uint16_t sequence)
{
    return 1ull << sequence % 64;
}

/* How many of the newest `age` numbers were left out. */
static unsigned count_dropped(const struct rewrite_state *state, unsigned age)
{
    unsigned count = 0;

    while (age > 0) {
        uint16_t oldest = (uint16_t)(state->highest_in - age + 1);
        unsigned numbers = 64 - oldest % 64; /* of its word, from it on */
        uint64_t bits = state->window[oldest % WINDOW / 64].dropped >> oldest % 64;
        if (numbers > age) {
            numbers = age;
            bits &= (1ull << numbers) - 1;
        }
        count += (unsigned)__builtin_popcountll(bits);
        age -= numbers;
    }
    return count;
}

static void forget_window(struct rewrite_state *state)
{
    for (unsigned i = 0; i < WINDOW / 64; i++)
        state->window[i] = (struct rewrite_word){.sent = UINT64_MAX};
}

void rewrite_init(struct rewrite_state *state, uint32_t ssrc, uint8_t payload_type, uint16_t first_sequence,
                  bool video)
{
    memset(state, 0, sizeof(*state));
    state->ssrc = ssrc;
    state->payload_type = payload_type;
    state->highest_out = (uint64_t)first_sequence - 1;
    state->flags = video ? REWRITE_VIDEO : 0;
}

/* Late packets of before a wrap have no index any more: they count as sent. */
void rewrite_new_keys(struct rewrite_state *state)
{
    state->begin_out = srtp_index_begin(state->highest_out + 1);
    state->highest_out = state->begin_out - 1;
    state->rtx_next = srtp_index_begin(state->rtx_next);
    for (unsigned i = 0; i < WINDOW / 64; i++)
        state->window[i].sent = UINT64_MAX;
}

static uint32_t squeeze(const struct rewrite_state *state, uint32_t timestamp)
{
    if (!(state->flags & REWRITE_SQUEEZE) || !rtp_timestamp_newer(state->squeeze_end, timestamp))
        return timestamp;
    return state->squeeze_end - (state->squeeze_end - timestamp) / SQUEEZE;
}

uint32_t rewrite_timestamp(const struct rewrite_state *state, uint32_t timestamp)
{
    return squeeze(state, timestamp) + state->timestamp_offset;
}

static uint32_t rewrite_sync_timestamp(const struct rewrite_state *state, const struct rewrite_start *start,
                                       uint32_t input)
{
    uint32_t by_time =
        state->last_timestamp + ntp_time_to_rtp(start->now_us - state->last_us, start->to.rate);
    uint32_t timestamp = input;
    bool known = start->same_stream || sender_clock_translate(&start->to, &start->from, input, &timestamp);

    timestamp += state->timestamp_offset;
    int64_t error = rtp_timestamp_delta(timestamp, by_time);
    int64_t allowed = (int64_t)MAX_CLOCK_ERROR_S * start->to.rate;
    if (!known || error < -allowed || error > allowed)
        timestamp = by_time;
    return rtp_timestamp_newer(timestamp, state->last_timestamp) ? timestamp : state->last_timestamp + 1;
}

void rewrite_sync(struct rewrite_state *state, const struct rewrite_start *start)
{
    state->flags = (uint8_t)((state->flags & ~REWRITE_SQUEEZE) | (start->squeeze ? REWRITE_SQUEEZE : 0));
    state->squeeze_end = start->squeeze_end;
    uint32_t input = squeeze(state, start->timestamp);
    if (state->flags & REWRITE_SENT)
        state->timestamp_offset = rewrite_sync_timestamp(state, start, input) - input;
    if (state->flags & REWRITE_MID_FRAME)
        state->highest_out++;
    state->flags = (uint8_t)((state->flags & ~REWRITE_MID_FRAME) | REWRITE_SYNCED);
    state->highest_in = (uint16_t)(start->sequence - 1);

    /* What is older than the first packet counts as sent, and so never is. */
    state->begin_out = state->highest_out + 1;
    forget_window(state);
}

/* The age of a number that is not the newest, or why it cannot go out. */
static int rewrite_age(struct rewrite_state *state, uint16_t sequence, int delta)
{
    const struct rewrite_word *word = word_of(state, sequence);

    if (delta <= -(int)WINDOW)
        return -ESTALE;
    return (word->sent | word->dropped) & bit_of(sequence) ? -EALREADY : -delta;
}

/* The numbers up to sequence take over the bits of older ones. */
static void rewrite_advance(struct rewrite_state *state, uint16_t sequence, int delta)
{
    if (delta >= (int)WINDOW) {
        memset(state->window, 0, sizeof(state->window));
    } else {
        for (uint16_t number = (uint16_t)(state->highest_in + 1); delta > 0; delta--, number++) {
            struct rewrite_word *word = word_of(state, number);
            word->sent &= ~bit_of(number);
            word->dropped &= ~bit_of(number);
        }
    }
    state->highest_in = sequence;
}

int rewrite_sequence(struct rewrite_state *state, const struct rtp_header *header, uint64_t now_us,
                     struct rewrite_numbers *ret_numbers)
{
    if (!(state->flags & REWRITE_SYNCED))
        return -ENOTCONN;

    int delta = rtp_seq_delta(header->sequence, state->highest_in);
    uint64_t sequence;
    if (delta > 0) {
        rewrite_advance(state, header->sequence, delta);
        word_of(state, header->sequence)->sent |= bit_of(header->sequence);
        state->highest_out += (unsigned)delta;
        sequence = state->highest_out;
        uint8_t mid_frame = state->flags & REWRITE_VIDEO && !header->marker ? REWRITE_MID_FRAME : 0;
        state->flags = (uint8_t)((state->flags & ~REWRITE_MID_FRAME) | mid_frame);
        if (rtp_timestamp_delta(header->timestamp, state->squeeze_end) > SQUEEZE_OVER)
            state->flags &= (uint8_t)~REWRITE_SQUEEZE;
    } else {
        int age = rewrite_age(state, header->sequence, delta);
        if (age < 0)
            return age;
        word_of(state, header->sequence)->sent |= bit_of(header->sequence);
        sequence = state->highest_out - ((unsigned)age - count_dropped(state, (unsigned)age));
    }

    uint32_t timestamp = rewrite_timestamp(state, header->timestamp);
    if (!(state->flags & REWRITE_SENT) || rtp_timestamp_newer(timestamp, state->last_timestamp)) {
        state->flags |= REWRITE_SENT;
        state->last_timestamp = timestamp;
        state->last_us = now_us;
    }
    ret_numbers->sequence = sequence;
    ret_numbers->timestamp = timestamp;
    return 0;
}

int rewrite_drop(struct rewrite_state *state, uint16_t sequence)
{
    if (!(state->flags & REWRITE_SYNCED))
        return -ENOTCONN;

    int delta = rtp_seq_delta(sequence, state->highest_in);
    if (delta > 0) {
        rewrite_advance(state, sequence, delta);
        word_of(state, sequence)->dropped |= bit_of(sequence);
        state->highest_out += (unsigned)delta - 1;
        return 0;
    }
    int age = rewrite_age(state, sequence, delta);
    if (age < 0)
        return age;
    /* Its number stands between others that are out: it can only stay unused. */
    word_of(state, sequence)->sent |= bit_of(sequence);
    return 0;
}
