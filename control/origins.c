#include "control/origins.h"

#include <stddef.h>
#include <string.h>
#include <strings.h>

bool origins_allow(const char *list, const char *origin)
{
    if (!list || !origin)
        return true;
    size_t length = strlen(origin);
    while (*list) {
        list += strspn(list, " ,");
        size_t word = strcspn(list, " ,");
        if (word > 0 && word == length && strncasecmp(list, origin, word) == 0)
            return true;
        list += word;
    }
    return false;
}
