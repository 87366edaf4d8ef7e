#include "dataplane/key_frame_limit.h"

static bool is_alone(const struct key_frame_asker *last, uint64_t asker, uint64_t now_us)
{
    return last->asker == 0 || last->asker == asker || now_us - last->asked_us > KEY_FRAME_LIMIT_OTHERS_US;
}

bool key_frame_limit_ask(struct key_frame_limit *limit, struct key_frame_asker *last, uint64_t asker,
                         uint64_t now_us)
{
    uint64_t passed_us = now_us - limit->granted_us;

    if (limit->granted_us == 0 || passed_us > KEY_FRAME_LIMIT_CALM_US)
        limit->wait_us = 0;
    if (is_alone(last, asker, now_us)) {
        if (passed_us < limit->wait_us)
            return false;
        limit->wait_us = limit->wait_us == 0 ? KEY_FRAME_LIMIT_MIN_US : 2 * limit->wait_us;
        if (limit->wait_us > KEY_FRAME_LIMIT_MAX_US)
            limit->wait_us = KEY_FRAME_LIMIT_MAX_US;
    }
    limit->granted_us = now_us;
    *last = (struct key_frame_asker){.asked_us = now_us, .asker = asker};
    return true;
}
