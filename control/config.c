#include "control/config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sysexits.h>
#include <unistd.h>

#define EXIT_LISTEN_IP 3
#define FORWARDER_NAME "kolabmeet-forwarder"

enum kind {
    TEXT,
    SECRET,
    NUMBER, /* unsigned, from min to max */
    FLAG,   /* on by any value */
    POLL,
    SRTP,
    LEVEL,
    IGNORED,
};

struct setting {
    const char *name;
    const char *alias;        /* a second variable and option, or NULL */
    const char *default_text; /* NULL: unset, or found out in fill_computed */
    enum kind kind;
    size_t offset;
    unsigned min, max;
    const char *help;
};

#define AT(field) offsetof(struct config, field)

static const struct setting settings[] = {
    {"AUTH_TOKEN", NULL, NULL, SECRET, AT(auth_token), 0, 0, "token of the HTTP API (required)"},
    {"LISTENING_HOST", NULL, "0.0.0.0", TEXT, AT(listening_host), 0, 0,
     "address of the HTTP and websocket listener"},
    {"LISTENING_PORT", NULL, "12443", NUMBER, AT(listening_port), 1, 65535, "its port"},
    {"PUBLIC_DOMAIN", NULL, "127.0.0.1:12443", TEXT, AT(public_domain), 0, 0,
     "host[:port] of the websocket URL handed to clients"},
    {"SSL_CERT", NULL, NULL, TEXT, AT(ssl_cert), 0, 0,
     "PEM certificate chain, or none for plain HTTP (required)"},
    {"SSL_KEY", NULL, NULL, TEXT, AT(ssl_key), 0, 0, "its PEM key"},
    {"FORCE_WSS", NULL, NULL, FLAG, AT(force_wss), 0, 0,
     "any value: hand out wss: although this server speaks plain HTTP"},
    {"WEBRTC_LISTEN_IP", NULL, NULL, TEXT, AT(webrtc_listen_ip), 0, 0,
     "address that media sockets bind to (required)"},
    {"WEBRTC_ANNOUNCED_ADDRESS", NULL, NULL, TEXT, AT(webrtc_announced_address), 0, 0,
     "address in ICE candidates instead of it"},
    {"WEBRTC_LISTEN_PORT", NULL, "44444", NUMBER, AT(webrtc_listen_port), 1, 65535, "media port"},
    {"CODECS", NULL, "opus,VP8,VP9;profile-id=2,H264;profile-level-id=4d0032,H264;profile-level-id=42e01f",
     TEXT, AT(codecs), 0, 0,
     "codecs in order of preference, with parameters by semicolons; also VP9, AV1, PCMU, PCMA, G722"},
    {"INITIAL_OUTGOING_BITRATE", NULL, "1000000", NUMBER, AT(initial_outgoing_bitrate_bps), 30000, 1000000000,
     "first estimate of a receiver's bandwidth, bit/s"},
    {"MAX_INCOMING_BITRATE", NULL, "1500000", NUMBER, AT(max_incoming_bitrate_bps), 30000, 1000000000,
     "limit of what a sender may send, bit/s"},
    {"PLAIN_PORT_MIN", NULL, "40000", NUMBER, AT(plain_port_min), 1, 65535,
     "first port of plain RTP transports"},
    {"PLAIN_PORT_MAX", NULL, "43999", NUMBER, AT(plain_port_max), 1, 65535,
     "last port of plain RTP transports"},
    {"DTLS_CERT", NULL, NULL, TEXT, AT(dtls_cert), 0, 0,
     "PEM certificate of DTLS; by default made at the start"},
    {"DTLS_KEY", NULL, NULL, TEXT, AT(dtls_key), 0, 0, "its PEM key"},
    {"TURN_SERVER", NULL, "turn:127.0.0.1:3478?transport=tcp", TEXT, AT(turn_server), 0, 0,
     "TURN URLs by commas, or none"},
    {"TURN_STATIC_SECRET", NULL, NULL, SECRET, AT(turn_static_secret), 0, 0,
     "static-auth-secret of the TURN server"},
    {"WEBHOOK_URL", NULL, NULL, TEXT, AT(webhook_url), 0, 0, "where events of rooms are posted to"},
    {"WEBHOOK_TOKEN", NULL, NULL, SECRET, AT(webhook_token), 0, 0, "X-Auth-Token of these"},
    {"WORKERS", "MEDIASOUP_NUM_WORKERS", NULL, NUMBER, AT(workers), 1, 64,
     "threads of the forwarder; by default one a core"},
    {"ROUTER_SCALE_SIZE", NULL, "16", IGNORED, 0, 0, 0, "accepted and ignored"},
    {"POLL", NULL, "adaptive", POLL, AT(poll), 0, 0,
     "adaptive, busy or sleep: how the forwarder waits for packets"},
    {"SRTP_BACKEND", NULL, "native", SRTP, AT(srtp_backend), 0, 0,
     "native or libsrtp2: who encrypts; with libsrtp2 a call does not outlive its forwarder"},
    {"RUNTIME_DIR", NULL, "/run/kolabmeet", TEXT, AT(runtime_dir), 0, 0,
     "folder of the statistics and of sockets"},
    {"DEMO", NULL, "off", TEXT, AT(demo), 0, 0, "folder of the built demo page, or off"},
    {"FORWARDER", NULL, NULL, TEXT, AT(forwarder), 0, 0,
     "path of " FORWARDER_NAME "; by default beside this program"},
    {"LOG_LEVEL", NULL, "info", LEVEL, AT(log_level), 0, 0, "error, warn, info or debug"},
};

