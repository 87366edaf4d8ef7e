#include "control/daemon.h"

#include <errno.h>
#include <event2/event.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "control/address_limits.h"
#include "control/api/api.h"
#include "control/config.h"
#include "control/console/console.h"
#include "control/console/drain.h"
#include "control/daemon_private.h"
#include "control/forwarder/forwarder.h"
#include "control/gateway/gateway.h"
#include "control/json_input.h"
#include "control/log.h"
#include "control/networks.h"
#include "control/ortc/router.h"
#include "control/room/rooms.h"
#include "control/signaling/session.h"
#include "control/signaling/signaling.h"
#include "control/transport/plain_transport.h"
#include "control/transport/webrtc_transport.h"
#include "control/webhook/webhook.h"

static const char *poll_name(enum config_poll poll)
{
    switch (poll) {
    case CONFIG_POLL_BUSY:
        return "busy";
    case CONFIG_POLL_SLEEP:
        return "sleep";
    case CONFIG_POLL_ADAPTIVE:
        break;
    }
    return "adaptive";
}

static int start_media(struct daemon *daemon, char *error, size_t size)
{
    const struct config *config = daemon->config;
    if (ortc_router_create(config->codecs, &daemon->router, error, size))
        return -EDOM;

    struct forwarder_config forwarder = {
        .binary = config->forwarder,
        .runtime_dir = config->runtime_dir,
        .poll = poll_name(config->poll),
        .srtp_backend = config->srtp_backend == CONFIG_SRTP_LIBSRTP2 ? "libsrtp2" : "native",
        .listen_ip = config->webrtc_listen_ip,
        .listen_port = (uint16_t)config->webrtc_listen_port,
        .workers = config->workers,
        .cpus = config->cpus,
        .store_mib = config->store_mib,
        .steering = config->steering,
    };
    int result = forwarder_create(&forwarder, daemon->base, &daemon_forwarder_handler, daemon,
                                  &daemon->forwarder, error, size);
    if (result)
        return result;

    struct webrtc_service_config webrtc = {
        .listen_ip = config->webrtc_listen_ip,
        .announced_address = config->webrtc_announced_address,
        .port = (uint16_t)config->webrtc_listen_port,
        .certificate_path = config->dtls_cert,
        .key_path = config->dtls_key,
        .max_incoming_bitrate_bps = config->max_incoming_bitrate_bps,
        .initial_outgoing_bitrate_bps = config->initial_outgoing_bitrate_bps,
        .min_outgoing_bitrate_bps = config->min_outgoing_bitrate_bps,
        .max_outgoing_bitrate_bps = config->max_outgoing_bitrate_bps,
    };
    result = webrtc_service_create(&webrtc, daemon->base, daemon->forwarder, &daemon->webrtc, error, size);
    if (result)
        return result;

    struct plain_service_config plain = {
        .listen_ip = config->webrtc_listen_ip,
        .announced_address = config->webrtc_announced_address,
        .port_min = (uint16_t)config->plain_port_min,
        .port_max = (uint16_t)config->plain_port_max,
        .targets = config->plain_targets,
    };
    result = plain_service_create(&plain, daemon->forwarder, &daemon->plain);
    if (result)
        snprintf(error, size, "%s", strerror(-result));
    return result;
}

static int start_webhook(struct daemon *daemon, char *error, size_t size)
{
    const struct config *config = daemon->config;
    struct webhook_config webhook;
    webhook_config_init(&webhook);
    webhook.base = daemon->base;
    webhook.url = config->webhook_url;
    webhook.token = config->webhook_token;
    int result = config->webhook_url ? webhook_create(&webhook, &daemon->webhook) : 0;
    if (result == -EINVAL) {
        snprintf(error, size, "WEBHOOK_URL: not a URL of http: or https:");
        return -EDOM;
    }
    if (result)
        snprintf(error, size, "cannot start the webhook: %s", strerror(-result));
    return result;
}

