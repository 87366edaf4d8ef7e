#include "control/config_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The whole file, with a NUL behind it. */
static int read_all(const char *path, char **ret_text, size_t *ret_length)
{
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0)
        return -errno;
    char *text = calloc(1, CONFIG_FILE_BYTES_MAX + 1);
    size_t length = 0;
    ssize_t got = 0;
    while (text && length < CONFIG_FILE_BYTES_MAX &&
           (got = read(file, text + length, CONFIG_FILE_BYTES_MAX - length)) > 0)
        length += (size_t)got;
    int result = !text ? -ENOMEM : got < 0 ? -errno : length == CONFIG_FILE_BYTES_MAX ? -EFBIG : 0;
    close(file);
    if (result) {
        if (text)
            explicit_bzero(text, length);
        free(text);
        return result;
    }
    *ret_text = text;
    *ret_length = length;
    return 0;
}

static const char *fault_of_value(const char *value)
{
    size_t length = strlen(value);
    if (value[0] == '"' || value[0] == '\'')
        return "a value has no quotes around it";
    if (strchr(value, '\\'))
        return "a value has no backslashes in it";
    if (length > 0 && (strchr(" \t\r", value[0]) || strchr(" \t\r", value[length - 1])))
        return "a value has no blanks around it";
    return NULL;
}

/* Where it went wrong, for the error. */
struct place {
    const char *path;
    unsigned line;
    char *error;
    size_t size;
};

static int fail(const struct place *place, const char *fault)
{
    snprintf(place->error, place->size, "%s line %u: %s", place->path, place->line, fault);
    return -EINVAL;
}

static int read_line(struct config_file *file, char *line, const struct place *place)
{
    line += strspn(line, " \t");
    if (line[0] == '\0' || line[0] == '#' || strcmp(line, "\r") == 0)
        return 0;
    char *equals = strchr(line, '=');
    if (!equals)
        return fail(place, "not NAME=value");
    *equals = '\0';
    const char *value = equals + 1;
    int setting = config_table_find_variable(line, strlen(line));
    if (setting < 0) {
        char fault[128];
        snprintf(fault, sizeof(fault), "unknown setting %.64s", line);
        return fail(place, fault);
    }
    if (file->lines[setting])
        return fail(place, "the setting is there twice");
    const char *fault = fault_of_value(value);
    if (fault)
        return fail(place, fault);
    file->values[setting] = *value ? value : NULL;
    file->lines[setting] = place->line;
    return 0;
}

int config_file_read(const char *path, struct config_file *ret_file, char *error, size_t size)
{
    struct config_file file = {0};
    size_t length;
    int result = read_all(path, &file.text, &length);
    if (result) {
        snprintf(error, size, "%s: %s", path, strerror(-result));
        return result;
    }
    struct place place = {.path = path, .error = error, .size = size};
    if (strlen(file.text) != length)
        result = fail(&place, "there is a NUL in the file");
    char *rest = file.text;
    while (rest && !result) {
        place.line++;
        result = read_line(&file, strsep(&rest, "\n"), &place);
    }
    if (result) {
        config_file_deinit(&file);
        return result;
    }
    *ret_file = file;
    return 0;
}

void config_file_deinit(struct config_file *file)
{
    if (file->text)
        explicit_bzero(file->text, CONFIG_FILE_BYTES_MAX);
    free(file->text);
    *file = (struct config_file){0};
}

int config_file_read_secret(const char *path, char **ret_secret, char *error, size_t size)
{
    char *text;
    size_t length;
    int result = read_all(path, &text, &length);
    if (result) {
        snprintf(error, size, "%s: %s", path, strerror(-result));
        return result;
    }
    while (length > 0 && strchr("\r\n", text[length - 1]))
        text[--length] = '\0';
    if (length == 0 || strlen(text) != length || strpbrk(text, "\r\n")) {
        snprintf(error, size, "%s: not one line of text", path);
        explicit_bzero(text, CONFIG_FILE_BYTES_MAX);
        free(text);
        return -EINVAL;
    }
    *ret_secret = text;
    return 0;
}
