/* A file of settings, and files that hold one secret each.
 *
 * A line is empty, a comment that begins with #, or NAME=value: what systemd's EnvironmentFile= and docker's
 * --env-file understand alike. Where these two differ (quotes around a value, backslashes, blanks around it)
 * the line is an error. */
#pragma once

#include <stddef.h>

#include "control/config_table.h"

#define CONFIG_FILE_BYTES_MAX 65536

struct config_file {
    char *text;
    const char
        *values[CONFIG_SETTINGS_MAX];    /* by index in the table, NULL where unset; they point into text */
    unsigned lines[CONFIG_SETTINGS_MAX]; /* from 1 */
};

/* -EINVAL, or the errno of reading it, with one line in error; that names the line but no value. */
int config_file_read(const char *path, struct config_file *ret_file, char *error, size_t size);
/* Wipes it. Fine for one that is all zero. */
void config_file_deinit(struct config_file *file);

/* What the file holds without the line ends behind it, allocated. -EINVAL when that is nothing, or more than
 * one line. */
int config_file_read_secret(const char *path, char **ret_secret, char *error, size_t size);
