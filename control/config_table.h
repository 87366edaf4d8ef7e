/* The table of settings, for the files that read and print them. */
#pragma once

#include <stddef.h>

#include "control/config.h"

#define CONFIG_SETTINGS_MAX 64
#define CONFIG_FORWARDER_NAME "kolabmeet-forwarder"

enum setting_kind {
    TEXT,
    SECRET,
    SECRET_FILE, /* follows its SECRET: a file that holds that */
    NUMBER,      /* unsigned, from min to max */
    FLAG,        /* on by any value */
    SWITCH,      /* on or off */
    POLL,
    SRTP,
    LEVEL,
    IGNORED,
};

struct setting {
    const char *name;
    const char *alias;        /* a second variable and option, or NULL */
    const char *default_text; /* NULL: unset, or found out in config_check.c */
    enum setting_kind kind;
    size_t offset; /* in struct config */
    unsigned min, max;
    const char *help;
};

extern const struct setting config_table[];
extern const size_t config_table_count;

/* Index by the name or alias of a variable, or by that of an option ("listening-port"), which need not end
 * with a NUL; -1 for none. */
int config_table_find_variable(const char *name, size_t length);
int config_table_find_option(const char *name, size_t length);
