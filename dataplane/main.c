/* kolabmeet-forwarder: joins control, starts a thread a worker, and waits for the end. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "dataplane/log.h"
#include "dataplane/log_watch.h"
#include "dataplane/options.h"
#include "dataplane/port_tcp.h"
#include "dataplane/socket_watch.h"
#include "dataplane/worker.h"
#include "shm/endpoint.h"

#define JOIN_TIMEOUT_MS 10000
#define BEAT_MS 100
#define GIVE_TRIES 1000u
#define SPIN_US_FEW_CORES 50u
#define SPIN_US 500u

struct worker_thread {
    struct worker *worker;
    pthread_t thread;
    int arrivals[2]; /* pipe to its port: TCP connections */
    bool running;
};

struct forwarder {
    struct options options;
    struct shm_descriptors descriptors;
    struct shm_segment segment;
    struct statistics statistics;
    struct log_watch *watch;
    struct socket_watch sockets;
    struct worker_thread threads[SHM_ENDPOINT_WORKERS_MAX];
    int signal_fd;
};

static atomic_bool stopping;

__attribute__((format(printf, 1, 2))) static int fail(const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    fputs("kolabmeet-forwarder: ", stderr);
    /* NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized) */
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    return 1;
}

static uint64_t monotonic_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

/* Signals come by a descriptor, to the main thread; workers inherit the mask. */
static int take_signals(void)
{
    sigset_t set;

    signal(SIGPIPE, SIG_IGN);
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

static int join(struct forwarder *forwarder)
{
    char why[256];
    struct shm_descriptors *descriptors = &forwarder->descriptors;
    int error = endpoint_join(forwarder->options.control_fd, SHM_ENDPOINT_WORKERS_MAX, JOIN_TIMEOUT_MS,
                              descriptors, why, sizeof(why));

    if (error != 0)
        return fail("cannot join kolabmeetd: %s", why);
    error = shm_segment_attach(descriptors->segment, &forwarder->segment, why, sizeof(why));
    if (error != 0)
        return fail("cannot use the shared memory: %s", why);
    descriptors->segment = -1;
    error = statistics_attach(descriptors->statistics, &forwarder->statistics, why, sizeof(why));
    if (error != 0)
        return fail("cannot use the statistics file: %s", why);
    descriptors->statistics = -1;
    const struct shm_liveness *control =
        shm_segment_at(&forwarder->segment, SHM_SECTION_LIVENESS, SHM_LIVENESS_CONTROL);
    log_follow(&control->log_levels);
    forwarder->watch = log_watch_create(&forwarder->statistics, descriptors->workers);
    return forwarder->watch ? 0 : fail("out of memory");
}

/* Room for some thousand connections that its worker has not taken yet. */
static int open_arrivals(struct worker_thread *thread, uint32_t index)
{
    if (pipe2(thread->arrivals, O_CLOEXEC | O_NONBLOCK) != 0)
        return fail("worker %u: pipe: %s", index, strerror(errno));
    return 0;
}

static int create_worker(struct forwarder *forwarder, uint32_t index)
{
    const struct shm_descriptors *descriptors = &forwarder->descriptors;
    uint32_t cores = (uint32_t)sysconf(_SC_NPROCESSORS_ONLN);
    char why[256];
    struct worker_config config = {
        .index = index,
        .segment = &forwarder->segment,
        .statistics = &forwarder->statistics,
        .srtp = forwarder->options.srtp,
        .media_socket = descriptors->media_socket[index],
        .arrivals_fd = forwarder->threads[index].arrivals[0],
        .wake_fd = descriptors->worker_wake[index],
        .control_wake_fd = descriptors->control_wake[index],
        .peer_wake_fds = descriptors->worker_wake,
        .poll = forwarder->options.poll,
        .spin_us = cores <= 2 || cores <= descriptors->workers ? SPIN_US_FEW_CORES : SPIN_US,
    };

    if (worker_create(&config, &forwarder->threads[index].worker, why, sizeof(why)) != 0)
        return fail("%s", why);
    return 0;
}

static void *run(void *argument)
{
    worker_run(argument, &stopping);
    return NULL;
}

static int start_worker(struct forwarder *forwarder, uint32_t index)
{
    struct worker_thread *thread = &forwarder->threads[index];
    const struct options *options = &forwarder->options;
    char name[16];
    int error = pthread_create(&thread->thread, NULL, run, thread->worker);

    if (error != 0)
        return fail("worker %u: %s", index, strerror(error));
    thread->running = true;
    snprintf(name, sizeof(name), "worker %u", index);
    pthread_setname_np(thread->thread, name);
    if (options->cpu_count > 0) {
        cpu_set_t set;
        unsigned cpu = options->cpus[index % options->cpu_count];
        CPU_ZERO(&set);
        CPU_SET(cpu, &set);
        error = pthread_setaffinity_np(thread->thread, sizeof(set), &set);
        if (error != 0)
            return fail("worker %u cannot run on CPU %u: %s", index, cpu, strerror(error));
    }
    return 0;
}

static int start(struct forwarder *forwarder)
{
    uint32_t workers = forwarder->descriptors.workers;

    if (workers != forwarder->segment.capacities.workers)
        return fail("%u workers are welcome, but the shared memory is laid out for %u", workers,
                    forwarder->segment.capacities.workers);
    for (uint32_t i = 0; i < workers; i++) {
        if (open_arrivals(&forwarder->threads[i], i) != 0 || create_worker(forwarder, i) != 0)
            return 1;
    }
    for (uint32_t i = 0; i < workers; i++) {
        if (start_worker(forwarder, i) != 0)
            return 1;
    }
    return 0;
}

static bool give_connection(struct worker_thread *thread, const struct shm_handover *handover, int fd)
{
    struct port_tcp_arrival arrival = {.fd = fd, .remote = handover->remote};
    return write(thread->arrivals[1], &arrival, sizeof(arrival)) == (ssize_t)sizeof(arrival);
}

/* After a restart many come at once, and none comes again: the worker is given time. */
static bool give_plain(struct worker_thread *thread, const struct shm_handover *handover, const int fds[2])
{
    int error;

    for (unsigned i = 0; i < GIVE_TRIES; i++) {
        error = worker_give_plain(thread->worker, handover->transport, fds);
        if (error != -EAGAIN)
            return error == 0;
        usleep(1000);
    }
    return false;
}

static bool give(struct forwarder *forwarder, const struct shm_handover *handover, const int *fds)
{
    if (handover->worker >= forwarder->descriptors.workers)
        return false;
    struct worker_thread *thread = &forwarder->threads[handover->worker];
    return handover->kind == SHM_HANDOVER_PLAIN ? give_plain(thread, handover, fds)
                                                : give_connection(thread, handover, fds[0]);
}

/* Hands what control hands over to the workers that it is for. False when control has gone. */
static bool take_handovers(struct forwarder *forwarder)
{
    struct shm_handover handover;
    int fds[SHM_HANDOVER_DESCRIPTORS];
    int error;

    while ((error = endpoint_receive_handover(forwarder->options.control_fd, &handover, fds)) == 0) {
        bool is_plain = handover.kind == SHM_HANDOVER_PLAIN;
        bool given = give(forwarder, &handover, fds);
        log_say(SHM_LOG_handover, given ? SHM_LOG_DEBUG : SHM_LOG_WARN, "%s for worker %u%s",
                is_plain ? "sockets of a plain transport" : "a TCP connection", handover.worker,
                given ? "" : ", who cannot take more");
        if (given)
            continue;
        close(fds[0]);
        if (is_plain)
            close(fds[1]);
    }
    return error == -EAGAIN || error == -EPROTO;
}

static void watch_sockets(struct forwarder *forwarder, uint64_t now_us)
{
    if (!socket_watch_is_due(&forwarder->sockets, now_us))
        return;
    for (uint32_t i = 0; i < forwarder->descriptors.workers; i++)
        worker_note_overflow(
            forwarder->threads[i].worker,
            socket_watch_look(&forwarder->sockets, i, forwarder->descriptors.media_socket[i]));
}

/* Until control has gone, or a signal says so. */
static void supervise(struct forwarder *forwarder)
{
    struct shm_liveness *liveness =
        shm_segment_at(&forwarder->segment, SHM_SECTION_LIVENESS, SHM_LIVENESS_FORWARDER);
    struct pollfd fds[2] = {{.fd = forwarder->options.control_fd, .events = POLLIN},
                            {.fd = forwarder->signal_fd, .events = POLLIN}};

    atomic_store(&liveness->pid, (uint32_t)getpid());
    for (;;) {
        uint64_t now_us = monotonic_us();
        liveness_beat(liveness, now_us);
        watch_sockets(forwarder, now_us);
        log_watch_turn(forwarder->watch, &forwarder->segment, &forwarder->statistics, now_us);
        int ready = poll(fds, 2, BEAT_MS);
        if (ready < 0 && errno != EINTR)
            return;
        if (ready <= 0)
            continue;
        if (fds[1].revents != 0)
            return;
        if (fds[0].revents != 0 && !take_handovers(forwarder))
            return;
    }
}

static void stop(struct forwarder *forwarder)
{
    atomic_store(&stopping, true);
    for (uint32_t i = 0; i < forwarder->descriptors.workers; i++) {
        struct worker_thread *thread = &forwarder->threads[i];
        if (thread->running) {
            eventfd_write(forwarder->descriptors.worker_wake[i], 1);
            pthread_join(thread->thread, NULL);
        }
        worker_destroy(thread->worker);
        if (thread->arrivals[1] > 0) {
            close(thread->arrivals[0]);
            close(thread->arrivals[1]);
        }
    }
    log_follow(NULL);
    free(forwarder->watch);
    if (forwarder->statistics.header)
        statistics_deinit(&forwarder->statistics);
    if (forwarder->segment.header)
        shm_segment_deinit(&forwarder->segment, false);
    endpoint_close_descriptors(&forwarder->descriptors);
    forwarder->options.srtp->deinit();
}

int main(int argc, char **argv)
{
    static struct forwarder forwarder;
    char why[256];

    if (options_parse(argc, argv, &forwarder.options, why, sizeof(why)) != 0)
        return fail("%s", why);
    if (forwarder.options.help || forwarder.options.version) {
        fputs(forwarder.options.help ? options_usage : "kolabmeet-forwarder " KM_VERSION "\n", stdout);
        return 0;
    }
    forwarder.signal_fd = take_signals();
    if (forwarder.signal_fd < 0)
        return fail("signalfd: %s", strerror(errno));
    if (forwarder.options.srtp->init() != 0)
        return fail("%s cannot be initialised", forwarder.options.srtp->name);

    forwarder.descriptors.segment = forwarder.descriptors.statistics = -1;
    int status = join(&forwarder);
    if (status == 0)
        status = start(&forwarder);
    if (status == 0) {
        log_say(SHM_LOG_worker, SHM_LOG_INFO, "%u worker(s), %s", forwarder.descriptors.workers,
                forwarder.options.srtp->name);
        supervise(&forwarder);
    }
    stop(&forwarder);
    return status;
}
