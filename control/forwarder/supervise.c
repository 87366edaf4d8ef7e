#include "control/forwarder/supervise.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "control/forwarder/forwarder_private.h"
#include "control/forwarder/plain_sockets.h"
#include "control/forwarder/tuples.h"
#include "control/log.h"
#include "shm/liveness.h"

#define HEALTHY_BEAT_US 1000000u
#define STUCK_BEAT_US 5000000u
#define ABORT_GRACE_US 2000000u
#define HELLO_TIMEOUT_US 5000000u
#define RESTART_MIN_US 500000u
#define RESTART_MAX_US 8000000u

void supervise_unwatch(struct forwarder *forwarder)
{
    if (forwarder->hello_event)
        event_free(forwarder->hello_event);
    if (forwarder->end_event)
        event_free(forwarder->end_event);
    forwarder->hello_event = forwarder->end_event = NULL;
}

static void bury(struct forwarder *forwarder)
{
    forwarder->state = FORWARDER_STOPPED;
    forwarder->stuck_us = 0;
    forwarder->counts.forwarder_pid = 0;
    supervise_unwatch(forwarder);
    forwarder_publish_counts(forwarder);
}

/* Control is the only writer left: nothing is in use any more. */
static void clear_statistics(struct forwarder *forwarder)
{
    static const struct {
        enum statistics_section_kind kind;
        size_t bytes;
    } sections[] = {{STATISTICS_WORKER, sizeof(struct statistics_worker)},
                    {STATISTICS_TRANSPORT, sizeof(struct statistics_transport)},
                    {STATISTICS_STREAM, sizeof(struct statistics_stream)},
                    {STATISTICS_CONSUMER, sizeof(struct statistics_consumer)}};
    static const uint8_t nothing[sizeof(struct statistics_worker)];

    for (size_t s = 0; s < sizeof sections / sizeof *sections; s++)
        for (uint32_t i = 0; i < statistics_count(&forwarder->statistics, sections[s].kind); i++) {
            const uint64_t *block = statistics_block(&forwarder->statistics, sections[s].kind, i);
            if (sections[s].kind == STATISTICS_WORKER || block[1] != 0) /* the handle */
                statistics_publish(&forwarder->statistics, sections[s].kind, i, nothing, sections[s].bytes);
        }
}

/* Everything is gone: handles are stale, and the next forwarder begins with an empty segment. */
static void lose(struct forwarder *forwarder)
{
    bool was_open = forwarder->is_open;

    forwarder->is_open = false;
    for (uint32_t i = 0; i < forwarder->worker_count; i++) {
        event_del(forwarder->workers[i].wake_event);
        answers_forget(&forwarder->workers[i].answers);
        removals_forget(&forwarder->workers[i].removals);
    }
    forwarder->has_gone_on = false;
    tuples_forget_all(forwarder);
    objects_reset(&forwarder->objects);
    shm_segment_deinit(&forwarder->segment, true);
    clear_statistics(forwarder);
    if (was_open)
        forwarder->handler.on_lost(forwarder->context);
}

/* Whether the next forwarder can go on with what this one left: SRTP state must stand in the segment, and not
 * be what killed it. */
static bool can_go_on(struct forwarder *forwarder)
{
    uint64_t now_us = forwarder_now_us();
    uint64_t before_us = forwarder->deaths_us[FORWARDER_DEATHS_MAX - 1];

    memmove(forwarder->deaths_us + 1, forwarder->deaths_us,
            sizeof forwarder->deaths_us - sizeof *forwarder->deaths_us);
    forwarder->deaths_us[0] = now_us;
    if (before_us != 0 && now_us - before_us < FORWARDER_DEATHS_US)
        return false;
    return forwarder->is_open && strcmp(forwarder->srtp_backend, "libsrtp2") != 0;
}

static void forget_beats(struct forwarder *forwarder)
{
    for (uint32_t i = 0; i < forwarder->worker_count; i++)
        liveness_beat(shm_segment_at(&forwarder->segment, SHM_SECTION_LIVENESS, SHM_LIVENESS_WORKER(i)), 0);
}

uint64_t supervise_restart_us(uint32_t failures)
{
    uint64_t interval_us = RESTART_MIN_US;
    for (uint32_t i = 1; i < failures && interval_us < RESTART_MAX_US; i++)
        interval_us *= 2;
    return interval_us;
}

/* Nothing here can fail, so that nothing is ever given up: the tick starts it when it is time. Answers how
 * long that is. */
