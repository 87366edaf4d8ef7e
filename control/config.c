#include "control/config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "control/config_check.h"
#include "control/config_file.h"
#include "control/config_table.h"
#include "control/config_value.h"

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
        int result = config_value_store(config, setting, text, error, size);
        if (result && source == CONFIG_FILE)
            name_line(sources, index, error, size);
        return result;
    }
    return setting->default_text ? config_value_store(config, setting, setting->default_text, error, size)
                                 : 0;
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
            result = config_check(&config, error, size);
        if (!result)
            result = config_complete(&config, error, size);
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
