#include "dataplane/rtcp_limit.h"

#include "dataplane/punt.h"
#include "proto/wire/bytes.h"
#include "proto/wire/rtcp_feedback.h"

#define UNIT_BYTES 64u     /* two or three report blocks */
#define UNIT_STATUSES 64u  /* of transport-wide feedback */
#define NACK_ITEM_BYTES 4u /* asks for up to 17 packets, each of which is looked for */
#define FEEDBACK_BYTES 12u /* header and two SSRCs, of which the content follows (RFC 4585 section 6.1) */

uint32_t rtcp_limit_units(const struct rtcp_packet *part)
{
    uint32_t content = part->length > FEEDBACK_BYTES ? part->length - FEEDBACK_BYTES : 0;

    if (part->type == RTCP_RTPFB && part->count == RTCP_RTPFB_NACK)
        return 1 + content / NACK_ITEM_BYTES;
    if (part->type == RTCP_RTPFB && part->count == RTCP_RTPFB_TWCC && content >= 4)
        return 1 + part->length / UNIT_BYTES + load_be16(part->data + FEEDBACK_BYTES + 2) / UNIT_STATUSES;
    return 1 + part->length / UNIT_BYTES;
}

bool rtcp_limit_admit(struct transport *transport, uint32_t units, uint64_t now_us)
{
    return token_bucket_take(&transport->rtcp, units, RTCP_LIMIT_UNITS, RTCP_LIMIT_UNITS, now_us);
}
