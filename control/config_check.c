#include "control/config_check.h"

#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "control/announced.h"
#include "control/config.h"
#include "control/config_table.h"

/* Text that stands for "unset" becomes NULL. */
static void drop_if(char **text, const char *word)
{
    if (*text && !strcmp(*text, word)) {
        free(*text);
        *text = NULL;
    }
}

int config_check(struct config *config, char *error, size_t size)
{
    uint8_t address[sizeof(struct in6_addr)];

    if (!config->auth_token) {
        snprintf(error, size, "AUTH_TOKEN is not set");
        return -EINVAL;
    }
    if (!config->ssl_cert) {
        snprintf(error, size, "SSL_CERT is not set: a PEM file, or none for plain HTTP");
        return -EINVAL;
    }
    drop_if(&config->ssl_cert, "none");
    if (config->ssl_cert && !config->ssl_key) {
        snprintf(error, size, "SSL_KEY is not set, but SSL_CERT is");
        return -EINVAL;
    }
    if (!config->ssl_cert) {
        free(config->ssl_key);
        config->ssl_key = NULL;
    }
    if (!config->dtls_cert != !config->dtls_key) {
        snprintf(error, size, "DTLS_CERT and DTLS_KEY go together");
        return -EINVAL;
    }
    if (config->plain_port_min > config->plain_port_max) {
        snprintf(error, size, "PLAIN_PORT_MIN is greater than PLAIN_PORT_MAX");
        return -EINVAL;
    }
    if (config->cpus && config->cpus[strspn(config->cpus, "0123456789,-")] != '\0') {
        snprintf(error, size, "CPUS: \"%.40s\" is no list such as 2,3 or 4-7", config->cpus);
        return -EINVAL;
    }
    if (!config->webrtc_listen_ip) {
        snprintf(error, size, "WEBRTC_LISTEN_IP is not set");
        return -EADDRNOTAVAIL;
    }
    if (inet_pton(AF_INET, config->webrtc_listen_ip, address) != 1 &&
        inet_pton(AF_INET6, config->webrtc_listen_ip, address) != 1) {
        snprintf(error, size, "WEBRTC_LISTEN_IP: \"%.64s\" is no IP address", config->webrtc_listen_ip);
        return -EADDRNOTAVAIL;
    }
    struct announced announced;
    if (config->webrtc_announced_address && announced_parse(config->webrtc_announced_address, &announced)) {
        snprintf(error, size, "WEBRTC_ANNOUNCED_ADDRESS: \"%.100s\" is no list of up to %d addresses",
                 config->webrtc_announced_address, ANNOUNCED_MAX);
        return -EINVAL;
    }
    return 0;
}

static char *beside_this_program(void)
{
    char path[PATH_MAX];
    char *beside;
    ssize_t length = readlink("/proc/self/exe", path, sizeof(path) - 1);

    if (length <= 0)
        return strdup(CONFIG_FORWARDER_NAME);
    path[length] = '\0';
    char *slash = strrchr(path, '/');
    int folder_length = slash ? (int)(slash + 1 - path) : 0;
    return asprintf(&beside, "%.*s" CONFIG_FORWARDER_NAME, folder_length, path) < 0 ? NULL : beside;
}

int config_complete(struct config *config, char *error, size_t size)
{
    drop_if(&config->turn_server, "none");
    drop_if(&config->demo, "off");
    drop_if(&config->trusted_proxies, "none");
    drop_if(&config->plain_targets, "none");
    drop_if(&config->allowed_origins, "any");
    if (!config->workers) {
        long cores = sysconf(_SC_NPROCESSORS_ONLN);
        config->workers = cores < 1 ? 1 : cores > 64 ? 64 : (unsigned)cores;
    }
    if (!config->forwarder && !(config->forwarder = beside_this_program())) {
        snprintf(error, size, "no memory");
        return -ENOMEM;
    }
    return 0;
}
