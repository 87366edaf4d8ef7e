#include "control/gateway/listener.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "control/gateway/accept.h"
#include "control/gateway/loop.h"
#include "control/gateway/lws_host.h"
#include "control/log.h"

#define TAG "gateway"

void listener_wake(struct listener *listener)
{
    lws_cancel_service(listener->lws);
}

void listener_post(struct listener *listener, struct mailbox_event *event)
{
    if (mailbox_post_event(&listener->mailbox, event))
        eventfd_write(listener->event_fd, 1);
}

static struct connection *find_connection(struct listener *listener, uint64_t handle)
{
    unsigned slot = handle & 0xffff;
    struct connection *connection = slot < listener->slot_count ? listener->slots[slot] : NULL;

    return connection && connection->handle == handle ? connection : NULL;
}

void listener_bury(struct connection *connection)
{
    if (connection->doomed)
        lws_set_timeout(connection->wsi, PENDING_TIMEOUT_USER_OK, LWS_TO_KILL_ASYNC);
}

static void change_certificate(struct listener *listener, struct mailbox_command *command)
{
    struct certificate *before = listener->certificate;

    listener->certificate = command->certificate;
    command->certificate = before;
}

static void run_due(struct connection *first)
{
    while (first) {
        struct connection *connection = first;

        first = connection->next_due;
        connection->due = false;
        connection_writable(connection);
        listener_bury(connection);
    }
}

static void on_reports(lws_sorted_usec_list_t *reports)
{
    struct listener *listener = lws_container_of(reports, struct listener, reports);
    struct connection *connection;

    while ((connection = TAILQ_FIRST(&listener->held))) {
        connection_release(connection);
        connection_writable(connection);
        listener_bury(connection);
    }
}

static bool hold(struct listener *listener, struct connection *connection)
{
    bool is_first = TAILQ_EMPTY(&listener->held);

    if (!connection_hold(connection))
        return false;
    if (is_first)
        lws_sul_schedule(listener->lws, 0, &listener->reports, on_reports, GATEWAY_REPORT_MS * LWS_US_PER_MS);
    return true;
}

/* Connections that have had commands are run at the end. None of them goes before: they are only ever closed
 * by libwebsockets, later. */
void listener_take_commands(struct listener *listener)
{
    struct connection *first_due = NULL, **last_due = &first_due;
    struct mailbox_commands commands;
    struct mailbox_events done;
    bool stopping;

    mailbox_take_commands(&listener->mailbox, &commands, &done, &stopping);
    while (done.first) {
        struct mailbox_event *event = done.first;
        struct connection *connection = find_connection(listener, event->handle);

        done.first = event->next;
        listener->held_bytes -= event->body_bytes;
        if (connection && event->kind == MAILBOX_MESSAGE) {
            connection_credit(connection, event->body_bytes);
            listener_bury(connection);
        }
        mailbox_event_free(event);
    }
    while (commands.first) {
        struct mailbox_command *command = commands.first;
        struct connection *connection = find_connection(listener, command->handle);

        commands.first = command->next;
        if (command->kind == MAILBOX_CERTIFICATE) {
            change_certificate(listener, command);
        } else if (connection && !connection->doomed) {
            connection_command(connection, command);
            bool waits = command->kind == MAILBOX_REPORT && hold(listener, connection);
            if (!waits && !connection->due) {
                connection->due = true;
                connection->next_due = NULL;
                *last_due = connection;
                last_due = &connection->next_due;
            }
        }
        mailbox_command_free(command);
    }
    run_due(first_due);
}

static void *run(void *context)
{
    struct listener *listener = context;
    bool stopping = false;

    pthread_setname_np(pthread_self(), "gateway");
    while (!stopping) {
        if (listener->loop)
            loop_run_once(listener->loop);
        else if (lws_service(listener->lws, 0) < 0)
            log_every_s(10, log_error, TAG, "libwebsockets cannot wait for events");
        pthread_mutex_lock(&listener->mailbox.mutex);
        stopping = listener->mailbox.stopping;
        pthread_mutex_unlock(&listener->mailbox.mutex);
    }
    return NULL;
}

static int copy_config(struct listener *listener, const struct gateway_config *config)
{
    struct gateway_config *copy = &listener->config;
    const char **strings[] = {&copy->host, &copy->cert_path, &copy->key_path, &copy->ws_path,
                              &copy->demo_root};
    int result = 0;

    *copy = *config;
    for (size_t i = 0; i < sizeof(strings) / sizeof(strings[0]); i++) {
        if (*strings[i] && !(*strings[i] = strdup(*strings[i])))
            result = -ENOMEM;
    }
    if (copy->max_connections > LISTENER_MAX_CONNECTIONS)
        copy->max_connections = LISTENER_MAX_CONNECTIONS;
    return result;
}

static int start_thread(struct listener *listener)
{
    sigset_t all, before;

    /* Signals are the main thread's. */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int result = -pthread_create(&listener->thread, NULL, run, listener);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return result;
}

static void release(struct listener *listener)
{
    if (listener->lws)
        lws_context_destroy(listener->lws);
    loop_destroy(listener->loop);
    if (listener->event_fd >= 0)
        close(listener->event_fd);
    mailbox_deinit(&listener->mailbox);
    certificate_destroy(listener->certificate);
    free(listener->slots);
    address_limits_destroy(listener->limits);
    free((char *)listener->config.host);
    free((char *)listener->config.cert_path);
    free((char *)listener->config.key_path);
    free((char *)listener->config.ws_path);
    free((char *)listener->config.demo_root);
    free(listener);
}

int listener_create(const struct gateway_config *config, struct listener **ret, char *error, size_t size)
{
    struct certificate *certificate = NULL;
    int socket;

    if (config->cert_path) {
        int result = certificate_load(config->cert_path, config->key_path, &certificate, error, size);
        if (result)
            return result;
    }
    struct listener *listener = calloc(1, sizeof(*listener));
    if (!listener) {
        certificate_destroy(certificate);
        snprintf(error, size, "no memory");
        return -ENOMEM;
    }
    listener->certificate = certificate;
    mailbox_init(&listener->mailbox);
    listener->event_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    int result = copy_config(listener, config);
    TAILQ_INIT(&listener->strangers);
    TAILQ_INIT(&listener->held);
    listener->slot_count = listener->config.max_connections + ACCEPT_MAX_A_ROUND;
    listener->slots = calloc(listener->slot_count, sizeof(struct connection *));
    const struct address_limits_config limits = {
        .trust = config->trust,
        .connections = config->max_address_connections,
        .rate = config->max_address_connection_rate,
        .rate_all = config->max_connection_rate,
    };
    if (!result)
        result = address_limits_create(&limits, &listener->limits);
    if (result || listener->event_fd < 0 || !listener->slots) {
        snprintf(error, size, "no memory or descriptors for the gateway");
        release(listener);
        return -ENOMEM;
    }
    result = accept_listen(config, &socket, &listener->port, error, size);
    if (!result) {
        result = lws_host_create(listener, socket);
        if (!result)
            result = start_thread(listener);
        if (result)
            snprintf(error, size, "cannot start the gateway: %s", strerror(-result));
    }
    if (result) {
        release(listener);
        return result;
    }
    *ret = listener;
    return 0;
}

void listener_destroy(struct listener *listener)
{
    if (!listener)
        return;
    mailbox_stop(&listener->mailbox);
    listener_wake(listener);
    pthread_join(listener->thread, NULL);
    release(listener);
}
