#include "control/config_value.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

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

int config_value_store(struct config *config, const struct setting *setting, const char *text, char *error,
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