static uint64_t start_later(struct forwarder *forwarder, bool was_ready)
{
    uint64_t now_us = forwarder_now_us();

    forwarder->failures = was_ready ? 0 : forwarder->failures + 1;
    forwarder->restart_us = forwarder->started_us + supervise_restart_us(forwarder->failures);
    if (forwarder->restart_us <= now_us) {
        event_active(forwarder->tick_event, EV_TIMEOUT, 0);
        return 0;
    }
    return forwarder->restart_us - now_us;
}

static void on_end(evutil_socket_t fd, short what, void *context)
{
    struct forwarder *forwarder = context;
    char how[64];
    (void)fd;
    (void)what;
    pid_t pid = forwarder->process.pid;
    bool was_open = forwarder->is_open;
    bool was_ready = forwarder->state == FORWARDER_READY;
    process_reap(&forwarder->process, how, sizeof how);
    bury(forwarder);
    bool goes_on = can_go_on(forwarder);
    double wait_s = (double)start_later(forwarder, was_ready) / 1e6;
    log_error("forwarder", "process %d ended (%s), %s in %.1f s", (int)pid, how,
              goes_on    ? "another goes on with its calls"
              : was_open ? "its calls are lost, starting another"
                         : "starting another",
              wait_s);
    if (goes_on) {
        forwarder->has_gone_on = true;
        forget_beats(forwarder);
        plain_sockets_recall(forwarder);
    } else {
        lose(forwarder);
    }
}

static int open_channels(struct forwarder *forwarder)
{
    for (uint32_t i = 0; i < forwarder->worker_count; i++) {
        struct forwarder_worker *worker = &forwarder->workers[i];
        int err = channel_init(&worker->channel, &forwarder->segment, i,
                               forwarder->descriptors.worker_wake[i], forwarder->descriptors.control_wake[i]);
        if (err != 0)
            return err;
        if (event_add(worker->wake_event, NULL) != 0)
            return -ENOMEM;
        event_active(worker->wake_event, EV_READ, 0); /* empty, so that it sleeps: then it is woken */
    }
    forwarder->is_open = true;
    return 0;
}

static int welcome(struct forwarder *forwarder, const struct shm_hello *hello)
{
    int err;
    if (hello->workers_max < forwarder->worker_count) {
        (void)endpoint_send_refusal(forwarder->process.socket, EPROTO, "too few workers");
        return -EPROTO;
    }
    err = endpoint_send_welcome(forwarder->process.socket, &forwarder->descriptors);
    if (err == 0 && !forwarder->is_open)
        err = open_channels(forwarder);
    if (err != 0)
        return err;
    forwarder->state = FORWARDER_JOINED;
    forwarder->counts.forwarder_pid = hello->pid;
    plain_sockets_hand_over(forwarder);
    return 0;
}

static void on_hello(evutil_socket_t fd, short what, void *context)
{
    struct forwarder *forwarder = context;
    struct shm_hello hello;
    char why[300];
    (void)what;

    int err = endpoint_receive_hello(fd, &hello);
    if (err == -ECONNRESET || forwarder->state != FORWARDER_STARTING) {
        event_del(forwarder->hello_event); /* its end is reported by the pidfd */
        return;
    }
    if (err == 0)
        err = endpoint_check(&hello, why, sizeof why);
    else
        snprintf(why, sizeof why, "not a kolabmeet forwarder (it sent no hello)");
    if (err != 0)
        (void)endpoint_send_refusal(fd, -err, why);
    else if ((err = welcome(forwarder, &hello)) != 0)
        snprintf(why, sizeof why, "it cannot be welcomed: %s", strerror(-err));
    if (err != 0) {
        log_error("forwarder", "refused %s: %s", forwarder->binary, why);
        kill(forwarder->process.pid, SIGTERM);
    }
}

static int make_segment(struct forwarder *forwarder)
{
    int err = shm_segment_create(&forwarder->capacities, &forwarder->segment);
    if (err != 0)
        return err;
    forwarder->descriptors.segment = forwarder->segment.fd;
    tuple_map_init(&forwarder->tuples, shm_segment_section(&forwarder->segment, SHM_SECTION_TUPLE_MAP),
                   shm_segment_section(&forwarder->segment, SHM_SECTION_TUPLE_INDEX),
                   forwarder->capacities.tuples, forwarder->segment.secret);
    forwarder_tell_log_levels(forwarder);
    return 0;
}

static int watch_process(struct forwarder *forwarder)
{
    const struct forwarder_process *process = &forwarder->process;
    forwarder->hello_event =
        event_new(forwarder->base, process->socket, EV_READ | EV_PERSIST, on_hello, forwarder);
    forwarder->end_event = event_new(forwarder->base, process->pidfd, EV_READ, on_end, forwarder);
    if (!forwarder->hello_event || !forwarder->end_event || event_add(forwarder->hello_event, NULL) != 0 ||
        event_add(forwarder->end_event, NULL) != 0)
        return -ENOMEM;
    return 0;
}

