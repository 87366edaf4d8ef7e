#include "dataplane/queue_delay.h"

#define QUARTER_US 15000000u
#define QUEUE_MAX_US 10000000 /* beyond: a clock that was put forward */

void queue_delay_packet(struct queue_delay *delay, int64_t send_us, int64_t arrival_us)
{
    int64_t passed_us = arrival_us - send_us;

    if (!delay->has_round || passed_us < delay->round_us)
        delay->round_us = passed_us;
    delay->has_round = 1;
}

uint32_t queue_delay_end(struct queue_delay *delay, uint64_t now_us)
{
    if (!delay->has_round)
        return delay->queue_us;
    if (delay->begin_us == 0) {
        delay->least_us[0] = delay->least_us[1] = delay->round_us;
        delay->begin_us = now_us;
    } else if (now_us - delay->begin_us > QUARTER_US) {
        delay->least_us[1] = delay->least_us[0];
        delay->least_us[0] = delay->round_us;
        delay->begin_us = now_us;
    } else if (delay->round_us < delay->least_us[0]) {
        delay->least_us[0] = delay->round_us;
    }
    int64_t least_us = delay->least_us[0] < delay->least_us[1] ? delay->least_us[0] : delay->least_us[1];
    if (delay->round_us - least_us > QUEUE_MAX_US) {
        queue_delay_disbelieve(delay);
        return 0;
    }
    uint32_t newest_us = (uint32_t)(delay->round_us - least_us);
    delay->queue_us = newest_us < delay->newest_us ? newest_us : delay->newest_us;
    delay->newest_us = newest_us;
    delay->has_round = 0;
    return delay->queue_us;
}

void queue_delay_expire(struct queue_delay *delay)
{
    delay->queue_us = delay->newest_us = 0;
}

void queue_delay_disbelieve(struct queue_delay *delay)
{
    *delay = (struct queue_delay){0};
}
