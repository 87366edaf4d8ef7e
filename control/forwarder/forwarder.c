/* The life of the forwarder: made, welcomed, listened to, watched, buried, started again. */
#include "control/forwarder/forwarder.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "control/forwarder/events.h"
#include "control/forwarder/forwarder_private.h"
#include "control/forwarder/media_socket.h"
#include "control/forwarder/tuples.h"
#include "control/log.h"
#include "shm/address.h"
#include "shm/liveness.h"

#define TICK_MS 50
#define HEALTHY_BEAT_US 1000000u
#define STUCK_BEAT_US 5000000u
#define ABORT_GRACE_US 2000000u
#define HELLO_TIMEOUT_US 5000000u
#define RESTART_INTERVAL_US 500000u
#define STOP_GRACE_MS 1000
#define COUNTS_INTERVAL_US 500000u

static int start(struct forwarder *forwarder);

uint64_t forwarder_now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

static uint64_t wall_clock_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

int forwarder_send(struct forwarder *forwarder, uint32_t worker, Km__Command *command)
{
    if (!forwarder->is_open)
        return -EAGAIN;
    int err = channel_send(&forwarder->workers[worker].channel, command);
    if (err != 0)
        log_every_s(5, log_error, "forwarder", "worker %u does not empty its ring of commands", worker);
    return err;
}

static void publish_counts(struct forwarder *forwarder)
{
    forwarder->counts.updated_us = wall_clock_us();
    statistics_publish(&forwarder->statistics, STATISTICS_CONTROL, 0, &forwarder->counts,
                       sizeof forwarder->counts);
}

void forwarder_set_counts(struct forwarder *forwarder, uint32_t rooms, uint32_t peers)
{
    forwarder->counts.rooms = rooms;
    forwarder->counts.peers = peers;
    publish_counts(forwarder);
}

void forwarder_label_transport(struct forwarder *forwarder, uint64_t transport, const char *room_id,
                               const char *peer_id)
{
    struct statistics_label label = {.handle = transport};
    if (!objects_find_transport(&forwarder->objects, transport))
        return;
    snprintf(label.room_id, sizeof label.room_id, "%s", room_id);
    snprintf(label.peer_id, sizeof label.peer_id, "%s", peer_id);
    statistics_publish(&forwarder->statistics, STATISTICS_LABEL, shm_handle_index(transport), &label,
                       sizeof label);
}

/* What a worker says
 * ------------------------------------------------------------------------------------------- */

static void take_punt(void *context, uint32_t worker, const struct shm_datagram *datagram,
                      const uint8_t *data)
{
    struct forwarder *forwarder = context;
    struct sockaddr_storage remote;
    uint64_t transport =
        objects_find_transport(&forwarder->objects, datagram->transport) ? datagram->transport : 0;

    (void)shm_address_to_sockaddr(&datagram->remote, &remote);
    if (datagram->datagram_class == SHM_DATAGRAM_STUN)
        forwarder->handler.on_stun(forwarder->context, transport, worker, (const struct sockaddr *)&remote,
                                   data, datagram->length);
    else if (datagram->datagram_class == SHM_DATAGRAM_DTLS)
        forwarder->handler.on_dtls(forwarder->context, transport, worker, (const struct sockaddr *)&remote,
                                   data, datagram->length);
}

static void on_wake(evutil_socket_t fd, short what, void *context)
{
    static const struct channel_handler handler = {.on_event = events_take, .on_punt = take_punt};
    struct forwarder_worker *worker = context;
    (void)fd;
    (void)what;
    if (!worker->forwarder->is_open)
        return;
    if (!channel_drain(&worker->channel, worker->number, &handler, worker->forwarder))
        event_active(worker->wake_event, EV_READ, 0);
}

/* Birth and death
 * ---------------------------------------------------------------------------------------------- */

