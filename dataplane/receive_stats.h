/* What is received of one RTP stream (RFC 3550 appendix A.1, A.3, A.8), for receiver reports, scores and
 * people. State: struct receive_stats in the stream's row.
 *
 * A packet that was there before is told apart over 1,024 numbers, so that what comes after may rely on it:
 * nothing that receive_stats_packet accepts is ever accepted twice. */
#pragma once

#include "dataplane/sender_clock.h"
#include "proto/wire/rtcp_report.h"
#include "proto/wire/rtp.h"
#include "shm/media_state.h"

enum receive_verdict {
    RECEIVE_NEXT,    /* the newest so far; numbers left out in between are lost or late */
    RECEIVE_LATE,    /* older, and not seen before */
    RECEIVE_RESTART, /* the stream started, or began anew with other numbers: consumers must sync their
                      * rewriters (rewrite.h, vp8_continuity.h) before this packet, video wants a key frame */
    RECEIVE_REPEAT,  /* drop */
    RECEIVE_STRAY    /* far from what was expected, once: drop; a second in a row is a restart */
};

/* clock_rate is in Hz, not 0. */
void receive_stats_init(struct receive_stats *stats, uint32_t ssrc, uint32_t clock_rate);

/* payload_bytes: with padding. Only for packets that were authenticated. */
enum receive_verdict receive_stats_packet(struct receive_stats *stats, const struct rtp_header *header,
                                          uint32_t payload_bytes, uint64_t now_us);

/* RTX has brought the packet with that number (RFC 4588). False when it is not missing: seen before, newer
 * than all, or too old. What was lost stays lost for reports; it is counted as repaired. */
bool receive_stats_repaired(struct receive_stats *stats, uint16_t sequence, uint32_t payload_bytes,
                            uint64_t now_us);

/* A sender report for this stream has arrived. */
void receive_stats_sender_report(struct receive_stats *stats, const struct rtcp_sender_info *info,
                                 uint64_t now_us);

/* Ends an interval: fraction lost is what was lost since the last call. -ENODATA before the first packet. */
int receive_stats_report_block(struct receive_stats *stats, uint64_t now_us,
                               struct rtcp_report_block *ret_block);

/* Expected minus received; negative when more came than was expected. */
int64_t receive_stats_lost(const struct receive_stats *stats);

static inline uint32_t receive_stats_jitter(const struct receive_stats *stats)
{
    return stats->jitter_x16 >> 4;
}

static inline struct stream_clock receive_stats_clock(const struct receive_stats *stats)
{
    return (struct stream_clock){.ntp = stats->sr_ntp, .rtp = stats->sr_rtp, .rate = stats->clock_rate};
}
