#include "control/announced.h"

#include <errno.h>
#include <string.h>

static int add(struct announced *announced, const char *text, size_t length)
{
    if (length == 0 || length >= ANNOUNCED_BYTES || announced->count == ANNOUNCED_MAX)
        return -EINVAL;
    char *copy = announced->addresses[announced->count];
    memcpy(copy, text, length);
    copy[length] = '\0';
    for (size_t i = 0; i < announced->count; i++)
        if (strcmp(announced->addresses[i], copy) == 0)
            return -EINVAL;
    announced->count++;
    return 0;
}

int announced_parse(const char *list, struct announced *ret_announced)
{
    struct announced announced = {.count = 0};
    for (;;) {
        list += strspn(list, " ");
        size_t length = strcspn(list, ", ");
        int error = add(&announced, list, length);
        if (error)
            return error;
        list += length;
        list += strspn(list, " ");
        if (*list == '\0')
            break;
        if (*list++ != ',')
            return -EINVAL;
    }
    *ret_announced = announced;
    return 0;
}
