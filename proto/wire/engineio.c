#include "proto/wire/engineio.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

int engineio_parse(const char *frame, size_t length, struct engineio_packet *ret_packet)
{
    if (length == 0 || frame[0] < '0' || frame[0] > '0' + ENGINEIO_NOOP)
        return -EBADMSG;
    *ret_packet = (struct engineio_packet){
        .type = (enum engineio_type)(frame[0] - '0'),
        .data = frame + 1,
        .length = length - 1,
    };
    return 0;
}

int engineio_write(char *buffer, size_t capacity, enum engineio_type type, const char *data, size_t length)
{
    if ((int)type < ENGINEIO_OPEN || (int)type > ENGINEIO_NOOP)
        return -EINVAL;
    if (capacity > INT_MAX)
        capacity = INT_MAX;
    if (capacity < 1 || length > capacity - 1)
        return -ENOSPC;
    buffer[0] = (char)('0' + (int)type);
    if (length > 0)
        memcpy(buffer + 1, data, length);
    return (int)length + 1;
}

void engineio_begin(struct engineio_iterator *iterator, const char *payload, size_t length)
{
    iterator->position = payload;
    iterator->end = payload + length;
}

int engineio_next(struct engineio_iterator *iterator, struct engineio_packet *ret_packet)
{
    const char *position = iterator->position;
    if (!position)
        return 0;
    size_t left = (size_t)(iterator->end - position);
    const char *separator = left > 0 ? memchr(position, ENGINEIO_SEPARATOR, left) : NULL;
    size_t length = separator ? (size_t)(separator - position) : left;
    int result = engineio_parse(position, length, ret_packet);
    iterator->position = separator && result == 0 ? separator + 1 : NULL;
    return result < 0 ? result : 1;
}
