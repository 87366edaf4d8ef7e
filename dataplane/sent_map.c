#include "dataplane/sent_map.h"

#include <errno.h>

#include "dataplane/svc_filter.h"
#include "dataplane/vp8_continuity.h"

#define WINDOW MEDIA_REWRITE_WINDOW

/* The input number of which `kept` newer ones were not left out. -ESTALE beyond the window. */
static int find_input(const struct rewrite_state *state, unsigned kept, uint16_t *ret_input)
{
    for (unsigned age = 0; age < WINDOW; age++) {
        uint16_t input = (uint16_t)(state->highest_in - age);
        const struct rewrite_word *word = &state->window[input % WINDOW / 64];
        if (word->dropped >> input % 64 & 1)
            continue;
        if (kept-- == 0) {
            *ret_input = input;
            return word->sent >> input % 64 & 1 ? 0 : -ENOENT;
        }
    }
    return -ESTALE;
}

int sent_map_find(const struct rewrite_state *state, uint16_t output, struct sent_number *ret_number)
{
    int newer = rtp_seq_delta((uint16_t)state->highest_out, output);
    uint16_t input;

    if (newer < 0)
        return -ENOENT;
    uint64_t sequence = state->highest_out - (unsigned)newer;
    if (state->begin_out == 0 || sequence < state->begin_out || sequence > state->highest_out)
        return -ESTALE;
    int error = find_input(state, (unsigned)newer, &input);
    if (error != 0)
        return error;
    *ret_number = (struct sent_number){.input = input, .sequence = sequence};
    return 0;
}

int sent_map_numbers(const struct media_consumer *media, const struct packet_view *view,
                     const struct sent_number *number, struct rewrite_numbers *ret_numbers)
{
    struct rewrite_numbers numbers = {
        .sequence = number->sequence,
        .timestamp = rewrite_timestamp(&media->rewrite, view->header.timestamp),
    };

    numbers.marker = svc_filter_is_last(&media->svc, &view->svc);
    numbers.has_targets = svc_filter_targets(&media->svc, &view->svc, &numbers.targets);
    if (view->has_vp8 && vp8_continuity_find(&media->vp8, &view->vp8, &numbers) != 0)
        return -ESTALE;
    *ret_numbers = numbers;
    return 0;
}
