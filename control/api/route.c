#include "control/api/route.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static bool decode(const char *text, size_t length, char *ret_parameter)
{
    size_t used = 0;
    for (size_t i = 0; i < length; i++) {
        char c = text[i];
        if (c == '%') {
            if (length - i < 3 || !isxdigit((unsigned char)text[i + 1]) ||
                !isxdigit((unsigned char)text[i + 2]))
                return false;
            char digits[3] = {text[i + 1], text[i + 2]};
            c = (char)strtoul(digits, NULL, 16);
            i += 2;
        }
        if (c == '\0' || used + 1 >= ROUTE_PARAMETER_BYTES)
            return false;
        ret_parameter[used++] = c;
    }
    ret_parameter[used] = '\0';
    return true;
}

bool route_matches(const char *pattern, const char *path, char ret_parameter[ROUTE_PARAMETER_BYTES])
{
    while (*pattern == '/' && *path == '/') {
        size_t pattern_length = strcspn(++pattern, "/");
        size_t length = strcspn(++path, "/");
        if (*pattern == ':') {
            if (length == 0)
                return false;
            if (!decode(path, length, ret_parameter))
                ret_parameter[0] = '\0';
        } else if (length != pattern_length || strncasecmp(pattern, path, length) != 0) {
            return false;
        }
        pattern += pattern_length;
        path += length;
    }
    return *pattern == '\0' && (*path == '\0' || strcmp(path, "/") == 0);
}
