#include "control/gateway/listener.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libwebsockets.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "control/gateway/loop.h"
#include "control/log.h"
#include "control/socket_name.h"

#define TAG "gateway"
#define BACKLOG 512
#define MAX_ACCEPTS_A_ROUND 64
#define ACCEPT_PAUSE_MS 100

/* More than a TLS record, so that no read leaves decrypted bytes behind in OpenSSL, for which libwebsockets
 * would spin while the connection's input is held back. */
#define READ_BYTES (16384 + 4096)

#define CIPHERS                                                                                              \
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:"               \
    "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305"

/* libwebsockets' data of each connection. */
struct session {
    struct connection *connection;
};

static int callback(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t length);

static const struct lws_protocols protocols[] = {
    {"gateway", callback, sizeof(struct session), 0, 0, NULL, 0},
    {NULL, NULL, 0, 0, 0, NULL, 0},
};

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
static void take_commands(struct listener *listener)
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

static void on_pause_end(lws_sorted_usec_list_t *pause)
{
    lws_rx_flow_control(lws_container_of(pause, struct listener, pause)->socket, 1);
}

static uint64_t connections_now(const struct listener *listener)
{
    return atomic_load(&listener->counters.connections_now);
}

/* Those that are being cut are in the way until libwebsockets has found their ends. */
static bool must_wait(const struct listener *listener)
{
    uint64_t now = connections_now(listener);
    return now >= listener->slot_count ||
           (now > listener->config.max_connections && TAILQ_EMPTY(&listener->strangers));
}

/* Whoever keeps connections without a whole request is not to keep others out: the oldest of them goes. */
static bool make_room(struct listener *listener)
{
    struct connection *oldest = TAILQ_FIRST(&listener->strangers);

    if (connections_now(listener) < listener->config.max_connections)
        return true;
    if (!oldest)
        return false;
    atomic_fetch_add(&listener->counters.cut, 1);
    connection_cut(oldest);
    return true;
}

static void accept_connections(struct listener *listener)
{
    for (unsigned i = 0; i < MAX_ACCEPTS_A_ROUND && !must_wait(listener); i++) {
        int socket = accept4(lws_get_socket_fd(listener->socket), NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

        if (socket < 0) {
            if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
                log_every_s(10, log_warn, TAG, "cannot accept: %s", strerror(errno));
                lws_rx_flow_control(listener->socket, 0);
                lws_sul_schedule(listener->lws, 0, &listener->pause, on_pause_end,
                                 ACCEPT_PAUSE_MS * LWS_US_PER_MS);
            }
            return;
        }
        if (!make_room(listener)) {
            atomic_fetch_add(&listener->counters.refused, 1);
            log_every_s(10, log_warn, TAG, "refused a connection: there are %u",
                        listener->config.max_connections);
            close(socket);
            continue;
        }
        lws_sock_file_fd_type descriptor = {.sockfd = socket};
        lws_adoption_type type = LWS_ADOPT_SOCKET;
        if (listener->config.cert_path)
            type |= LWS_ADOPT_ALLOW_SSL;
        lws_adopt_descriptor_vhost(listener->vhost, type, descriptor, protocols[0].name, NULL);
    }
}

