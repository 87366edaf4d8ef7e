#include "tools/kolabmeet-load/reception.h"

#include "proto/wire/rtp.h"
#include "tools/kolabmeet-load/clock.h"

int64_t reception_take(struct reception *reception, uint16_t sequence, uint32_t timestamp,
                       uint64_t arrival_ns)
{
    int64_t unwrapped =
        reception->received == 0 ? sequence + 65536 : rtp_seq_unwrap(reception->highest, sequence);
    int64_t arrival = (int64_t)(arrival_ns / 1000 * reception->clock_rate / 1000000);
    int64_t transit = arrival - timestamp;

    if (reception->received == 0) {
        reception->first = unwrapped;
        reception->highest = unwrapped;
    } else {
        int64_t change = (int32_t)(uint32_t)(transit - reception->transit); /* the timestamp wraps */
        reception->jitter += (change < 0 ? -change : change) - ((reception->jitter + 8) >> 4);
    }
    reception->transit = transit;
    reception->received++;
    if (unwrapped > reception->highest)
        reception->highest = unwrapped;
    if (unwrapped < reception->first)
        reception->first = unwrapped;
    return unwrapped;
}

void reception_take_sr(struct reception *reception, uint64_t ntp, uint64_t arrival_ns)
{
    reception->last_sr = (uint32_t)(ntp >> 16);
    reception->last_sr_ns = arrival_ns;
}

void reception_report(struct reception *reception, uint32_t ssrc, uint64_t now_ns,
                      struct rtcp_report_block *ret_block)
{
    uint64_t expected = reception->received == 0 ? 0 : (uint64_t)(reception->highest - reception->first + 1);
    uint64_t new_expected = expected - reception->reported_expected;
    uint64_t new_received = reception->received - reception->reported_received;

    *ret_block = (struct rtcp_report_block){
        .ssrc = ssrc,
        .cumulative_lost = (int32_t)((int64_t)expected - (int64_t)reception->received),
        .highest_sequence = (uint32_t)(reception->highest - 65536),
        .jitter = (uint32_t)(reception->jitter >> 4),
        .lsr = reception->last_sr,
    };
    if (new_expected > new_received)
        ret_block->fraction_lost = (uint8_t)((new_expected - new_received) * 255 / new_expected);
    if (reception->last_sr != 0)
        ret_block->dlsr = (uint32_t)((now_ns - reception->last_sr_ns) * 65536 / CLOCK_SECOND_NS);
    reception->reported_expected = expected;
    reception->reported_received = reception->received;
}