#define SETTING_COUNT (sizeof(settings) / sizeof(settings[0]))

static bool option_is(const char *option, size_t length, const char *name)
{
    if (!name || strlen(name) != length)
        return false;
    for (size_t i = 0; i < length; i++) {
        char c = name[i] == '_' ? '-' : (char)(name[i] | 0x20);
        if (option[i] != c)
            return false;
    }
    return true;
}

static int find_option(const char *option, size_t length)
{
    for (size_t i = 0; i < SETTING_COUNT; i++) {
        if (option_is(option, length, settings[i].name) || option_is(option, length, settings[i].alias))
            return (int)i;
    }
    return -1;
}

/* Points `values` at the texts given as options. Returns 0 or -EINVAL. */
static int read_options(int argc, char **argv, const char **values, enum config_action *ret_action,
                        char *error, size_t size)
{
    for (int i = 1; i < argc; i++) {
        const char *option = argv[i];
        const char *value = strchr(option, '=');
        size_t length = value ? (size_t)(value - option) : strlen(option);

        if (!strcmp(option, "--help") || !strcmp(option, "-h")) {
            *ret_action = CONFIG_SHOW_HELP;
            continue;
        }
        if (!strcmp(option, "--version")) {
            *ret_action = CONFIG_SHOW_VERSION;
            continue;
        }
        int setting = !strncmp(option, "--", 2) ? find_option(option + 2, length - 2) : -1;
        if (setting < 0) {
            /* Not what follows a '=': it may be a secret under a misspelt name. */
            snprintf(error, size, "unknown option %.*s", (int)(length < 64 ? length : 64), option);
            return -EINVAL;
        }
        if (value) {
            value++;
        } else if (settings[setting].kind == FLAG) {
            value = "1";
        } else if (i + 1 < argc) {
            value = argv[++i];
        } else {
            snprintf(error, size, "option %s needs a value", option);
            return -EINVAL;
        }
        values[setting] = value;
    }
    return 0;
}

static const char *find_variable(char **environment, const char *name)
{
    size_t length = name ? strlen(name) : 0;

    for (char **entry = environment; name && entry && *entry; entry++) {
        if (!strncmp(*entry, name, length) && (*entry)[length] == '=')
            return (*entry)[length + 1] ? *entry + length + 1 : NULL;
    }
    return NULL;
}

static int parse_number(const struct setting *setting, const char *text, unsigned *ret)
{
    char *end;

    errno = 0;
    unsigned long number = strtoul(text, &end, 10);
    if (errno || *text < '0' || *text > '9' || *end || number < setting->min || number > setting->max)
        return -EINVAL;
    *ret = (unsigned)number;
    return 0;
}

static int parse_poll(const char *text, enum config_poll *ret)
{
    static const char *const names[] = {"adaptive", "busy", "sleep"};

    for (int i = 0; i < 3; i++) {
        if (!strcasecmp(text, names[i])) {
            *ret = (enum config_poll)i;
            return 0;
        }
    }
    return -EINVAL;
}

static int parse_srtp_backend(const char *text, enum config_srtp *ret)
{
    bool native = strcasecmp(text, "native") == 0;

    if (!native && strcasecmp(text, "libsrtp2") != 0)
        return -EINVAL;
    *ret = native ? CONFIG_SRTP_NATIVE : CONFIG_SRTP_LIBSRTP2;
    return 0;
}