static void bury(struct forwarder *forwarder)
{
    forwarder->state = FORWARDER_STOPPED;
    forwarder->stuck_us = 0;
    forwarder->counts.forwarder_pid = 0;
    event_free(forwarder->hello_event);
    event_free(forwarder->end_event);
    forwarder->hello_event = forwarder->end_event = NULL;
    publish_counts(forwarder);
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
    for (uint32_t i = 0; i < forwarder->worker_count; i++)
        event_del(forwarder->workers[i].wake_event);
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

static void start_later(struct forwarder *forwarder)
{
    uint64_t since_us = forwarder_now_us() - forwarder->started_us;
    uint64_t wait_us = since_us < RESTART_INTERVAL_US ? RESTART_INTERVAL_US - since_us : 0;
    struct timeval wait = {.tv_usec = (suseconds_t)wait_us};
    event_add(forwarder->restart_event, &wait);
}

static void on_restart(evutil_socket_t fd, short what, void *context)
{
    struct forwarder *forwarder = context;
    (void)fd;
    (void)what;
    int err = start(forwarder);
    if (err != 0) {
        log_error("forwarder", "%s cannot be started: %s", forwarder->binary, strerror(-err));
        start_later(forwarder);
    }
}

static void on_end(evutil_socket_t fd, short what, void *context)
{
    struct forwarder *forwarder = context;
    char how[64];
    (void)fd;
    (void)what;
    pid_t pid = forwarder->process.pid;
    process_reap(&forwarder->process, how, sizeof how);
    bury(forwarder);
    if (can_go_on(forwarder)) {
        log_error("forwarder", "process %d ended (%s), another goes on with its calls", (int)pid, how);
        forget_beats(forwarder);
    } else {
        log_error("forwarder", "process %d ended (%s), starting another", (int)pid, how);
        lose(forwarder);
    }
    start_later(forwarder);
}

static int open_channels(struct forwarder *forwarder)
{
    for (uint32_t i = 0; i < forwarder->worker_count; i++) {
        struct forwarder_worker *worker = &forwarder->workers[i];
        int err = channel_init(&worker->channel, &forwarder->segment, i,
                               forwarder->descriptors.worker_wake[i], forwarder->descriptors.control_wake[i]);
        if (err != 0)
            return err;
        event_add(worker->wake_event, NULL);
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
                   forwarder->capacities.tuples);
    return 0;
}

static int launch(struct forwarder *forwarder)
{
    char control_fd[] = "--control-fd=3";
    char poll[32];
    char backend[40];
    char level[32];
    char cpus[sizeof forwarder->cpus + 8];
    char *argv[] = {
        forwarder->binary, control_fd, poll, backend, level, *forwarder->cpus ? cpus : NULL, NULL};

    snprintf(poll, sizeof poll, "--poll=%s", forwarder->poll);
    snprintf(backend, sizeof backend, "--srtp-backend=%s", forwarder->srtp_backend);
    snprintf(level, sizeof level, "--log-level=%s", forwarder->log_level);
    snprintf(cpus, sizeof cpus, "--cpus=%s", forwarder->cpus);
    int err = process_start(argv, &forwarder->process);
    if (err != 0)
        return err;
    forwarder->hello_event =
        event_new(forwarder->base, forwarder->process.socket, EV_READ | EV_PERSIST, on_hello, forwarder);
    forwarder->end_event = event_new(forwarder->base, forwarder->process.pidfd, EV_READ, on_end, forwarder);
    if (!forwarder->hello_event || !forwarder->end_event) {
        process_stop(&forwarder->process, 0);
        return -ENOMEM;
    }
    event_add(forwarder->hello_event, NULL);
    event_add(forwarder->end_event, NULL);
    return 0;
}

static int start(struct forwarder *forwarder)
{
    int err = forwarder->segment.header ? 0 : make_segment(forwarder);
    forwarder->started_us = forwarder_now_us();
    if (err == 0)
        err = launch(forwarder);
    if (err != 0)
        return err;
    forwarder->state = FORWARDER_STARTING;
    forwarder->counts.forwarder_starts++;
    return 0;
}

/* Watching
 * ----------------------------------------------------------------------------------------------------- */

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

static void watch(struct forwarder *forwarder)
{
    uint64_t age_us = forwarder_now_us() - forwarder->started_us;
    uint64_t beat_age_us;

    switch (forwarder->state) {
    case FORWARDER_STOPPED:
        break;
    case FORWARDER_STARTING:
        if (age_us > HELLO_TIMEOUT_US) {
            log_error("forwarder", "process %d said no hello", (int)forwarder->process.pid);
            kill(forwarder->process.pid, SIGKILL);
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

static void on_tick(evutil_socket_t fd, short what, void *context)
{
    struct forwarder *forwarder = context;
    (void)fd;
    (void)what;
    if (forwarder->is_open)
        liveness_beat(shm_segment_at(&forwarder->segment, SHM_SECTION_LIVENESS, SHM_LIVENESS_CONTROL),
                      forwarder_now_us());
    watch(forwarder);
    if (wall_clock_us() - forwarder->counts.updated_us > COUNTS_INTERVAL_US)
        publish_counts(forwarder);
}

/* Made and unmade
 * ---------------------------------------------------------------------------------------------- */

static int make_wakes(struct forwarder *forwarder)
{
    for (uint32_t i = 0; i < forwarder->worker_count; i++) {
        struct forwarder_worker *worker = &forwarder->workers[i];
        worker->forwarder = forwarder;
        worker->number = i;
        forwarder->descriptors.worker_wake[i] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        forwarder->descriptors.control_wake[i] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        if (forwarder->descriptors.worker_wake[i] < 0 || forwarder->descriptors.control_wake[i] < 0)
            return -errno;
        worker->wake_event = event_new(forwarder->base, forwarder->descriptors.control_wake[i],
                                       EV_READ | EV_PERSIST, on_wake, worker);
        if (!worker->wake_event)
            return -ENOMEM;
    }
    return 0;
}

static int make_timers(struct forwarder *forwarder)
{
    struct timeval tick = {.tv_usec = TICK_MS * 1000};
    forwarder->tick_event = event_new(forwarder->base, -1, EV_PERSIST, on_tick, forwarder);
    forwarder->restart_event = evtimer_new(forwarder->base, on_restart, forwarder);
    if (!forwarder->tick_event || !forwarder->restart_event)
        return -ENOMEM;
    event_add(forwarder->tick_event, &tick);
    return 0;
}

static struct forwarder *allocate(const struct forwarder_config *config, struct event_base *base,
                                  const struct forwarder_handler *handler, void *context)
{
    struct forwarder *made = calloc(1, sizeof *made);
    if (!made)
        return NULL;
    made->base = base;
    made->handler = *handler;
    made->context = context;
    made->worker_count = made->descriptors.workers = config->workers;
    made->capacities = shm_capacities_default(config->workers);
    if (config->store_mib != 0)
        made->capacities.store_slots = shm_store_slots(config->store_mib, config->workers);
    if (config->cpus)
        snprintf(made->cpus, sizeof made->cpus, "%s", config->cpus);
    made->segment.fd = made->statistics.fd = made->process.pidfd = -1;
    made->descriptors.statistics = -1;
    for (uint32_t i = 0; i < made->worker_count; i++)
        made->descriptors.media_socket[i] = made->descriptors.worker_wake[i] =
            made->descriptors.control_wake[i] = -1;
    made->counts.control_pid = (uint32_t)getpid();
    made->counts.started_us = wall_clock_us();
    snprintf(made->binary, sizeof made->binary, "%s", config->binary);
    snprintf(made->poll, sizeof made->poll, "%s", config->poll);
    snprintf(made->srtp_backend, sizeof made->srtp_backend, "%s", config->srtp_backend);
    snprintf(made->log_level, sizeof made->log_level, "%s", config->log_level);
    return made;
}

int forwarder_create(const struct forwarder_config *config, struct event_base *base,
                     const struct forwarder_handler *handler, void *context, struct forwarder **ret_forwarder,
                     char *ret_error, size_t error_bytes)
{
    int err = -ENOMEM;
    struct forwarder *made = allocate(config, base, handler, context);

    snprintf(ret_error, error_bytes, "out of memory");
    if (!made)
        return err;
    if (access(made->binary, X_OK) != 0) {
        err = -errno;
        snprintf(ret_error, error_bytes, "forwarder %s cannot be executed: %s", made->binary, strerror(-err));
        goto fail;
    }
    if ((err = statistics_create(config->runtime_dir, &made->capacities, &made->statistics, ret_error,
                                 error_bytes)) != 0 ||
        (err = media_sockets_open(config->listen_ip, config->listen_port, made->descriptors.media_socket,
                                  made->worker_count, ret_error, error_bytes)) != 0)
        goto fail;
    made->descriptors.statistics = made->statistics.fd;
    tuples_steer(made, config->steering);
    if ((err = objects_init(&made->objects, &made->capacities)) != 0 || (err = make_wakes(made)) != 0 ||
        (err = make_timers(made)) != 0)
        goto fail;
    if ((err = start(made)) != 0) {
        snprintf(ret_error, error_bytes, "shared memory and forwarder cannot be made: %s", strerror(-err));
        goto fail;
    }
    *ret_forwarder = made;
    return 0;

fail:
    forwarder_destroy(made);
    return err;
}

static void free_event(struct event *event)
{
    if (event)
        event_free(event);
}

static void close_fd(int fd)
{
    if (fd >= 0)
        close(fd);
}

void forwarder_destroy(struct forwarder *forwarder)
{
    if (!forwarder)
        return;
    if (forwarder->state != FORWARDER_STOPPED) {
        process_stop(&forwarder->process, STOP_GRACE_MS);
        forwarder->counts.forwarder_pid = 0;
    }
    if (forwarder->statistics.header)
        publish_counts(forwarder);
    free_event(forwarder->hello_event);
    free_event(forwarder->end_event);
    free_event(forwarder->tick_event);
    free_event(forwarder->restart_event);
    for (uint32_t i = 0; i < forwarder->worker_count; i++) {
        free_event(forwarder->workers[i].wake_event);
        close_fd(forwarder->descriptors.media_socket[i]);
        close_fd(forwarder->descriptors.worker_wake[i]);
        close_fd(forwarder->descriptors.control_wake[i]);
    }
    steering_destroy(forwarder->steering);
    shm_segment_deinit(&forwarder->segment, true);
    statistics_deinit(&forwarder->statistics);
    objects_deinit(&forwarder->objects);
    free(forwarder);
}
