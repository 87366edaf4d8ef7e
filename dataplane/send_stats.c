#include "dataplane/send_stats.h"

#include <errno.h>
#include <string.h>

#include "dataplane/bitrate_window.h"
#include "dataplane/ntp_time.h"

#define MAX_RTT_US 60000000
/* A producer's clock that says something else than its packets is not believed. */
#define MAX_CLOCK_ERROR_S 5u

void send_stats_init(struct send_stats *stats, uint32_t clock_rate)
{
    memset(stats, 0, sizeof(*stats));
    stats->clock_rate = clock_rate;
}

void send_stats_packet(struct send_stats *stats, uint32_t payload_bytes, uint64_t now_us)
{
    stats->packets++;
    stats->bytes += payload_bytes;
    bitrate_window_add(&stats->bitrate, payload_bytes, now_us);
}

void send_stats_report_block(struct send_stats *stats, const struct rtcp_report_block *block, uint64_t now_us)
{
    stats->report_us = now_us;
    stats->fraction_lost = block->fraction_lost;
    stats->packets_lost = block->cumulative_lost;
    stats->jitter = block->jitter;
    stats->highest = block->highest_sequence;
    if (block->lsr == 0)
        return;

    int32_t round_trip = (int32_t)(ntp_time_middle(ntp_time_from_us(now_us)) - block->lsr - block->dlsr);
    int64_t round_trip_us = (int64_t)round_trip * 1000000 / 65536;
    if (round_trip < -1 || round_trip_us > MAX_RTT_US) /* -1: three values, each rounded down */
        return;
    stats->rtt_us = round_trip_us > 0 ? (uint32_t)round_trip_us : 1;
}

int send_stats_sender_info(const struct send_stats *stats, const struct rewrite_state *last,
                           const struct sender_clock *clock, const struct stream_clock *source,
                           uint64_t now_us, struct rtcp_sender_info *ret_info)
{
    if (stats->packets == 0)
        return -ENODATA;

    uint32_t timestamp = last->last_timestamp + ntp_time_to_rtp(now_us - last->last_us, stats->clock_rate);
    uint32_t from_clock;
    if (sender_clock_timestamp(clock, source, now_us, &from_clock)) {
        int64_t error = (int32_t)(from_clock + last->timestamp_offset - timestamp);
        int64_t allowed = (int64_t)MAX_CLOCK_ERROR_S * stats->clock_rate;
        if (error > -allowed && error < allowed)
            timestamp = from_clock + last->timestamp_offset;
    }
    *ret_info = (struct rtcp_sender_info){
        .ntp = ntp_time_from_us(now_us),
        .rtp_timestamp = timestamp,
        .packet_count = (uint32_t)stats->packets,
        .octet_count = (uint32_t)stats->bytes,
    };
    return 0;
}
