#include "dataplane/receive_stats.h"

#include <errno.h>
#include <string.h>

#include "dataplane/bitrate_window.h"
#include "dataplane/ntp_time.h"

#define MAX_DROPOUT 3000 /* RFC 3550 section A.1 */
#define WINDOW 1024      /* of struct receive_stats' seen; more patient than the RFC's MAX_MISORDER */
#define NO_BAD_SEQUENCE 0x10000u
#define FIRST_CYCLE 0x10000u /* so that what is older than the first packet has a number too */
#define MAX_TRANSIT_CHANGE_S 5u

void receive_stats_init(struct receive_stats *stats, uint32_t ssrc, uint32_t clock_rate)
{
    memset(stats, 0, sizeof(*stats));
    stats->ssrc = ssrc;
    stats->clock_rate = clock_rate;
    stats->bad_sequence = NO_BAD_SEQUENCE;
}

static bool receive_stats_seen(const struct receive_stats *stats, uint64_t number)
{
    return stats->seen[number % WINDOW / 64] >> (number % 64) & 1;
}

static void receive_stats_mark(struct receive_stats *stats, uint64_t number)
{
    stats->seen[number % WINDOW / 64] |= 1ull << (number % 64);
}

static void receive_stats_begin(struct receive_stats *stats, uint16_t sequence)
{
    stats->restarts += stats->started;
    stats->started = 1;
    stats->highest = stats->base = FIRST_CYCLE + sequence;
    stats->received = 0;
    stats->expected_prior = stats->received_prior = 0;
    stats->jitter_x16 = 0;
    memset(stats->seen, 0, sizeof(stats->seen));
}

static void receive_stats_advance(struct receive_stats *stats, unsigned steps)
{
    if (steps >= WINDOW)
        memset(stats->seen, 0, sizeof(stats->seen));
    else
        for (uint64_t number = stats->highest + 1; number <= stats->highest + steps; number++)
            stats->seen[number % WINDOW / 64] &= ~(1ull << (number % 64));
    stats->highest += steps;
}

/* RFC 3550 section A.8, in integers. What no network does (a sender's clock that jumps) is left out. */
static void receive_stats_jitter_update(struct receive_stats *stats, uint32_t timestamp, bool first,
                                        uint64_t now_us)
{
    uint32_t transit = ntp_time_to_rtp(now_us, stats->clock_rate) - timestamp;
    int32_t change = (int32_t)(transit - stats->transit);
    uint32_t magnitude = change < 0 ? 0u - (uint32_t)change : (uint32_t)change;
    stats->transit = transit;
    if (!first && magnitude < (uint64_t)MAX_TRANSIT_CHANGE_S * stats->clock_rate)
        stats->jitter_x16 += magnitude - ((stats->jitter_x16 + 8) >> 4);
}

enum receive_verdict receive_stats_packet(struct receive_stats *stats, const struct rtp_header *header,
                                          uint32_t payload_bytes, uint64_t now_us)
{
    enum receive_verdict verdict;
    int delta = rtp_seq_delta(header->sequence, (uint16_t)stats->highest);
    uint64_t number = stats->highest + (uint64_t)(int64_t)delta;

    if (!stats->started ||
        (header->sequence == stats->bad_sequence && (delta >= MAX_DROPOUT || delta <= -WINDOW))) {
        receive_stats_begin(stats, header->sequence);
        number = stats->highest;
        verdict = RECEIVE_RESTART;
    } else if (delta > 0 && delta < MAX_DROPOUT) {
        receive_stats_advance(stats, (unsigned)delta);
        verdict = RECEIVE_NEXT;
    } else if (delta <= 0 && delta > -WINDOW) {
        if (receive_stats_seen(stats, number)) {
            stats->repeats++;
            return RECEIVE_REPEAT;
        }
        stats->base = number < stats->base ? number : stats->base;
        verdict = RECEIVE_LATE;
    } else {
        stats->bad_sequence = (uint16_t)(header->sequence + 1);
        stats->strays++;
        return RECEIVE_STRAY;
    }

    receive_stats_mark(stats, number);
    stats->bad_sequence = NO_BAD_SEQUENCE;
    stats->received++;
    stats->packets++;
    stats->bytes += payload_bytes;
    stats->last_packet_us = now_us;
    bitrate_window_add(&stats->bitrate, payload_bytes, now_us);
    receive_stats_jitter_update(stats, header->timestamp, verdict == RECEIVE_RESTART, now_us);
    return verdict;
}

bool receive_stats_repaired(struct receive_stats *stats, uint16_t sequence, uint32_t payload_bytes,
                            uint64_t now_us)
{
    int delta = rtp_seq_delta(sequence, (uint16_t)stats->highest);
    uint64_t number = stats->highest + (uint64_t)(int64_t)delta;

    if (!stats->started || delta >= 0 || delta <= -WINDOW || number < stats->base ||
        receive_stats_seen(stats, number))
        return false;
    receive_stats_mark(stats, number);
    stats->repaired++;
    stats->bytes += payload_bytes;
    bitrate_window_add(&stats->bitrate, payload_bytes, now_us);
    return true;
}

void receive_stats_sender_report(struct receive_stats *stats, const struct rtcp_sender_info *info,
                                 uint64_t now_us)
{
    if (info->ntp == 0) /* the sender has no wall clock (RFC 3550 section 6.4.1) */
        return;
    stats->sr_ntp = info->ntp;
    stats->sr_rtp = info->rtp_timestamp;
    stats->sr_arrival_us = now_us;
}

static uint64_t receive_stats_expected(const struct receive_stats *stats)
{
    return stats->started ? stats->highest - stats->base + 1 : 0;
}

int64_t receive_stats_lost(const struct receive_stats *stats)
{
    return (int64_t)(receive_stats_expected(stats) - stats->received);
}

int receive_stats_report_block(struct receive_stats *stats, uint64_t now_us,
                               struct rtcp_report_block *ret_block)
{
    if (!stats->started)
        return -ENODATA;

    uint64_t expected = receive_stats_expected(stats);
    uint64_t expected_interval = expected - stats->expected_prior;
    int64_t lost_interval = (int64_t)expected_interval - (int64_t)(stats->received - stats->received_prior);
    uint64_t fraction = lost_interval > 0 ? (uint64_t)lost_interval * 256 / expected_interval : 0;
    stats->expected_prior = expected;
    stats->received_prior = stats->received;
    stats->fraction_lost = fraction > 255 ? 255 : (uint8_t)fraction;

    int64_t lost = receive_stats_lost(stats);
    *ret_block = (struct rtcp_report_block){
        .ssrc = stats->ssrc,
        .fraction_lost = stats->fraction_lost,
        .cumulative_lost = lost > 0x7fffff    ? 0x7fffff
                           : lost < -0x800000 ? -0x800000
                                              : (int32_t)lost,
        .highest_sequence = (uint32_t)(stats->highest - FIRST_CYCLE),
        .jitter = receive_stats_jitter(stats),
    };
    if (stats->sr_ntp != 0) {
        ret_block->lsr = ntp_time_middle(stats->sr_ntp);
        ret_block->dlsr = ntp_time_delay(now_us - stats->sr_arrival_us);
    }
    return 0;
}
