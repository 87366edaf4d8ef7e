#include "control/startup_check.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "control/announced.h"
#include "control/config.h"
#include "control/gateway/certificate.h"
#include "control/networks.h"
#include "control/ortc/router.h"
#include "control/transport/plain_targets.h"
#include "control/webhook/webhook.h"

static int check_codecs(const struct config *config, char *error, size_t size)
{
    struct ortc_router *router;
    if (ortc_router_create(config->codecs, &router, error, size))
        return -EINVAL;
    ortc_router_destroy(router);
    return 0;
}

/* NULL: none. */
static int check_networks(const char *name, const char *list, char *error, size_t size)
{
    struct networks *networks;
    if (!list)
        return 0;
    if (networks_parse(list, &networks)) {
        snprintf(error, size, "%s: not a list of addresses and networks", name);
        return -EINVAL;
    }
    networks_destroy(networks);
    return 0;
}

static int check_plain_targets(const struct config *config, char *error, size_t size)
{
    struct plain_targets *targets;
    if (plain_targets_create(config->plain_targets, config->webrtc_listen_ip, &targets)) {
        snprintf(error, size, "PLAIN_TARGETS: not a list of addresses and networks, private, any, or none");
        return -EINVAL;
    }
    plain_targets_destroy(targets);
    return 0;
}

static int check_certificate(const char *cert, const char *key, char *error, size_t size)
{
    struct certificate *certificate;
    if (!cert)
        return 0;
    if (certificate_load(cert, key, &certificate, error, size))
        return -EINVAL;
    certificate_destroy(certificate);
    return 0;
}

int startup_check_settings(const struct config *config, char *error, size_t size)
{
    if (check_codecs(config, error, size) ||
        check_networks("TRUSTED_PROXIES", config->trusted_proxies, error, size) ||
        check_plain_targets(config, error, size))
        return -EINVAL;
    if (check_certificate(config->ssl_cert, config->ssl_key, error, size) ||
        check_certificate(config->dtls_cert, config->dtls_key, error, size))
        return -EINVAL;
    if (config->webhook_url && webhook_check_url(config->webhook_url)) {
        snprintf(error, size, "WEBHOOK_URL: not a URL of http: or https:");
        return -EINVAL;
    }
    if (access(config->forwarder, X_OK)) {
        snprintf(error, size, "FORWARDER: %s: %s", config->forwarder, strerror(errno));
        return -EINVAL;
    }
    return 0;
}

struct speaker {
    startup_check_fn say;
    void *context;
};

