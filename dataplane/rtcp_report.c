#include "dataplane/rtcp_report.h"

#include <errno.h>
#include <string.h>

#include "dataplane/ntp_time.h"
#include "proto/wire/bytes.h"

#define NO_RECEIVER_REPORT UINT32_MAX
#define EMPTY_RR_BYTES 8u
#define MAX_RTT_US 60000000

void rtcp_report_begin(struct rtcp_compound *compound, uint8_t *buffer, size_t capacity)
{
    *compound = (struct rtcp_compound){
        .buffer = buffer,
        .capacity = capacity < RTCP_REPORT_COMPOUND_MAX ? (uint32_t)capacity : RTCP_REPORT_COMPOUND_MAX,
        .receiver_offset = NO_RECEIVER_REPORT,
    };
}

uint64_t rtcp_report_next_us(uint64_t interval_us, uint32_t random, uint64_t now_us)
{
    return now_us + interval_us + ((interval_us * random) >> 33);
}

static uint8_t *compound_end(const struct rtcp_compound *compound)
{
    return compound->buffer + compound->length;
}

static size_t compound_room(const struct rtcp_compound *compound)
{
    return compound->capacity - compound->length;
}

int rtcp_report_add_sender(struct rtcp_compound *compound, const struct rtcp_sender_info *info,
                           const char *cname, size_t cname_length)
{
    struct rtcp_compound longer = *compound;
    int bytes = rtcp_write_sr(compound_end(&longer), compound_room(&longer), info, NULL, 0);
    if (bytes < 0)
        return bytes;
    longer.length += (uint32_t)bytes;
    bytes =
        rtcp_write_sdes_cname(compound_end(&longer), compound_room(&longer), info->ssrc, cname, cname_length);
    if (bytes < 0)
        return bytes;
    longer.length += (uint32_t)bytes;
    longer.receiver_offset = NO_RECEIVER_REPORT;
    *compound = longer;
    return 0;
}

int rtcp_report_add_receiver(struct rtcp_compound *compound, uint32_t own_ssrc,
                             const struct rtcp_report_block *block)
{
    if (compound->receiver_offset != NO_RECEIVER_REPORT) {
        uint8_t *report = compound->buffer + compound->receiver_offset;
        unsigned count = report[0] & 0x1f;
        if (count < RTCP_COUNT_MAX && load_be32(report + RTCP_HEADER_BYTES) == own_ssrc) {
            uint8_t single[EMPTY_RR_BYTES + RTCP_REPORT_BLOCK_BYTES];
            if (compound_room(compound) < RTCP_REPORT_BLOCK_BYTES)
                return -ENOSPC;
            rtcp_write_rr(single, sizeof(single), own_ssrc, block, 1);
            memcpy(compound_end(compound), single + EMPTY_RR_BYTES, RTCP_REPORT_BLOCK_BYTES);
            compound->length += RTCP_REPORT_BLOCK_BYTES;
            rtcp_write_header(report, RTCP_RR, (uint8_t)(count + 1),
                              compound->length - compound->receiver_offset);
            return 0;
        }
    }
    int bytes = rtcp_write_rr(compound_end(compound), compound_room(compound), own_ssrc, block, 1);
    if (bytes < 0)
        return bytes;
    compound->receiver_offset = compound->length;
    compound->length += (uint32_t)bytes;
    return 0;
}

int rtcp_report_add_rrtr(struct rtcp_compound *compound, uint32_t own_ssrc, uint64_t now_us)
{
    int bytes = rtcp_write_xr_rrtr(compound_end(compound), compound_room(compound), own_ssrc,
                                   ntp_time_from_us(now_us));
    if (bytes < 0)
        return bytes;
    compound->length += (uint32_t)bytes;
    compound->receiver_offset = NO_RECEIVER_REPORT;
    return 0;
}

uint32_t rtcp_report_round_trip_us(const struct rtcp_xr_dlrr *dlrr, uint64_t now_us)
{
    int32_t round_trip = (int32_t)(ntp_time_middle(ntp_time_from_us(now_us)) - dlrr->lrr - dlrr->dlrr);
    int64_t round_trip_us = (int64_t)round_trip * 1000000 / 65536;

    if (dlrr->lrr == 0 || round_trip < -1 || round_trip_us > MAX_RTT_US) /* -1: values rounded down */
        return 0;
    return round_trip_us > 0 ? (uint32_t)round_trip_us : 1;
}

void rtcp_report_reference_time(struct rtcp_report_state *state, uint32_t sender_ssrc, uint64_t ntp,
                                uint64_t now_us)
{
    state->rrtr_ssrc = sender_ssrc;
    state->rrtr_middle = ntp_time_middle(ntp);
    state->rrtr_arrival_us = now_us;
}

int rtcp_report_add_dlrr(struct rtcp_compound *compound, struct rtcp_report_state *state, uint32_t own_ssrc,
                         uint64_t now_us)
{
    if (state->rrtr_arrival_us == 0)
        return 0;
    struct rtcp_xr_dlrr entry = {
        .ssrc = state->rrtr_ssrc,
        .lrr = state->rrtr_middle,
        .dlrr = ntp_time_delay(now_us - state->rrtr_arrival_us),
    };
    int bytes = rtcp_write_xr_dlrr(compound_end(compound), compound_room(compound), own_ssrc, &entry, 1);
    if (bytes < 0)
        return bytes;
    compound->length += (uint32_t)bytes;
    compound->receiver_offset = NO_RECEIVER_REPORT;
    state->rrtr_arrival_us = 0;
    return 0;
}
