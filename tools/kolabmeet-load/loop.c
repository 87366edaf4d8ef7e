#include "tools/kolabmeet-load/loop.h"

#include <errno.h>
#include <string.h>
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

static int wait_for_events(struct loop *loop)
{
    uint64_t next_ns = schedule_next_ns(&loop->schedule);
    uint64_t now_ns = clock_ns();
    struct timespec patience = {.tv_sec = 1};

    if (next_ns <= now_ns)
        patience.tv_sec = 0;
    else if (next_ns - now_ns < CLOCK_SECOND_NS)
        patience = (struct timespec){.tv_nsec = (long)(next_ns - now_ns)};
    int count = epoll_pwait2(loop->epoll_fd, loop->events, LOOP_EVENTS_MAX, &patience, NULL);
    if (count < 0 && errno != EINTR)
        return -errno;
    loop->event_count = count > 0 ? count : 0;
    return 0;
}

int loop_run(struct loop *loop)
{
    while (!loop->stopping) {
        int error = wait_for_events(loop);
        if (error != 0)
            return error;
        loop->now_ns = clock_ns();
        if (schedule_next_ns(&loop->schedule) <= loop->now_ns)
            histogram_add(&loop->lateness, schedule_run(&loop->schedule, loop->now_ns));
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
