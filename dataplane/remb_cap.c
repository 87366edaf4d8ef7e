#include "dataplane/remb_cap.h"

#include "proto/wire/rtcp_feedback.h"

#define LIFT_MESSAGES 4u

void remb_cap_set(struct remb_cap *state, uint32_t bitrate_bps)
{
    state->lift = bitrate_bps == 0 && state->bitrate_bps != 0 ? LIFT_MESSAGES : 0;
    state->bitrate_bps = bitrate_bps;
    state->sent_us = 0;
}

bool remb_cap_due(const struct remb_cap *state, uint64_t now_us)
{
    return (state->bitrate_bps != 0 || state->lift != 0) &&
           (state->sent_us == 0 || now_us - state->sent_us >= REMB_CAP_INTERVAL_US);
}

int remb_cap_write(struct remb_cap *state, uint32_t sender_ssrc, const uint32_t *ssrcs, size_t count,
                   uint64_t now_us, uint8_t *buffer, size_t capacity)
{
    if (count == 0 || !remb_cap_due(state, now_us))
        return 0;
    if (count > RTCP_REMB_SSRCS_MAX)
        count = RTCP_REMB_SSRCS_MAX;
    int length = rtcp_write_remb(buffer, capacity, sender_ssrc, state->bitrate_bps, ssrcs, count);
    if (length < 0)
        return length;
    state->sent_us = now_us;
    state->lift -= state->lift != 0;
    return length;
}
