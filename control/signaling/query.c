#include "control/signaling/query.h"

#include <errno.h>
#include <string.h>

#include "control/hex.h"

/* A percent sign that no two digits follow stands for itself, as in the URL standard. */
static int decode(const char *text, size_t length, char *ret_value, size_t bytes)
{
    size_t used = 0;
    for (size_t i = 0; i < length; i++) {
        char c = text[i];
        if (c == '+') {
            c = ' ';
        } else if (c == '%' && length - i > 2 && hex_digit(text[i + 1]) >= 0 && hex_digit(text[i + 2]) >= 0) {
            c = (char)(hex_digit(text[i + 1]) * 16 + hex_digit(text[i + 2]));
            i += 2;
        }
        if (c == '\0')
            return -ENOENT;
        if (used + 1 >= bytes)
            return -ENOSPC;
        ret_value[used++] = c;
    }
    ret_value[used] = '\0';
    return 0;
}

int query_find(const char *query, const char *name, char *ret_value, size_t bytes)
{
    size_t name_length = strlen(name);
    while (*query) {
        size_t length = strcspn(query, "&");
        if (length > name_length && query[name_length] == '=' && strncmp(query, name, name_length) == 0)
            return decode(query + name_length + 1, length - name_length - 1, ret_value, bytes);
        query += length + (query[length] == '&');
    }
    return -ENOENT;
}