static int launch(struct forwarder *forwarder)
{
    char control_fd[] = "--control-fd=3";
    char poll[32];
    char backend[40];
    char cpus[sizeof forwarder->cpus + 8];
    char *argv[] = {forwarder->binary, control_fd, poll, backend, *forwarder->cpus ? cpus : NULL, NULL};

    snprintf(poll, sizeof poll, "--poll=%s", forwarder->poll);
    snprintf(backend, sizeof backend, "--srtp-backend=%s", forwarder->srtp_backend);
    snprintf(cpus, sizeof cpus, "--cpus=%s", forwarder->cpus);
    int err = process_start(argv, &forwarder->process);
    if (err != 0)
        return err;
    if (watch_process(forwarder) != 0) {
        supervise_unwatch(forwarder);
        process_stop(&forwarder->process, 0);
        return -ENOMEM;
    }
    return 0;
}

int supervise_start(struct forwarder *forwarder, char *ret_error, size_t error_bytes)
{
    forwarder->started_us = forwarder_now_us();
    forwarder->stuck_us = 0;
    int err = forwarder->segment.header ? 0 : make_segment(forwarder);
    if (err != 0) {
        snprintf(ret_error, error_bytes, "the shared memory cannot be made: %s", strerror(-err));
        return err;
    }
    err = launch(forwarder);
    if (err != 0) {
        snprintf(ret_error, error_bytes, "%s cannot be started: %s", forwarder->binary, strerror(-err));
        return err;
    }
    forwarder->state = FORWARDER_STARTING;
    forwarder->counts.forwarder_starts++;
    return 0;
}

static void restart(struct forwarder *forwarder)
{
    char error[sizeof forwarder->binary + 128];
    if (supervise_start(forwarder, error, sizeof error) != 0) {
        double wait_s = (double)start_later(forwarder, false) / 1e6;
        log_error("forwarder", "%s; trying again in %.1f s", error, wait_s);
    }
}

static uint64_t oldest_beat_age_us(const struct forwarder *forwarder)
{
    uint64_t now_us = forwarder_now_us();
    uint64_t oldest = 0;
    for (uint32_t i = 0; i < forwarder->worker_count; i++) {
        const struct shm_liveness *liveness =
            shm_segment_at(&forwarder->segment, SHM_SECTION_LIVENESS, SHM_LIVENESS_WORKER(i));
        uint64_t age = liveness_age_us(liveness, now_us);
        if (age > oldest)
            oldest = age;
    }
    return oldest;
}

bool forwarder_is_healthy(const struct forwarder *forwarder)
{
    return forwarder->state == FORWARDER_READY && oldest_beat_age_us(forwarder) < HEALTHY_BEAT_US;
}

/* It is asked to leave a core to look at; one that cannot even do that is killed. */
static void end_stuck(struct forwarder *forwarder)
{
    uint64_t now_us = forwarder_now_us();
    if (forwarder->stuck_us == 0) {
        log_error("forwarder", "process %d is stuck", (int)forwarder->process.pid);
        kill(forwarder->process.pid, SIGABRT);
        forwarder->stuck_us = now_us;
    } else if (now_us - forwarder->stuck_us > ABORT_GRACE_US) {
        kill(forwarder->process.pid, SIGKILL);
    }
}

void supervise_watch(struct forwarder *forwarder)
{
    uint64_t age_us = forwarder_now_us() - forwarder->started_us;
    uint64_t beat_age_us;

    switch (forwarder->state) {
    case FORWARDER_STOPPED:
        if (forwarder_now_us() >= forwarder->restart_us)
            restart(forwarder);
        break;
    case FORWARDER_STARTING:
        if (age_us > HELLO_TIMEOUT_US && forwarder->stuck_us == 0) {
            log_error("forwarder", "process %d said no hello within %u s, it is killed",
                      (int)forwarder->process.pid, HELLO_TIMEOUT_US / 1000000);
            kill(forwarder->process.pid, SIGKILL);
            forwarder->stuck_us = forwarder_now_us();
        }
        break;
    case FORWARDER_JOINED:
    case FORWARDER_READY:
        beat_age_us = oldest_beat_age_us(forwarder);
        if (forwarder->state == FORWARDER_JOINED && beat_age_us < HEALTHY_BEAT_US) {
            forwarder->state = FORWARDER_READY;
            log_info("forwarder", "process %d is ready", (int)forwarder->process.pid);
            forwarder->handler.on_ready(forwarder->context);
        } else if (beat_age_us > STUCK_BEAT_US && age_us > STUCK_BEAT_US) {
            end_stuck(forwarder);
        }
        break;
    }
}
