#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "control/console/commands.h"
#include "control/log.h"

#define TAG_BYTES 32

json_t *command_log_level(struct command_call *call)
{
    enum log_level level;
    if (call->count == 1) {
        if (log_level_parse(call->arguments[0], &level)) {
            snprintf(call->error, sizeof(call->error), "\"%.64s\" is none of: error, warn, info, debug",
                     call->arguments[0]);
            return NULL;
        }
        log_info("console", "log level %s", log_level_name(level));
        log_set_level(level);
    }
    return json_pack("{s:s}", "level", log_level_name(log_get_level()));
}

/* A tag's own level, or none. */
struct tag_setting {
    char tag[TAG_BYTES];
    bool follows;
    enum log_level level;
};

static int parse_setting(const char *text, struct tag_setting *ret_setting)
{
    struct tag_setting setting = {.level = LOG_LEVEL_ERROR};
    const char *value = strchr(text, '=');
    size_t length = value ? (size_t)(value - text) : 0;
    enum log_level ignored;
    if (length == 0 || length >= sizeof(setting.tag))
        return -EINVAL;
    memcpy(setting.tag, text, length);
    if (log_get_tag_level(setting.tag, &ignored) == -ENOENT)
        return -ENOENT;
    value++;
    setting.follows = strcasecmp(value, "on") == 0;
    if (!setting.follows && strcasecmp(value, "off") != 0 && log_level_parse(value, &setting.level))
        return -EINVAL;
    *ret_setting = setting;
    return 0;
}

static json_t *list_tags(void)
{
    json_t *tags = json_object();
    const char *tag;
    for (size_t i = 0; (tag = log_tag_name(i)); i++) {
        enum log_level level;
        bool own = log_get_tag_level(tag, &level) == 0;
        json_object_set_new(tags, tag,
                            json_string(!own                       ? "on"
                                        : level == LOG_LEVEL_ERROR ? "off"
                                                                   : log_level_name(level)));
    }
    return tags;
}

/* All of them, or none when one is wrong. */
json_t *command_log_tags(struct command_call *call)
{
    struct tag_setting settings[COMMAND_ARGUMENTS_MAX];
    for (size_t i = 0; i < call->count; i++) {
        int error = parse_setting(call->arguments[i], &settings[i]);
        if (!error)
            continue;
        snprintf(call->error, sizeof(call->error),
                 error == -ENOENT ? "no tag in \"%.64s\"; see logTags"
                                  : "\"%.64s\" is no TAG=on, off, warn, info or debug",
                 call->arguments[i]);
        return NULL;
    }
    for (size_t i = 0; i < call->count; i++) {
        log_info("console", "log tag %s %s", settings[i].tag,
                 settings[i].follows ? "on" : log_level_name(settings[i].level));
        if (settings[i].follows)
            log_reset_tag_level(settings[i].tag);
        else
            log_set_tag_level(settings[i].tag, settings[i].level);
    }
    return list_tags();
}
