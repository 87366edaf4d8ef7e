#include "tools/kolabmeet-load/loop.h"

#include <errno.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "tools/kolabmeet-load/clock.h"

int loop_init(struct loop *loop)
{
    memset(loop, 0, sizeof *loop);
    loop->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    loop->now_ns = clock_ns();
    return loop->epoll_fd < 0 ? -errno : 0;
}

void loop_deinit(struct loop *loop)
{
    if (loop->epoll_fd >= 0)
        close(loop->epoll_fd);
    loop->epoll_fd = -1;
    schedule_deinit(&loop->schedule);
}

static int control(struct loop *loop, int operation, struct loop_watch *watch, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.ptr = watch};
    return epoll_ctl(loop->epoll_fd, operation, watch->fd, &event) != 0 ? -errno : 0;
}

int loop_watch_add(struct loop *loop, struct loop_watch *watch, uint32_t events)
{
    return control(loop, EPOLL_CTL_ADD, watch, events);
}

int loop_watch_change(struct loop *loop, struct loop_watch *watch, uint32_t events)
{
    return control(loop, EPOLL_CTL_MOD, watch, events);
}

void loop_watch_remove(struct loop *loop, struct loop_watch *watch)
{
    (void)control(loop, EPOLL_CTL_DEL, watch, 0);
    for (int i = 0; i < loop->event_count; i++) /* what this round still has for it */
        if (loop->events[i].data.ptr == watch)
            loop->events[i].data.ptr = NULL;
}

static void sleep_until(uint64_t time_ns)
{
    const struct timespec time = {
        .tv_sec = (time_t)(time_ns / CLOCK_SECOND_NS),
        .tv_nsec = (long)(time_ns % CLOCK_SECOND_NS),
    };
    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &time, NULL); /* a signal only makes it early */
}

static int gather_events(struct loop *loop)
{
    int count = epoll_wait(loop->epoll_fd, loop->events, LOOP_EVENTS_MAX, 0);
    if (count < 0 && errno != EINTR)
        return -errno;
    loop->event_count = count > 0 ? count : 0;
    return 0;
}

int loop_run(struct loop *loop)
{
    prctl(PR_SET_TIMERSLACK, 1UL, 0UL, 0UL, 0UL);
    while (!loop->stopping) {
        uint64_t next_ns = schedule_next_ns(&loop->schedule);
        uint64_t round_ns = loop->now_ns + LOOP_ROUND_NS;
        sleep_until(next_ns < round_ns ? next_ns : round_ns);
        loop->now_ns = clock_ns();
        if (next_ns <= loop->now_ns)
            histogram_add(&loop->lateness, schedule_run(&loop->schedule, loop->now_ns));
        int error = gather_events(loop);
        if (error != 0)
            return error;
        if (loop->round_begin)
            loop->round_begin(loop->context);
        for (int i = 0; i < loop->event_count; i++) {
            struct loop_watch *watch = loop->events[i].data.ptr;
            if (watch)
                watch->ready(watch->context, loop->events[i].events);
        }
        loop->event_count = 0;
        if (loop->round_end)
            loop->round_end(loop->context);
    }
    return 0;
}
