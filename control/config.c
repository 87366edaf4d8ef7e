#include "control/config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sysexits.h>
#include <unistd.h>

#include "control/announced.h"
#include "control/config_file.h"
#include "control/config_table.h"

#define EXIT_LISTEN_IP 3

/* Where settings come from, what wins first. */
enum source { OPTIONS, ENVIRONMENT, CONFIG_FILE, SOURCES };

struct sources {
    const char *options[CONFIG_SETTINGS_MAX]; /* NULL where not given */
    char **environment;
    const char *file_path;
    struct config_file file;
};

static bool is_action(const char *option, struct config *config)
{
    static const struct {
        const char *option;
        enum config_action action;
    } actions[] = {
        {"--help", CONFIG_SHOW_HELP},
        {"-h", CONFIG_SHOW_HELP},
        {"--version", CONFIG_SHOW_VERSION},
        {"--check-config", CONFIG_CHECK},
    };
    for (size_t i = 0; i < sizeof(actions) / sizeof(actions[0]); i++) {
        if (strcmp(option, actions[i].option) == 0) {
            config->action = actions[i].action;
            return true;
        }
    }
    return false;
}

static bool is_config(const char *option, size_t length)
{
    return length == strlen("--config") && strncmp(option, "--config", length) == 0;
}

/* Notes the texts given as options. Returns 0 or -EINVAL. */
static int read_options(int argc, char **argv, struct sources *sources, struct config *config, char *error,
                        size_t size)
{
    for (int i = 1; i < argc; i++) {
        const char *option = argv[i];
        const char *value = strchr(option, '=');
        size_t length = value ? (size_t)(value - option) : strlen(option);

        if (is_action(option, config))
            continue;
        int setting = !strncmp(option, "--", 2) ? config_table_find_option(option + 2, length - 2) : -1;
        if (setting < 0 && !is_config(option, length)) {
            /* Not what follows a '=': it may be a secret under a misspelt name. */
            snprintf(error, size, "unknown option %.*s", (int)(length < 64 ? length : 64), option);
            return -EINVAL;
        }
        if (value) {
            value++;
        } else if (setting >= 0 && config_table[setting].kind == FLAG) {
            value = "1";
        } else if (i + 1 < argc) {
            value = argv[++i];
        } else {
            snprintf(error, size, "option %s needs a value", option);
            return -EINVAL;
        }
        if (setting < 0)
            sources->file_path = value;
        else
            sources->options[setting] = value;
    }
    return 0;
}

/* NULL where it is unset or empty. */
static const char *find_variable(char **environment, const char *name)
{
    size_t length = name ? strlen(name) : 0;

    for (char **entry = environment; name && entry && *entry; entry++) {
        if (!strncmp(*entry, name, length) && (*entry)[length] == '=')
            return (*entry)[length + 1] ? *entry + length + 1 : NULL;
    }
    return NULL;
}