static int start_limits(struct daemon *daemon, char *error, size_t size)
{
    const struct config *config = daemon->config;
    json_input_set_depth_max(config->max_json_depth);
    if (config->trusted_proxies && networks_parse(config->trusted_proxies, &daemon->trust)) {
        snprintf(error, size, "TRUSTED_PROXIES: not a list of addresses and networks");
        return -EDOM;
    }
    const struct address_limits_config limits = {
        .trust = daemon->trust,
        .connections = config->max_address_connections,
        .rate = config->max_address_request_rate,
        .rate_all = config->max_request_rate,
    };
    int result = address_limits_create(&limits, &daemon->limits);
    if (result)
        snprintf(error, size, "%s", strerror(-result));
    return result;
}

static int start_signaling(struct daemon *daemon, char *error, size_t size)
{
    const struct config *config = daemon->config;
    struct rooms_config rooms;
    rooms_config_init(&rooms);
    rooms.base = daemon->base;
    rooms.forwarder = daemon->forwarder;
    rooms.webrtc = daemon->webrtc;
    rooms.plain = daemon->plain;
    rooms.router = daemon->router;
    rooms.turn_server = config->turn_server;
    rooms.turn_static_secret = config->turn_static_secret;
    rooms.webhook = daemon->webhook;
    rooms.place_ms = config->place_timeout_s * 1000;
    rooms.rooms_max = config->max_rooms;
    rooms.room_peers_max = config->max_room_peers;
    rooms.nickname_max = config->max_nickname;
    rooms.chat_bytes_max = config->max_chat_bytes;
    rooms.last_n = config->last_n;
    struct signaling_config signaling;
    signaling_config_init(&signaling);
    signaling.base = daemon->base;
    signaling.message_bytes_max = config->max_message_bytes;
    signaling.limits = daemon->limits;
    int result = rooms_create(&rooms, &daemon->rooms);
    if (!result) {
        signaling.rooms = daemon->rooms;
        result = signaling_create(&signaling, &daemon->signaling);
    }
    struct api_config api = {
        .rooms = daemon->rooms,
        .forwarder = daemon->forwarder,
        .auth_token = config->auth_token,
        .public_domain = config->public_domain,
        .secure = config->ssl_cert || config->force_wss,
        .demo = config->demo,
        .limits = daemon->limits,
    };
    if (!result)
        result = api_create(&api, &daemon->api);
    if (result)
        snprintf(error, size, "cannot start signaling: %s", strerror(-result));
    return result;
}

static int start_gateway(struct daemon *daemon, char *error, size_t size)
{
    const struct config *config = daemon->config;
    struct gateway_config gateway;
    gateway_config_init(&gateway);
    gateway.host = config->listening_host;
    gateway.port = (uint16_t)config->listening_port;
    gateway.cert_path = config->ssl_cert;
    gateway.key_path = config->ssl_key;
    gateway.ws_path = SIGNALING_PATH;
    gateway.max_ws_message_bytes = config->max_message_bytes;
    gateway.trust = daemon->trust;
    gateway.max_connections = config->max_connections;
    gateway.max_address_connections = config->max_address_connections;
    gateway.max_connection_rate = config->max_connection_rate;
    gateway.max_address_connection_rate = config->max_address_connection_rate;
    gateway.demo_root = config->demo;
    int result = gateway_create(&gateway, daemon->base, &daemon_gateway_handler, daemon, &daemon->gateway,
                                error, size);
    if (result)
        return result;
    signaling_set_gateway(daemon->signaling, daemon->gateway);
    api_set_gateway(daemon->api, daemon->gateway);
    return 0;
}

