#include "dataplane/application_limit.h"

#define USED_PERCENT 65
#define WINDOW_US 500000
#define BEGIN_PERCENT 80 /* of the window's budget not used */
#define END_PERCENT 50

bool application_limit_update(struct application_limit *limit, uint32_t sent_bytes, uint32_t estimate_bps,
                              uint64_t now_us)
{
    int64_t rate_bps = (int64_t)estimate_bps * USED_PERCENT / 100;
    int64_t window_bytes = rate_bps * WINDOW_US / 8000000;
    int64_t passed_us = limit->updated_us == 0 ? 0 : (int64_t)(now_us - limit->updated_us);
    bool was_limited = limit->is_limited;

    if (passed_us > WINDOW_US)
        passed_us = WINDOW_US;
    limit->updated_us = now_us;
    /* What was not used is kept, what was used too much is not forgiven, both for one window. */
    limit->budget_bytes += rate_bps * passed_us / 8000000 - sent_bytes;
    if (limit->budget_bytes > window_bytes)
        limit->budget_bytes = window_bytes;
    if (limit->budget_bytes < -window_bytes)
        limit->budget_bytes = -window_bytes;
    if (limit->budget_bytes * 100 > window_bytes * BEGIN_PERCENT)
        limit->is_limited = 1;
    else if (limit->budget_bytes * 100 < window_bytes * END_PERCENT)
        limit->is_limited = 0;
    return was_limited != limit->is_limited;
}
