#include "control/gateway/lws_host.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "control/gateway/accept.h"
#include "control/gateway/listener.h"
#include "control/gateway/loop.h"
#include "control/log.h"

#define TAG "gateway"

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
        listener_take_commands(lws_context_user(lws_get_context(wsi)));
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

static const struct lws_protocols protocols[] = {
    {LWS_HOST_PROTOCOL, callback, sizeof(struct session), 0, 0, NULL, 0},
    {NULL, NULL, 0, 0, 0, NULL, 0},
};

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

int lws_host_create(struct listener *listener, int socket)
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
                                                  LWS_HOST_PROTOCOL, NULL);
    return listener->socket ? 0 : -EIO;
}
