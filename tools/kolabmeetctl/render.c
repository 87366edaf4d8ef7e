#include "tools/kolabmeetctl/render.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define INDENT 2
#define COLUMNS_MAX 32

static void render_at(FILE *out, const json_t *value, int indent);

/* How many bytes at text a terminal would act on: C0, DEL, C1, and marks that turn the direction of text. */
static int control_bytes(const unsigned char *text)
{
    if (text[0] < 0x20 || text[0] == 0x7f)
        return 1;
    if (text[0] == 0xc2 && text[1] < 0xa0)
        return 2;
    if (text[0] == 0xe2 && ((text[1] == 0x80 && text[2] >= 0xaa && text[2] <= 0xae) ||
                            (text[1] == 0x81 && text[2] >= 0xa6 && text[2] <= 0xa9)))
        return 3;
    return 0;
}

void render_escaped(FILE *out, const char *text)
{
    const unsigned char *bytes = (const unsigned char *)text;
    while (*bytes) {
        int control = control_bytes(bytes);
        if (control == 0)
            fputc(*bytes++, out);
        for (; control > 0; control--)
            fprintf(out, "\\x%02x", *bytes++);
    }
}

/* Allocated. */
static char *escape(const char *text)
{
    char *escaped = NULL;
    size_t bytes;
    FILE *out = open_memstream(&escaped, &bytes);
    if (!out)
        return NULL;
    render_escaped(out, text);
    fclose(out);
    return escaped;
}

static bool is_nested(const json_t *value)
{
    return json_object_size(value) > 0 || json_array_size(value) > 0;
}

/* A value in one line; allocated. */
static char *line_of(const json_t *value)
{
    char *text = NULL;
    size_t bytes;
    if (json_is_string(value))
        return escape(json_string_value(value));
    FILE *out = open_memstream(&text, &bytes);
    if (!out)
        return NULL;
    if (json_is_real(value)) {
        fprintf(out, "%.2f", json_real_value(value));
    } else if (json_is_null(value) || !value ||
               ((json_is_object(value) || json_is_array(value)) && !is_nested(value))) {
        fputc('-', out);
    } else {
        char *dumped = json_dumps(value, JSON_COMPACT | JSON_ENSURE_ASCII | JSON_ENCODE_ANY);
        render_escaped(out, dumped ? dumped : "?"); /* JSON lets DEL stand */
        free(dumped);
    }
    fclose(out);
    return text;
}

/* The same for a member of that name; times are for people. Allocated. */
static char *line_of_member(const char *key, const json_t *value)
{
    time_t seconds = (time_t)json_integer_value(value);
    struct tm tm;
    char text[64];
    if (strcmp(key, "createdAt") != 0 || !json_is_integer(value) || !gmtime_r(&seconds, &tm) ||
        strftime(text, sizeof(text), "%FT%TZ", &tm) == 0)
        return line_of(value);
    return strdup(text);
}

/* Characters, not bytes. */
static int width_of(const char *text)
{
    int width = 0;
    for (; *text; text++)
        width += ((unsigned char)*text & 0xc0) != 0x80;
    return width;
}

/* Frees text. */
static void print_padded(FILE *out, char *text, int width)
{
    int padding = text ? width - width_of(text) : 0;
    fprintf(out, "%s%*s", text ? text : "?", padding > 0 ? padding : 0, "");
    free(text);
}

/* Keys come from clients too, in appData. */
static int key_width(const char *key)
{
    char *text = escape(key);
    int width = text ? width_of(text) : 1;
    free(text);
    return width;
}

struct table {
    const char *keys[COLUMNS_MAX];
    int widths[COLUMNS_MAX];
    size_t columns;
};

static size_t column_of(struct table *table, const char *key)
{
    size_t i = 0;
    while (i < table->columns && strcmp(table->keys[i], key) != 0)
        i++;
    if (i == table->columns && i < COLUMNS_MAX) {
        table->keys[i] = key;
        table->widths[i] = key_width(key);
        table->columns++;
    }
    return i;
}

static void measure(struct table *table, const json_t *row)
{
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)row, key, value)
    {
        size_t column = column_of(table, key);
        char *text = line_of_member(key, value);
        if (column < COLUMNS_MAX && text && width_of(text) > table->widths[column])
            table->widths[column] = width_of(text);
        free(text);
    }
}

static void print_row(FILE *out, const struct table *table, const json_t *row, int indent)
{
    fprintf(out, "%*s", indent, "");
    for (size_t i = 0; i < table->columns; i++) {
        const char *key = table->keys[i];
        char *text = row ? line_of_member(key, json_object_get(row, key)) : escape(key);
        bool is_last = i + 1 == table->columns;
        print_padded(out, text, is_last ? 0 : table->widths[i] + INDENT);
    }
    fputc('\n', out);
}

static void render_table(FILE *out, const json_t *rows, int indent)
{
    struct table table = {.columns = 0};
    for (size_t i = 0; i < json_array_size(rows); i++)
        measure(&table, json_array_get(rows, i));
    print_row(out, &table, NULL, indent);
    for (size_t i = 0; i < json_array_size(rows); i++)
        print_row(out, &table, json_array_get(rows, i), indent);
}

/* Frees text. */
static void print_line(FILE *out, char *text, int indent)
{
    fprintf(out, "%*s%s\n", indent, "", text ? text : "?");
    free(text);
}

static void render_list(FILE *out, const json_t *list, int indent)
{
    bool is_table = true;
    for (size_t i = 0; i < json_array_size(list); i++)
        is_table = is_table && json_is_object(json_array_get(list, i));
    if (is_table) {
        render_table(out, list, indent);
        return;
    }
    for (size_t i = 0; i < json_array_size(list); i++)
        render_at(out, json_array_get(list, i), indent);
}

static int widest_key(const json_t *object)
{
    const char *key;
    json_t *value;
    int widest = 0;
    json_object_foreach((json_t *)object, key, value)
    {
        int width = is_nested(value) ? 0 : key_width(key);
        widest = width > widest ? width : widest;
    }
    return widest;
}

static void render_object(FILE *out, const json_t *object, int indent)
{
    const char *key;
    json_t *value;
    int width = widest_key(object) + INDENT;
    json_object_foreach((json_t *)object, key, value)
    {
        fprintf(out, "%*s", indent, "");
        print_padded(out, escape(key), is_nested(value) ? 0 : width);
        if (is_nested(value)) {
            fputs(":\n", out);
            render_at(out, value, indent + INDENT);
        } else {
            print_line(out, line_of_member(key, value), 0);
        }
    }
}

static void render_at(FILE *out, const json_t *value, int indent)
{
    if (json_object_size(value) > 0)
        render_object(out, value, indent);
    else if (json_array_size(value) > 0)
        render_list(out, value, indent);
    else
        print_line(out, line_of(value), indent);
}

void render(FILE *out, const json_t *value)
{
    if (json_is_array(value) && json_array_size(value) == 0)
        fputs("none\n", out);
    else
        render_at(out, value, 0);
}