static void on_hangup(evutil_socket_t number, short what, void *context)
{
    (void)number;
    (void)what;
    struct daemon *daemon = context;
    char error[GATEWAY_ERROR_MAX];
    int result = gateway_reload_certificate(daemon->gateway, error, sizeof(error));
    if (!result)
        log_info("daemon", "SIGHUP: new connections get the certificate that %s has now",
                 daemon->config->ssl_cert);
    else if (result == -ENOTSUP)
        log_info("daemon", "SIGHUP: no certificate to read again");
    else
        log_error("daemon", "SIGHUP: keeping the certificate: %s", error);
}

static int watch_hangup(struct daemon *daemon, char *error, size_t size)
{
    daemon->hangup = evsignal_new(daemon->base, SIGHUP, on_hangup, daemon);
    if (daemon->hangup && event_add(daemon->hangup, NULL) == 0)
        return 0;
    snprintf(error, size, "cannot watch for signals");
    return -ENOMEM;
}

static int start_console(struct daemon *daemon, char *error, size_t size)
{
    struct console_config console;
    console_config_init(&console);
    console.base = daemon->base;
    console.runtime_dir = daemon->config->runtime_dir;
    console.rooms = daemon->rooms;
    console.forwarder = daemon->forwarder;
    int result = drain_create(daemon->base, daemon->rooms, daemon->webhook, &daemon->drain);
    if (result) {
        snprintf(error, size, "cannot start the console: %s", strerror(-result));
        return result;
    }
    console.drain = daemon->drain;
    return console_create(&console, &daemon->console, error, size);
}

int daemon_create(const struct config *config, struct event_base *base, struct daemon **ret_daemon,
                  char *error, size_t size)
{
    struct daemon *daemon = calloc(1, sizeof(*daemon));
    if (!daemon) {
        snprintf(error, size, "out of memory");
        return -ENOMEM;
    }
    daemon->config = config;
    daemon->base = base;
    /* What is wrong with the settings shows before anything listens. */
    int result = console_check(config->runtime_dir, error, size);
    if (!result)
        result = start_limits(daemon, error, size);
    if (!result)
        result = start_webhook(daemon, error, size);
    if (!result)
        result = start_media(daemon, error, size);
    if (!result)
        result = start_signaling(daemon, error, size);
    if (!result)
        result = start_gateway(daemon, error, size);
    if (!result)
        result = watch_hangup(daemon, error, size);
    if (!result)
        result = start_console(daemon, error, size);
    if (result) {
        daemon_destroy(daemon);
        return result;
    }
    *ret_daemon = daemon;
    return 0;
}

void daemon_destroy(struct daemon *daemon)
{
    if (!daemon)
        return;
    console_destroy(daemon->console);
    drain_destroy(daemon->drain);
    if (daemon->hangup)
        event_free(daemon->hangup);
    if (daemon->gateway)
        gateway_destroy(daemon->gateway);
    signaling_destroy(daemon->signaling);
    api_destroy(daemon->api);
    rooms_destroy(daemon->rooms);
    webhook_destroy(daemon->webhook);
    address_limits_destroy(daemon->limits);
    networks_destroy(daemon->trust);
    plain_service_destroy(daemon->plain);
    webrtc_service_destroy(daemon->webrtc);
    forwarder_destroy(daemon->forwarder);
    ortc_router_destroy(daemon->router);
    free(daemon);
}

void daemon_print_listeners(const struct daemon *daemon, FILE *out)
{
    const struct config *config = daemon->config;
    bool is_ipv6 = strchr(config->listening_host, ':');
    const char *scheme = config->ssl_cert ? "https" : "http";
    fprintf(out,
            "kolabmeetd " KM_VERSION
            " listens on %s://%s%s%s:%u for signaling, on UDP %s port %u for media%s\n",
            scheme, is_ipv6 ? "[" : "", config->listening_host, is_ipv6 ? "]" : "",
            (unsigned)gateway_port(daemon->gateway), config->webrtc_listen_ip, config->webrtc_listen_port,
            config->demo ? "; the demo page is at /demo/" : "");
    fflush(out);
}
