/* What is sent of one RTP stream, and what its receiver says of it. State: struct send_stats in the
 * consumer's row. */
#pragma once

#include "dataplane/sender_clock.h"
#include "proto/wire/rtcp_report.h"
#include "shm/media_state.h"

/* clock_rate is in Hz, not 0. */
void send_stats_init(struct send_stats *stats, uint32_t clock_rate);

/* A packet went out for the first time. payload_bytes: no header, no padding. */
void send_stats_packet(struct send_stats *stats, uint32_t payload_bytes, uint64_t now_us);

/* A report block about this stream has arrived: loss, jitter, and the round trip (RFC 3550 section 6.4.1)
 * when it answers a sender report of ours. A round trip that cannot be is ignored. */
void send_stats_report_block(struct send_stats *stats, const struct rtcp_report_block *block,
                             uint64_t now_us);

/* What a sender report says now. The RTP timestamp comes from the producer's own clock where it is known
 * (source is the forwarded producer stream), so that lip
 * sync holds; else from the highest timestamp sent and the time since (last). source.ntp may be 0. -ENODATA
 * before the first packet. ret_info->ssrc is left to the caller. */
int send_stats_sender_info(const struct send_stats *stats, const struct rewrite_state *last,
                           const struct sender_clock *clock, const struct stream_clock *source,
                           uint64_t now_us, struct rtcp_sender_info *ret_info);