static int store(struct config *config, const struct setting *setting, const char *text, char *error,
                 size_t size)
{
    void *field = (char *)config + setting->offset;
    int result = 0;

    switch (setting->kind) {
    case TEXT:
    case SECRET: {
        char *copy = strdup(text);
        if (!copy) {
            snprintf(error, size, "no memory");
            return -ENOMEM;
        }
        *(char **)field = copy;
        return 0;
    }
    case NUMBER:
        result = parse_number(setting, text, field);
        if (result)
            snprintf(error, size, "%s: \"%.40s\" is no number from %u to %u", setting->name, text,
                     setting->min, setting->max);
        return result;
    case FLAG:
        *(bool *)field = true;
        return 0;
    case POLL:
        result = parse_poll(text, field);
        break;
    case SRTP:
        result = parse_srtp_backend(text, field);
        break;
    case LEVEL:
        result = log_level_parse(text, field);
        break;
    case IGNORED:
        return 0;
    }
    if (result)
        snprintf(error, size, "%s: \"%.40s\" is none of: %s", setting->name, text, setting->help);
    return result;
}

/* Text that stands for "unset" becomes NULL. */
static void drop_if(char **text, const char *word)
{
    if (*text && !strcmp(*text, word)) {
        free(*text);
        *text = NULL;
    }
}

static int check_required(struct config *config, char *error, size_t size)
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
    if (!config->webrtc_listen_ip) {
        snprintf(error, size, "WEBRTC_LISTEN_IP is not set");
        return -EADDRNOTAVAIL;
    }
    if (inet_pton(AF_INET, config->webrtc_listen_ip, address) != 1 &&
        inet_pton(AF_INET6, config->webrtc_listen_ip, address) != 1) {
        snprintf(error, size, "WEBRTC_LISTEN_IP: \"%.64s\" is no IP address", config->webrtc_listen_ip);
        return -EADDRNOTAVAIL;
    }
    return 0;
}

static char *beside_this_program(void)
{
    char path[PATH_MAX];
    char *beside;
    ssize_t length = readlink("/proc/self/exe", path, sizeof(path) - 1);

    if (length <= 0)
        return strdup(FORWARDER_NAME);
    path[length] = '\0';
    char *slash = strrchr(path, '/');
    int folder_length = slash ? (int)(slash + 1 - path) : 0;
    return asprintf(&beside, "%.*s" FORWARDER_NAME, folder_length, path) < 0 ? NULL : beside;
}

static int fill_computed(struct config *config, char *error, size_t size)
{
    drop_if(&config->turn_server, "none");
    drop_if(&config->demo, "off");
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

static int store_all(struct config *config, const char **options, char **environment, char *error,
                     size_t size)
{
    for (size_t i = 0; i < SETTING_COUNT; i++) {
        const struct setting *setting = &settings[i];
        const char *text = options[i] && *options[i] ? options[i] : NULL;

        if (!text && !options[i])
            text = find_variable(environment, setting->name);
        if (!text && !options[i])
            text = find_variable(environment, setting->alias);
        if (!text)
            text = setting->default_text;
        int result = text ? store(config, setting, text, error, size) : 0;
        if (result)
            return result;
    }
    return 0;
}

int config_parse(int argc, char **argv, char **environment, struct config *ret, char *error, size_t size)
{
    struct config config = {0};
    const char *options[SETTING_COUNT] = {0};
    int result = read_options(argc, argv, options, &config.action, error, size);

    if (result)
        return result;
    if (config.action == CONFIG_RUN) {
        result = store_all(&config, options, environment, error, size);
        if (!result)
            result = check_required(&config, error, size);
        if (!result)
            result = fill_computed(&config, error, size);
        if (result) {
            config_deinit(&config);
            return result;
        }
    }
    *ret = config;
    return 0;
}

void config_deinit(struct config *config)
{
    for (size_t i = 0; i < SETTING_COUNT; i++) {
        char **text = (char **)((char *)config + settings[i].offset);

        if (settings[i].kind != TEXT && settings[i].kind != SECRET)
            continue;
        if (*text && settings[i].kind == SECRET)
            explicit_bzero(*text, strlen(*text));
        free(*text);
        *text = NULL;
    }
}

int config_exit_status(int error)
{
    return error == -EADDRNOTAVAIL ? EXIT_LISTEN_IP : EX_CONFIG;
}

void config_print_help(FILE *out)
{
    fprintf(out, "Usage: kolabmeetd [--option=value]...\n\n"
                 "Each setting is an environment variable, or an option of the same name in lower case with\n"
                 "dashes (--listening-port=12443), which wins.\n\n");
    for (size_t i = 0; i < SETTING_COUNT; i++) {
        const struct setting *setting = &settings[i];

        fprintf(out, "  %-25s %s", setting->name, setting->help);
        if (setting->default_text && setting->kind != IGNORED)
            fprintf(out, " [%s]", setting->default_text);
        if (setting->alias)
            fprintf(out, " (also %s)", setting->alias);
        fputc('\n', out);
    }
    fprintf(out, "\n  --help, --version\n");
}