__attribute__((format(printf, 3, 4))) static void say(const struct speaker *speaker, bool is_warning,
                                                      const char *format, ...)
{
    char line[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(line, sizeof(line), format, arguments);
    va_end(arguments);
    speaker->say(speaker->context, is_warning, line);
}

static bool is_any(const char *address)
{
    return strcmp(address, "0.0.0.0") == 0 || strcmp(address, "::") == 0;
}

/* As is_any, of a host[:port] in a URL. */
static bool is_any_host(const char *host)
{
    size_t length = strncmp(host, "[::]", 4) == 0 ? 4 : strcspn(host, ":");
    return (length == 4 && host[0] == '[') || (length == 7 && strncmp(host, "0.0.0.0", 7) == 0);
}

/* host may have a port behind it. */
static bool is_loopback(const char *host)
{
    return strncmp(host, "127.", 4) == 0 || strcmp(host, "::1") == 0 || strncmp(host, "[::1]", 5) == 0 ||
           (strncmp(host, "localhost", 9) == 0 && (host[9] == '\0' || host[9] == ':'));
}

/* RFC 1918, RFC 6598, link-local, RFC 4193. */
static bool is_private(const char *address)
{
    struct in_addr v4;
    struct in6_addr v6;
    if (inet_pton(AF_INET, address, &v4) == 1) {
        uint32_t bits = ntohl(v4.s_addr);
        return bits >> 24 == 10 || bits >> 20 == 0xac1 || bits >> 16 == 0xc0a8 || bits >> 22 == 0x191 ||
               bits >> 16 == 0xa9fe;
    }
    return inet_pton(AF_INET6, address, &v6) == 1 &&
           ((v6.s6_addr[0] & 0xfe) == 0xfc || (v6.s6_addr[0] == 0xfe && (v6.s6_addr[1] & 0xc0) == 0x80));
}

static bool is_address(const char *text)
{
    uint8_t bytes[16];
    return inet_pton(AF_INET, text, bytes) == 1 || inet_pton(AF_INET6, text, bytes) == 1;
}

/* A socket of :: is for both families. */
static bool can_receive(const char *listen, const char *address)
{
    return strcmp(listen, "::") == 0 || !strchr(address, ':') == !strchr(listen, ':');
}

static void check_candidate(const struct config *config, const char *address, const struct speaker *speaker)
{
    const char *listen = config->webrtc_listen_ip;
    bool has_tcp = config->webrtc_listen_port != config->listening_port;

    say(speaker, false, "clients get the candidate%s %s port %u", has_tcp ? "s udp and tcp" : " udp", address,
        config->webrtc_listen_port);
    if (!is_address(address))
        say(speaker, true,
            "WEBRTC_ANNOUNCED_ADDRESS: %s is no IP address; browsers ignore candidates with names", address);
    else if (is_any(address))
        say(speaker, true, "no client can send media to %s: set WEBRTC_ANNOUNCED_ADDRESS", address);
    else if (is_loopback(address) && !is_loopback(config->listening_host))
        say(speaker, true, "only clients on this machine can send media to %s", address);
    else if (is_private(address) && !config->turn_static_secret)
        say(speaker, false, "%s is a private address: clients outside of its network need a TURN server",
            address);
    if (is_address(address) && !can_receive(listen, address))
        say(speaker, true, "the media sockets of %s cannot receive what is sent to %s", listen, address);
}

static void check_candidates(const struct config *config, const struct speaker *speaker)
{
    struct announced announced;
    const char *list =
        config->webrtc_announced_address ? config->webrtc_announced_address : config->webrtc_listen_ip;
    if (announced_parse(list, &announced) == 0)
        for (size_t i = 0; i < announced.count; i++)
            check_candidate(config, announced.addresses[i], speaker);
}

/* One URL: turn: or turns:, host, perhaps a port and a transport. */
static void check_turn_url(const char *url, size_t length, bool is_local, const struct speaker *speaker)
{
    const char *host = memchr(url, ':', length);
    bool is_turn = length > 5 && host && (strncmp(url, "turn:", 5) == 0 || strncmp(url, "turns:", 6) == 0);
    if (!is_turn)
        say(speaker, true, "TURN_SERVER: %.*s is no URL of turn: or turns:", (int)length, url);
    else if (is_loopback(host + 1) && !is_local)
        say(speaker, true, "TURN_SERVER: only clients on this machine can reach %.*s", (int)length, url);
}

static void check_turn(const struct config *config, const struct speaker *speaker)
{
    const char *url = config->turn_server;
    if (!url) {
        if (config->turn_static_secret)
            say(speaker, true, "TURN_STATIC_SECRET is set, but TURN_SERVER is none");
        return;
    }
    if (!config->turn_static_secret) {
        say(speaker, true, "TURN_STATIC_SECRET is not set: clients get no TURN server");
        return;
    }
    while (*url) {
        size_t length = strcspn(url, ",");
        check_turn_url(url, length, is_loopback(config->listening_host), speaker);
        url += length + (url[length] == ',');
    }
}

static void check_signaling(const struct config *config, const struct speaker *speaker)
{
    bool is_secure = config->ssl_cert || config->force_wss;
    bool is_local = is_loopback(config->public_domain);
    say(speaker, false, "clients are sent to %s://%s", is_secure ? "wss" : "ws", config->public_domain);
    if (is_any_host(config->public_domain))
        say(speaker, true, "PUBLIC_DOMAIN: no client can go to %s", config->public_domain);
    else if (is_local && !is_loopback(config->listening_host))
        say(speaker, true, "PUBLIC_DOMAIN: only clients on this machine can reach %s", config->public_domain);
    else if (!is_local && !is_secure)
        say(speaker, true, "browsers refuse ws: on a page of https:; with TLS ended in front set FORCE_WSS");
}

void startup_check_reach(const struct config *config, startup_check_fn fn, void *context)
{
    struct speaker speaker = {.say = fn, .context = context};
    check_signaling(config, &speaker);
    check_candidates(config, &speaker);
    check_turn(config, &speaker);
}
