/* The forwarder as control has it: made, listened to, unmade. supervise.c has the life of its process. */
#include "control/forwarder/forwarder.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "control/forwarder/events.h"
#include "control/forwarder/forwarder_private.h"
#include "control/forwarder/inventory.h"
#include "control/forwarder/media_socket.h"
#include "control/forwarder/plain_sockets.h"
#include "control/forwarder/supervise.h"
#include "control/forwarder/tuples.h"
#include "control/log.h"
#include "shm/address.h"
#include "shm/liveness.h"
#include "shm/log_levels.h"

#define TICK_MS 50
#define STOP_GRACE_MS 1000
#define COUNTS_INTERVAL_US 500000u

uint64_t forwarder_now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

uint64_t forwarder_wall_clock_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

void forwarder_told(struct forwarder_worker *worker)
{
    event_active(worker->told_event, EV_TIMEOUT, 0);
}

static int send_now(struct forwarder *forwarder, uint32_t worker, Km__Command *command)
{
    struct forwarder_worker *to = &forwarder->workers[worker];
    int err = answers_reserve(&to->answers);
    if (err != 0)
        return err;
    err = channel_send(&to->channel, command);
    if (err != 0) {
        log_every_s(5, log_error, "forwarder", "worker %u does not empty its ring of commands", worker);
        return err;
    }
    forwarder_told(to);
    answers_expect(forwarder, &to->answers, command);
    return 0;
}

int forwarder_send(struct forwarder *forwarder, uint32_t worker, Km__Command *command)
{
    if (!forwarder->is_open || !removals_turn(forwarder, worker))
        return -EAGAIN;
    return send_now(forwarder, worker, command);
}

static Km__Command command_of(Km__Command__BodyCase body_case, void *message)
{
    Km__Command command = KM__COMMAND__INIT;
    command.body_case = body_case;
    /* All members of the union are pointers to messages. */
    command.install_transport = message;
    return command;
}

int forwarder_send_message(struct forwarder *forwarder, uint32_t worker, Km__Command__BodyCase body_case,
                           void *message)
{
    Km__Command command = command_of(body_case, message);
    return forwarder_send(forwarder, worker, &command);
}

int forwarder_send_now(struct forwarder *forwarder, uint32_t worker, Km__Command__BodyCase body_case,
                       void *message)
{
    Km__Command command = command_of(body_case, message);
    return send_now(forwarder, worker, &command);
}

void forwarder_publish_counts(struct forwarder *forwarder)
{
    forwarder->counts.updated_us = forwarder_wall_clock_us();
    statistics_publish(&forwarder->statistics, STATISTICS_CONTROL, 0, &forwarder->counts,
                       sizeof forwarder->counts);
}

void forwarder_set_counts(struct forwarder *forwarder, uint32_t rooms, uint32_t peers)
{
    forwarder->counts.rooms = rooms;
    forwarder->counts.peers = peers;
    forwarder_publish_counts(forwarder);
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

static enum shm_log_level level_of(const char *tag)
{
    for (int level = SHM_LOG_DEBUG; level > SHM_LOG_ERROR; level--)
        if (log_enabled(tag, (enum log_level)level))
            return (enum shm_log_level)level;
    return SHM_LOG_ERROR;
}

void forwarder_tell_log_levels(struct forwarder *forwarder)
{
    struct shm_liveness *control =
        shm_segment_at(&forwarder->segment, SHM_SECTION_LIVENESS, SHM_LIVENESS_CONTROL);
    uint32_t levels = 0;
#define X(name, text) levels = log_levels_with(levels, SHM_LOG_##name, level_of(#name));
    SHM_LOG_TAGS(X)
#undef X
    atomic_store_explicit(&control->log_levels, levels, memory_order_relaxed);
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

static void on_told(evutil_socket_t fd, short what, void *context)
{
    struct forwarder_worker *worker = context;
    (void)fd;
    (void)what;
    if (worker->forwarder->is_open)
        channel_wake(&worker->channel);
}

/* Timers
 * ---------------------------------------------------------------------------------------------- */

static void on_tick(evutil_socket_t fd, short what, void *context)
{
    struct forwarder *forwarder = context;
    (void)fd;
    (void)what;
    if (forwarder->is_open) {
        liveness_beat(shm_segment_at(&forwarder->segment, SHM_SECTION_LIVENESS, SHM_LIVENESS_CONTROL),
                      forwarder_now_us());
        forwarder_tell_log_levels(forwarder);
        for (uint32_t i = 0; i < forwarder->worker_count; i++)
            (void)removals_turn(forwarder, i);
    }
    supervise_watch(forwarder);
    inventory_turn(forwarder);
    plain_sockets_hand_over(forwarder);
    if (forwarder_wall_clock_us() - forwarder->counts.updated_us > COUNTS_INTERVAL_US)
        forwarder_publish_counts(forwarder);
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
        worker->told_event = event_new(forwarder->base, -1, 0, on_told, worker);
        if (!worker->wake_event || !worker->told_event)
            return -ENOMEM;
    }
    return 0;
}

static int make_timers(struct forwarder *forwarder)
{
    struct timeval tick = {.tv_usec = TICK_MS * 1000};
    forwarder->tick_event = event_new(forwarder->base, -1, EV_PERSIST, on_tick, forwarder);
    return forwarder->tick_event && event_add(forwarder->tick_event, &tick) == 0 ? 0 : -ENOMEM;
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
        made->capacities.store_chunks = shm_store_chunks(config->store_mib, config->workers);
    if (config->cpus)
        snprintf(made->cpus, sizeof made->cpus, "%s", config->cpus);
    made->segment.fd = made->statistics.fd = made->process.pidfd = -1;
    made->descriptors.statistics = -1;
    for (uint32_t i = 0; i < made->worker_count; i++)
        made->descriptors.media_socket[i] = made->descriptors.worker_wake[i] =
            made->descriptors.control_wake[i] = -1;
    made->counts.control_pid = (uint32_t)getpid();
    made->counts.started_us = forwarder_wall_clock_us();
    snprintf(made->binary, sizeof made->binary, "%s", config->binary);
    snprintf(made->poll, sizeof made->poll, "%s", config->poll);
    snprintf(made->srtp_backend, sizeof made->srtp_backend, "%s", config->srtp_backend);
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
    if ((err = supervise_start(made, ret_error, error_bytes)) != 0)
        goto fail;
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
        for (uint32_t i = 0; forwarder->is_open && i < forwarder->worker_count; i++)
            channel_wake(&forwarder->workers[i].channel); /* the loop has had its last turn */
        process_stop(&forwarder->process, STOP_GRACE_MS);
        forwarder->counts.forwarder_pid = 0;
    }
    if (forwarder->statistics.header)
        forwarder_publish_counts(forwarder);
    supervise_unwatch(forwarder);
    free_event(forwarder->tick_event);
    for (uint32_t i = 0; i < forwarder->worker_count; i++) {
        free_event(forwarder->workers[i].wake_event);
        free_event(forwarder->workers[i].told_event);
        answers_deinit(&forwarder->workers[i].answers);
        removals_deinit(&forwarder->workers[i].removals);
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