static int begin_session(struct listener *listener, struct lws *wsi, struct session *session)
{
    int on = 1;
    SSL *ssl = lws_get_ssl(wsi);

    setsockopt(lws_get_socket_fd(wsi), IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    if (ssl)
        SSL_set_mode(ssl, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    session->connection = connection_create(listener, wsi);
    return session->connection ? 0 : -1;
}

static int on_handshake(SSL *ssl, void *context)
{
    const struct listener *listener = context;

    return certificate_use(listener->certificate, ssl);
}

static void set_up_tls(struct listener *listener, SSL_CTX *tls)
{
    SSL_CTX_set_min_proto_version(tls, TLS1_2_VERSION);
    SSL_CTX_set_cert_cb(tls, on_handshake, listener);
}

static int callback(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t length)
{
    struct session *session = user;
    struct connection *connection = NULL;

    switch (reason) {
    case LWS_CALLBACK_OPENSSL_LOAD_EXTRA_SERVER_VERIFY_CERTS:
        set_up_tls(lws_context_user(lws_get_context(wsi)), user);
        return 0;
    case LWS_CALLBACK_EVENT_WAIT_CANCELLED:
        take_commands(lws_context_user(lws_get_context(wsi)));
        return 0;
    case LWS_CALLBACK_RAW_RX_FILE:
        accept_connections(lws_context_user(lws_get_context(wsi)));
        return 0;
    case LWS_CALLBACK_RAW_ADOPT:
        return begin_session(lws_context_user(lws_get_context(wsi)), wsi, session);
    case LWS_CALLBACK_RAW_CLOSE:
        if (session) {
            connection_destroy(session->connection);
            session->connection = NULL;
        }
        return 0;
    case LWS_CALLBACK_RAW_RX:
    case LWS_CALLBACK_RAW_WRITEABLE:
        break;
    default:
        return 0;
    }

    connection = session ? session->connection : NULL;
    if (!connection)
        return -1;
    if (reason == LWS_CALLBACK_RAW_RX)
        connection_received(connection, in, length);
    else
        connection_writable(connection);
    return connection->doomed ? -1 : 0;
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

/* Binds the socket here rather than in libwebsockets, for an error that says why not. */
static int bind_socket(const struct gateway_config *config, int *ret_socket, uint16_t *ret_port, char *error,
                       size_t size)
{
    struct addrinfo hints = {.ai_flags = AI_NUMERICHOST | AI_PASSIVE, .ai_socktype = SOCK_STREAM};
    struct addrinfo *address = NULL;
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } bound = {0};
    socklen_t bound_length = sizeof(bound);
    char port[8];
    int on = 1;

    snprintf(port, sizeof(port), "%u", config->port);
    if (getaddrinfo(config->host, port, &hints, &address)) {
        snprintf(error, size, "%s is no address to listen on", config->host);
        return -EINVAL;
    }
    int descriptor = socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    int result = 0;
    if (descriptor < 0 || setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) ||
        socket_name_open_families(descriptor, (sa_family_t)address->ai_family) ||
        bind(descriptor, address->ai_addr, address->ai_addrlen) || listen(descriptor, BACKLOG) ||
        getsockname(descriptor, &bound.any, &bound_length)) {
        result = -errno;
        snprintf(error, size, "cannot listen on %s port %u: %s", config->host, config->port, strerror(errno));
        if (descriptor >= 0)
            close(descriptor);
    }
    freeaddrinfo(address);
    if (result)
        return result;
    *ret_socket = descriptor;
    *ret_port = ntohs(bound.any.sa_family == AF_INET6 ? bound.v6.sin6_port : bound.v4.sin_port);
    return 0;
}

static void log_line(int level, const char *line)
{
    int length = (int)strcspn(line, "\n");

    if (level == LLL_ERR)
        log_every_s(1, log_error, TAG, "libwebsockets: %.*s", length, line);
    else
        log_every_s(1, log_debug, TAG, "libwebsockets: %.*s", length, line);
}

/* With a loop that does not slow down by the number of connections, where that is installed. */
static struct lws_context *create_context(struct listener *listener, struct lws_context_creation_info *info)
{
    struct lws_context_creation_info with_loop = *info;

    listener->loop = loop_create();
    if (listener->loop) {
        loop_offer(listener->loop, &with_loop);
        struct lws_context *context = lws_create_context(&with_loop);
        if (context) {
            *info = with_loop;
            loop_begin(listener->loop, context);
            return context;
        }
        loop_destroy(listener->loop);
        listener->loop = NULL;
        log_warn(TAG, "libwebsockets-evlib-ev is not installed: many connections will cost more");
    }
    return lws_create_context(info);
}

/* The context, its one virtual host without a listening socket of its own, and ours, adopted. `socket` is
 * taken over. */
static int set_up_lws(struct listener *listener, int socket)
{
    const struct gateway_config *config = &listener->config;
    lws_sock_file_fd_type descriptor = {.sockfd = socket};
    struct lws_context_creation_info info = {
        .port = CONTEXT_PORT_NO_LISTEN_SERVER,
        .protocols = protocols,
        .user = listener,
        .gid = (gid_t)-1,
        .uid = (uid_t)-1,
        .pt_serv_buf_size = READ_BYTES,
        .timeout_secs = config->header_timeout_s,
        .alpn = "http/1.1",
        .options = LWS_SERVER_OPTION_EXPLICIT_VHOSTS | LWS_SERVER_OPTION_SKIP_SERVER_CANONICAL_NAME,
        .vhost_name = "gateway",
    };

    if (config->cert_path) {
        info.options |= LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT;
        info.ssl_cert_filepath = config->cert_path;
        info.ssl_private_key_filepath = config->key_path;
        info.ssl_cipher_list = CIPHERS;
        info.ssl_options_set = SSL_OP_NO_RENEGOTIATION;
    }
    lws_set_log_level(LLL_ERR | LLL_WARN, log_line);
    listener->lws = create_context(listener, &info);
    listener->vhost = listener->lws ? lws_create_vhost(listener->lws, &info) : NULL;
    if (!listener->vhost) {
        close(socket);
        return -EIO;
    }
    listener->socket = lws_adopt_descriptor_vhost(listener->vhost, LWS_ADOPT_RAW_FILE_DESC, descriptor,
                                                  protocols[0].name, NULL);
    return listener->socket ? 0 : -EIO;
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
    listener->slot_count = listener->config.max_connections + MAX_ACCEPTS_A_ROUND;
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
    result = bind_socket(config, &socket, &listener->port, error, size);
    if (!result) {
        result = set_up_lws(listener, socket);
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