/* The text of a setting in one source. NULL: the next source counts; "": the default does. */
static const char *find_text(const struct sources *sources, enum source source, size_t setting)
{
    const char *text;

    switch (source) {
    case OPTIONS:
        return sources->options[setting];
    case ENVIRONMENT:
        text = find_variable(sources->environment, config_table[setting].name);
        return text ? text : find_variable(sources->environment, config_table[setting].alias);
    case CONFIG_FILE:
        return sources->file.values[setting];
    case SOURCES:
        break;
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
    case SWITCH:
        *(bool *)field = !strcasecmp(text, "on");
        result = *(bool *)field || !strcasecmp(text, "off") ? 0 : -EINVAL;
        break;
    case LEVEL:
        result = log_level_parse(text, field);
        break;
    case IGNORED:
    case SECRET_FILE:
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

static int fill_computed(struct config *config, char *error, size_t size)
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

/* Which line it was, for a value out of the file. */
static void name_line(const struct sources *sources, size_t setting, char *error, size_t size)
{
    char what[CONFIG_ERROR_MAX];

    snprintf(what, sizeof(what), "%s", error);
    snprintf(error, size, "%s line %u: %s", sources->file_path, sources->file.lines[setting], what);
}

static int store_secret(struct config *config, const struct setting *setting, const char *path, char *error,
                        size_t size)
{
    char **field = (char **)((char *)config + setting->offset);
    char what[CONFIG_ERROR_MAX];
    int result = config_file_read_secret(path, field, what, sizeof(what));

    if (!result)
        return 0;
    snprintf(error, size, "%s_FILE: %s", setting->name, what);
    return result == -ENOMEM ? result : -EINVAL;
}

/* A secret may stand in the next setting's file instead. */
static int store_one(struct config *config, const struct sources *sources, size_t index, char *error,
                     size_t size)
{
    const struct setting *setting = &config_table[index];

    for (enum source source = OPTIONS; source < SOURCES; source++) {
        const char *text = find_text(sources, source, index);
        const char *path = setting->kind == SECRET ? find_text(sources, source, index + 1) : NULL;
        if (!text && !path)
            continue;
        if (text && path && *text && *path) {
            snprintf(error, size, "%s and %s_FILE are both set", setting->name, setting->name);
            return -EINVAL;
        }
        if (path && *path)
            return store_secret(config, setting, path, error, size);
        if (!text || !*text)
            break;
        int result = store(config, setting, text, error, size);
        if (result && source == CONFIG_FILE)
            name_line(sources, index, error, size);
        return result;
    }
    return setting->default_text ? store(config, setting, setting->default_text, error, size) : 0;
}

static int store_all(struct config *config, const struct sources *sources, char *error, size_t size)
{
    int result = 0;

    for (size_t i = 0; i < config_table_count && !result; i++)
        if (config_table[i].kind != SECRET_FILE)
            result = store_one(config, sources, i, error, size);
    return result;
}

int config_parse(int argc, char **argv, char **environment, struct config *ret, char *error, size_t size)
{
    struct config config = {0};
    struct sources sources = {.environment = environment};
    int result = read_options(argc, argv, &sources, &config, error, size);

    if (result)
        return result;
    if (config.action == CONFIG_RUN || config.action == CONFIG_CHECK) {
        if (sources.file_path && config_file_read(sources.file_path, &sources.file, error, size))
            result = -EINVAL;
        if (!result)
            result = store_all(&config, &sources, error, size);
        if (!result)
            result = check_required(&config, error, size);
        if (!result)
            result = fill_computed(&config, error, size);
        config_file_deinit(&sources.file);
    }
    if (result) {
        config_deinit(&config);
        return result;
    }
    *ret = config;
    return 0;
}

void config_deinit(struct config *config)
{
    for (size_t i = 0; i < config_table_count; i++) {
        char **text = (char **)((char *)config + config_table[i].offset);

        if (config_table[i].kind != TEXT && config_table[i].kind != SECRET)
            continue;
        if (*text && config_table[i].kind == SECRET)
            explicit_bzero(*text, strlen(*text));
        free(*text);
        *text = NULL;
    }
}

int config_exit_status(int error)
{
    return error == -EADDRNOTAVAIL ? EXIT_LISTEN_IP : EX_CONFIG;
}

static void print_option(FILE *out, const char *name)
{
    fputs("--", out);
    for (; *name; name++)
        fputc(*name == '_' ? '-' : *name | 0x20, out);
}

void config_print_help(FILE *out)
{
    fputs(
        "Usage: kolabmeetd [--option=value]...\n\n"
        "Each setting is an option, an environment variable, or a line NAME=value of a file; an option wins\n"
        "over the environment, that over the file. An empty value is the default, which stands in "
        "brackets.\n\n"
        "  --config=FILE    the file: what systemd's EnvironmentFile= and docker's --env-file take\n"
        "  --check-config   check all settings, say what will not work, and end\n"
        "  --help, --version\n\n",
        out);
    for (size_t i = 0; i < config_table_count; i++) {
        const struct setting *setting = &config_table[i];

        fprintf(out, "  %s, ", setting->name);
        print_option(out, setting->name);
        fprintf(out, "\n      %s", setting->help);
        if (setting->default_text && setting->kind != IGNORED)
            fprintf(out, " [%s]", setting->default_text);
        if (setting->alias)
            fprintf(out, " (also %s)", setting->alias);
        fputc('\n', out);
    }
}
