/* Time of a test's own: what libevent and the code under test take for CLOCK_MONOTONIC stands still but for
 * own_time_run. It stands in libc's place for the whole program. */
#pragma once

#include <event2/event.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static uint64_t own_time_ms = 1000000;

int clock_gettime(clockid_t clock, struct timespec *ret_now)
{
    if (clock != CLOCK_MONOTONIC && clock != CLOCK_MONOTONIC_COARSE)
        return (int)syscall(SYS_clock_gettime, clock, ret_now);
    *ret_now = (struct timespec){.tv_sec = (time_t)(own_time_ms / 1000),
                                 .tv_nsec = (long)(own_time_ms % 1000 * 1000000)};
    return 0;
}

/* That much time passes: timers that become due run in their order, and what waits at sockets. Ends where the
 * loop is told to exit. */
static inline void own_time_run(struct event_base *base, unsigned ms)
{
    for (unsigned passed_ms = 0; passed_ms <= ms; passed_ms++) {
        event_base_loop(base, EVLOOP_NONBLOCK);
        if (event_base_got_exit(base))
            return;
        own_time_ms += passed_ms < ms;
    }
}
