/* Periodic RTCP: when it is due, and compounds of at most 1,200 bytes. State: struct rtcp_report_state of a
 * transport; the next sender report of a consumer stands in its struct send_stats.
 *
 * All rtcp_report_add_* append to a compound and return 0, or -ENOSPC with nothing appended: send what is
 * there, begin anew, add again. Reduced size is negotiated always (RFC 5506), so any packet may come first.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "proto/wire/rtcp_report.h"
#include "proto/wire/rtcp_xr.h"
#include "shm/media_state.h"

#define RTCP_REPORT_COMPOUND_MAX 1200u
#define RTCP_REPORT_VIDEO_US 1000000u
#define RTCP_REPORT_AUDIO_US 5000000u

struct rtcp_compound {
    uint8_t *buffer; /* not owned */
    uint32_t capacity;
    uint32_t length;
    uint32_t receiver_offset; /* of the receiver report that the next block may join; private */
};

/* Room for capacity bytes, but never more than RTCP_REPORT_COMPOUND_MAX. */
void rtcp_report_begin(struct rtcp_compound *compound, uint8_t *buffer, size_t capacity);

static inline bool rtcp_report_due(uint64_t next_us, uint64_t now_us)
{
    return now_us >= next_us;
}

/* When to report next: the interval times 1.0 to 1.5 by the random number, so that reports do not march in
 * step. Audio reports come early while young: the first after one second like video's. */
uint64_t rtcp_report_next_us(uint64_t interval_us, uint32_t random, uint64_t now_us);

/* A sender report and the CNAME (at most 255 bytes). */
int rtcp_report_add_sender(struct rtcp_compound *compound, const struct rtcp_sender_info *info,
                           const char *cname, size_t cname_length);

/* One report block; blocks added in a row share receiver report packets of up to 31. */
int rtcp_report_add_receiver(struct rtcp_compound *compound, uint32_t own_ssrc,
                             const struct rtcp_report_block *block);

/* Our receiver reference time (RFC 3611 section 4.4), which a sender answers with DLRR. */
int rtcp_report_add_rrtr(struct rtcp_compound *compound, uint32_t own_ssrc, uint64_t now_us);

/* A DLRR sub-block that answers it has arrived: the round trip in us (section 4.5), at least 1; 0 when it
 * makes no sense. */
uint32_t rtcp_report_round_trip_us(const struct rtcp_xr_dlrr *dlrr, uint64_t now_us);

/* A receiver reference time block has arrived (RFC 3611 section 4.4). */
void rtcp_report_reference_time(struct rtcp_report_state *state, uint32_t sender_ssrc, uint64_t ntp,
                                uint64_t now_us);

/* The DLRR that answers the last one, once; nothing when there is none. */
int rtcp_report_add_dlrr(struct rtcp_compound *compound, struct rtcp_report_state *state, uint32_t own_ssrc,
                         uint64_t now_us);
