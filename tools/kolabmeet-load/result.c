#include "tools/kolabmeet-load/result.h"

#define CPU_SHARE_MAX 0.95
#define LATE_P99_MAX_NS UINT64_C(10000000)

double result_loss(const struct result *result)
{
    if (result->is_incomplete || result->expected == result->own_lost)
        return 1;
    return (double)result->lost / (double)(result->expected - result->own_lost);
}

uint64_t result_received(const struct result *result)
{
    return result->expected - result->lost - result->own_lost;
}

double result_packets_per_second(const struct result *result)
{
    return result->seconds > 0 ? (double)(result->expected - result->lost) / result->seconds : 0;
}

unsigned result_limits(const struct result *result)
{
    unsigned limits = 0;

    if (result->own_cpu_s >= CPU_SHARE_MAX * result->seconds)
        limits |= RESULT_LIMIT_CPU;
    if (result->late_p99_ns > LATE_P99_MAX_NS)
        limits |= RESULT_LIMIT_LATE;
    if (result->socket_drops > 0 || result->own_lost > 0)
        limits |= RESULT_LIMIT_SOCKET;
    if (result->tally.send_failures > 0)
        limits |= RESULT_LIMIT_SEND;
    return limits;
}

double result_us_per_packet(const struct result *result, double cpu_s)
{
    uint64_t arrived = result->expected - result->lost;
    return arrived == 0 ? 0 : cpu_s * 1e6 / (double)arrived;
}
