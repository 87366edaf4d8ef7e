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

void engineio_begin(struct engineio_iterator *iterator, enum engineio_protocol protocol, const char *payload,
                    size_t length)
{
    iterator->protocol = protocol;
    iterator->position = payload;
    iterator->end = payload + length;
}

static int next_separated(struct engineio_iterator *iterator, struct engineio_packet *ret_packet)
{
    const char *position = iterator->position;
    size_t left = (size_t)(iterator->end - position);
    const char *separator = left > 0 ? memchr(position, ENGINEIO_SEPARATOR, left) : NULL;
    size_t length = separator ? (size_t)(separator - position) : left;
    int result = engineio_parse(position, length, ret_packet);
    iterator->position = separator && result == 0 ? separator + 1 : NULL;
    return result < 0 ? result : 1;
}

/* What a byte of UTF-8 adds to the text's length in UTF-16 code units. */
static size_t code_units(char byte)
{
    unsigned char value = (unsigned char)byte;
    if ((value & 0xc0) == 0x80)
        return 0;
    return value >= 0xf0 ? 2 : 1;
}

static const char *skip_code_units(const char *position, const char *end, size_t count)
{
    while (position < end) {
        size_t units = code_units(*position);
        if (units > count)
            break;
        count -= units;
        position++;
    }
    return count == 0 ? position : NULL;
}

static int next_counted(struct engineio_iterator *iterator, struct engineio_packet *ret_packet)
{
    const char *position = iterator->position;
    size_t count = 0;
    iterator->position = NULL;
    while (position < iterator->end && *position >= '0' && *position <= '9') {
        count = 10 * count + (size_t)(*position++ - '0');
        if (count > INT_MAX)
            return -EBADMSG;
    }
    if (position == iterator->end || *position++ != ':')
        return -EBADMSG;
    const char *next = skip_code_units(position, iterator->end, count);
    if (!next || engineio_parse(position, (size_t)(next - position), ret_packet) < 0)
        return -EBADMSG;
    iterator->position = next < iterator->end ? next : NULL;
    return 1;
}

int engineio_next(struct engineio_iterator *iterator, struct engineio_packet *ret_packet)
{
    if (!iterator->position)
        return 0;
    if (iterator->protocol == ENGINEIO_PROTOCOL_3)
        return next_counted(iterator, ret_packet);
    return next_separated(iterator, ret_packet);
}

size_t engineio_write_prefix(char *buffer, enum engineio_protocol protocol, bool is_first, const char *packet,
                             size_t length)
{
    if (protocol == ENGINEIO_PROTOCOL_4) {
        if (is_first)
            return 0;
        buffer[0] = ENGINEIO_SEPARATOR;
        return 1;
    }
    size_t units = 0;
    for (size_t i = 0; i < length; i++)
        units += code_units(packet[i]);
    char digits[ENGINEIO_PREFIX_MAX];
    size_t count = 0;
    do {
        digits[count++] = (char)('0' + units % 10);
        units /= 10;
    } while (units > 0);
    for (size_t i = 0; i < count; i++)
        buffer[i] = digits[count - 1 - i];
    buffer[count] = ':';
    return count + 1;
}
