#include "dataplane/twcc_feedback.h"

#include <errno.h>
#include <string.h>

#include "proto/wire/rtp.h"
#include "proto/wire/twcc_builder.h"

#define FIRST_CYCLE 0x10000u /* so that what is older than the first number has one too */

static uint32_t *twcc_slot(struct twcc_feedback_state *state, uint64_t number)
{
    return &state->arrival_us[number % MEDIA_TWCC_WINDOW];
}

static void twcc_begin_anew(struct twcc_feedback_state *state, uint64_t number)
{
    memset(state->arrival_us, 0, sizeof(state->arrival_us));
    state->begin = state->end = number;
    state->oldest = number + 1 - MEDIA_TWCC_WINDOW;
    state->pending = 0;
    state->started = 1;
}

/* Makes room for number, which is not older than end. */
static void twcc_extend(struct twcc_feedback_state *state, uint64_t number)
{
    for (uint64_t n = state->end; n <= number; n++)
        *twcc_slot(state, n) = 0;
    state->end = number + 1;
    if (state->end - state->oldest > MEDIA_TWCC_WINDOW)
        state->oldest = state->end - MEDIA_TWCC_WINDOW;
    if (state->begin < state->oldest)
        state->begin = state->oldest;
}

void twcc_feedback_packet(struct twcc_feedback_state *state, uint16_t sequence, uint32_t media_ssrc,
                          uint64_t now_us)
{
    if (!state->started)
        twcc_begin_anew(state, FIRST_CYCLE + sequence);

    uint64_t number = state->end + (uint64_t)(int64_t)rtp_seq_delta(sequence, (uint16_t)state->end);
    if (number >= state->end + MEDIA_TWCC_WINDOW) {
        twcc_begin_anew(state, number);
        twcc_extend(state, number);
    } else if (number >= state->end) {
        twcc_extend(state, number);
    } else if (number + (uint64_t)2 * MEDIA_TWCC_WINDOW < state->end) {
        /* Nothing is that late: the sender numbers anew. */
        number = FIRST_CYCLE + sequence;
        twcc_begin_anew(state, number);
        twcc_extend(state, number);
    } else if (number < state->oldest || *twcc_slot(state, number) != 0) {
        return;
    }

    uint32_t arrival_us = (uint32_t)now_us;
    *twcc_slot(state, number) = arrival_us != 0 ? arrival_us : 1;
    state->begin = number < state->begin ? number : state->begin;
    state->media_ssrc = media_ssrc;
    state->packets++;
    state->pending++;
}

bool twcc_feedback_due(const struct twcc_feedback_state *state, uint64_t now_us)
{
    return state->pending > 0 && (now_us - state->sent_us >= TWCC_FEEDBACK_INTERVAL_US ||
                                  state->end - state->begin >= MEDIA_TWCC_WINDOW / 2);
}

/* Forgets reported arrivals that are too old to be told again. */
static void twcc_forget(struct twcc_feedback_state *state, uint64_t now_us)
{
    for (uint64_t n = state->oldest; n < state->begin; n++) {
        uint32_t arrival_us = *twcc_slot(state, n);
        if (arrival_us == 0)
            continue;
        if ((uint32_t)now_us - arrival_us <= TWCC_FEEDBACK_WINDOW_US)
            return;
        for (; state->oldest <= n; state->oldest++)
            *twcc_slot(state, state->oldest) = 0;
    }
}

int twcc_feedback_write(struct twcc_feedback_state *state, uint32_t sender_ssrc, uint64_t now_us,
                        uint8_t *buffer, size_t capacity)
{
    if (state->pending == 0)
        return 0;

    struct twcc_builder builder;
    twcc_builder_init(&builder, sender_ssrc, state->media_ssrc, state->count, (uint16_t)state->begin);
    uint64_t number = state->begin;
    for (; number < state->end; number++) {
        uint32_t arrival_us = *twcc_slot(state, number);
        if (arrival_us == 0)
            continue;
        uint64_t age_us = (uint32_t)((uint32_t)now_us - arrival_us);
        if (twcc_builder_add(&builder, (uint16_t)number, (int64_t)(now_us - age_us)) != 0)
            break;
    }
    int length = twcc_builder_write(&builder, buffer, capacity);
    if (length < 0)
        return length;
    state->begin = number;
    state->pending = number == state->end ? 0 : state->pending;
    state->sent_us = now_us;
    state->count++;
    twcc_forget(state, now_us);
    return length;
}
