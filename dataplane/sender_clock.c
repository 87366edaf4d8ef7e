#include "dataplane/sender_clock.h"

#include "dataplane/ntp_time.h"

/* A delay that grows is first taken for the network's: the offset follows by 500 ppm, more than clocks drift.
 */
#define DRIFT_PER_US 2000
/* Beyond this it is no delay but a clock that was set. */
#define STEP_US 1000000

void sender_clock_report(struct sender_clock *clock, uint64_t sender_ntp, uint64_t now_us)
{
    int64_t offset_us = (int64_t)now_us - (int64_t)ntp_time_to_us(sender_ntp);
    int64_t growth_us = offset_us - clock->offset_us;

    if (clock->updated_us != 0 && growth_us > 0 && growth_us < STEP_US) {
        int64_t allowed_us = (int64_t)(now_us - clock->updated_us) / DRIFT_PER_US;
        offset_us = clock->offset_us + (growth_us < allowed_us ? growth_us : allowed_us);
    }
    clock->offset_us = offset_us;
    clock->updated_us = now_us;
}

/* Timestamp units of an interval of either sign, to the nearest. */
static uint32_t interval_units(int64_t interval_us, uint32_t rate)
{
    uint64_t magnitude_us = interval_us < 0 ? (uint64_t)-interval_us : (uint64_t)interval_us;
    uint64_t units = magnitude_us / 1000000u * rate + (magnitude_us % 1000000u * rate + 500000u) / 1000000u;
    return interval_us < 0 ? (uint32_t)(0 - units) : (uint32_t)units;
}

bool sender_clock_timestamp(const struct sender_clock *clock, const struct stream_clock *stream,
                            uint64_t now_us, uint32_t *ret_timestamp)
{
    if (clock->updated_us == 0 || stream->ntp == 0)
        return false;
    int64_t sender_now_us = (int64_t)now_us - clock->offset_us;
    int64_t since_report_us = sender_now_us - (int64_t)ntp_time_to_us(stream->ntp);
    *ret_timestamp = stream->rtp + interval_units(since_report_us, stream->rate);
    return true;
}

bool sender_clock_translate(const struct stream_clock *to, const struct stream_clock *from,
                            uint32_t timestamp, uint32_t *ret_timestamp)
{
    if (to->ntp == 0 || from->ntp == 0)
        return false;
    int64_t since_report_us = (int64_t)(int32_t)(timestamp - to->rtp) * 1000000 / (int64_t)to->rate;
    int64_t apart_us = (int64_t)ntp_time_to_us(to->ntp) - (int64_t)ntp_time_to_us(from->ntp);
    *ret_timestamp = from->rtp + interval_units(since_report_us + apart_us, from->rate);
    return true;
}
