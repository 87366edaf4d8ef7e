/* The one thread's loop: descriptors by epoll, times by the schedule, and hooks at both ends of a round,
 * where packets are gathered and worked off in one batch.
 *
 * A round begins when something is due, and every LOOP_ROUND_NS at the latest; in between the thread sleeps
 * and no packet wakes it, since waking it would be paid for by the sender: the server that is being measured.
 * When packets came is for the kernel to say. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/epoll.h>

#include "tools/kolabmeet-load/histogram.h"
#include "tools/kolabmeet-load/schedule.h"

#define LOOP_EVENTS_MAX 256
#define LOOP_ROUND_NS UINT64_C(500000)

struct loop_watch {
    int fd;
    void (*ready)(void *context, uint32_t events); /* EPOLLIN and so on */
    void *context;
};

struct loop {
    int epoll_fd;
    bool stopping;
    uint64_t now_ns; /* of this round */
    struct schedule schedule;
    struct histogram lateness; /* of every round in which something was due */
    void (*round_begin)(void *context);
    void (*round_end)(void *context);
    void *context;
    struct epoll_event events[LOOP_EVENTS_MAX];
    int event_count;
};

int loop_init(struct loop *loop);
void loop_deinit(struct loop *loop);

/* The watch stays where it is until it is removed; its descriptor is closed after that. -errno. */
int loop_watch_add(struct loop *loop, struct loop_watch *watch, uint32_t events);
int loop_watch_change(struct loop *loop, struct loop_watch *watch, uint32_t events);
void loop_watch_remove(struct loop *loop, struct loop_watch *watch);

static inline void loop_at(struct loop *loop, struct schedule_entry *entry, uint64_t due_ns)
{
    schedule_add(&loop->schedule, entry, due_ns);
}

static inline void loop_cancel(struct loop *loop, struct schedule_entry *entry)
{
    schedule_remove(&loop->schedule, entry);
}

/* Until stopping is set. -errno when epoll fails. */
int loop_run(struct loop *loop);
