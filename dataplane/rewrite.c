#include "dataplane/rewrite.h"

#include <errno.h>
#include <string.h>

#include "dataplane/ntp_time.h"

#define WINDOW 128

/* A timestamp that the sender's clock and the time that passed put further apart than this is a clock that
 * jumped: then only the time that passed is believed. */
#define MAX_CLOCK_ERROR_S 5

enum rewrite_flags {
    REWRITE_VIDEO = 1,
    REWRITE_SYNCED = 2,
    REWRITE_SENT = 4,     /* something went out, last_timestamp counts */
    REWRITE_MID_FRAME = 8 /* the newest packet sent did not end its frame */
};

typedef unsigned __int128 window_bits;

static window_bits window_load(const uint64_t bits[2])
{
    return (window_bits)bits[1] << 64 | bits[0];
}

static void window_store(uint64_t bits[2], window_bits value)
{
    bits[0] = (uint64_t)value;
    bits[1] = (uint64_t)(value >> 64);
}

/* Moves the window on by steps > 0. */
static void window_shift(uint64_t bits[2], int steps)
{
    window_store(bits, steps < WINDOW ? window_load(bits) << steps : 0);
}

static bool window_test(const uint64_t bits[2], unsigned age)
{
    return bits[age / 64] >> (age % 64) & 1;
}

/* How many of the newest `age` numbers are set. */
static unsigned window_count(const uint64_t bits[2], unsigned age)
{
    window_bits newest = window_load(bits) & (((window_bits)1 << age) - 1);
    return (unsigned)(__builtin_popcountll((uint64_t)newest) +
                      __builtin_popcountll((uint64_t)(newest >> 64)));
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
    state->highest_out = state->highest_out == UINT64_MAX ? UINT64_MAX : state->highest_out & 0xffff;
    memset(state->sent, 0xff, sizeof(state->sent));
}

static uint32_t rewrite_sync_timestamp(const struct rewrite_state *state, const struct rewrite_start *start)
{
    uint32_t by_time =
        state->last_timestamp + ntp_time_to_rtp(start->now_us - state->last_us, start->to.rate);
    uint32_t timestamp = start->timestamp;
    bool known =
        start->same_stream || sender_clock_translate(&start->to, &start->from, start->timestamp, &timestamp);

    timestamp += state->timestamp_offset;
    int64_t error = rtp_timestamp_delta(timestamp, by_time);
    int64_t allowed = (int64_t)MAX_CLOCK_ERROR_S * start->to.rate;
    if (!known || error < -allowed || error > allowed)
        timestamp = by_time;
    return rtp_timestamp_newer(timestamp, state->last_timestamp) ? timestamp : state->last_timestamp + 1;
}

void rewrite_sync(struct rewrite_state *state, const struct rewrite_start *start)
{
    if (state->flags & REWRITE_SENT)
        state->timestamp_offset = rewrite_sync_timestamp(state, start) - start->timestamp;
    if (state->flags & REWRITE_MID_FRAME)
        state->highest_out++;
    state->flags = (uint8_t)((state->flags & ~REWRITE_MID_FRAME) | REWRITE_SYNCED);
    state->highest_in = (uint16_t)(start->sequence - 1);

    /* What is older than the first packet counts as sent, and so never is. */
    memset(state->sent, 0xff, sizeof(state->sent));
    memset(state->dropped, 0, sizeof(state->dropped));
}

/* The age of a number that is not the newest, or why it cannot go out. */
static int rewrite_age(const struct rewrite_state *state, int delta)
{
    if (delta <= -WINDOW)
        return -ESTALE;
    unsigned age = (unsigned)-delta;
    if (window_test(state->sent, age) || window_test(state->dropped, age))
        return -EALREADY;
    return (int)age;
}

static void rewrite_advance(struct rewrite_state *state, uint16_t sequence, int delta)
{
    window_shift(state->sent, delta);
    window_shift(state->dropped, delta);
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
        state->sent[0] |= 1;
        state->highest_out += (unsigned)delta;
        sequence = state->highest_out;
        uint8_t mid_frame = state->flags & REWRITE_VIDEO && !header->marker ? REWRITE_MID_FRAME : 0;
        state->flags = (uint8_t)((state->flags & ~REWRITE_MID_FRAME) | mid_frame);
    } else {
        int age = rewrite_age(state, delta);
        if (age < 0)
            return age;
        state->sent[age / 64] |= 1ull << (age % 64);
        sequence = state->highest_out - ((unsigned)age - window_count(state->dropped, (unsigned)age));
    }

    uint32_t timestamp = header->timestamp + state->timestamp_offset;
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
        state->dropped[0] |= 1;
        state->highest_out += (unsigned)delta - 1;
        return 0;
    }
    int age = rewrite_age(state, delta);
    if (age < 0)
        return age;
    /* Its number stands between others that are out: it can only stay unused. */
    state->sent[age / 64] |= 1ull << (age % 64);
    return 0;
}
