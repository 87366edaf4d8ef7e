#include "proto/wire/socketio.h"

#include <errno.h>
#include <string.h>

#define ENGINEIO_MESSAGE_TYPE '4'
#define DECIMAL_DIGITS_MAX 20

struct reader {
    const char *position;
    const char *end;
};

static bool at_digit(const struct reader *reader)
{
    return reader->position < reader->end && *reader->position >= '0' && *reader->position <= '9';
}

static bool at(const struct reader *reader, char character)
{
    return reader->position < reader->end && *reader->position == character;
}

/* Takes one or more digits; -EBADMSG when there is none or the number is above maximum. */
static int take_number(struct reader *reader, uint64_t maximum, uint64_t *ret_number)
{
    if (!at_digit(reader))
        return -EBADMSG;
    uint64_t number = 0;
    while (at_digit(reader)) {
        number = 10 * number + (uint64_t)(*reader->position++ - '0');
        if (number > maximum)
            return -EBADMSG;
    }
    *ret_number = number;
    return 0;
}

static bool is_binary(enum socketio_type type)
{
    return type == SOCKETIO_BINARY_EVENT || type == SOCKETIO_BINARY_ACK;
}

static bool may_have_ack(enum socketio_type type)
{
    return type == SOCKETIO_EVENT || type == SOCKETIO_ACK || is_binary(type);
}

static bool must_have_ack(enum socketio_type type)
{
    return type == SOCKETIO_ACK || type == SOCKETIO_BINARY_ACK;
}

static int take_attachments(struct reader *reader, struct socketio_packet *packet)
{
    uint64_t attachments;
    if (take_number(reader, SOCKETIO_ATTACHMENTS_MAX, &attachments) < 0 || !at(reader, '-'))
        return -EBADMSG;
    reader->position++;
    packet->attachments = (uint8_t)attachments;
    return 0;
}

static int take_name_space(struct reader *reader, struct socketio_packet *packet)
{
    size_t left = (size_t)(reader->end - reader->position);
    const char *comma = memchr(reader->position, ',', left);
    packet->name_space = reader->position;
    packet->name_space_length = comma ? (size_t)(comma - reader->position) : left;
    if (packet->name_space_length > SOCKETIO_NAMESPACE_MAX)
        return -EBADMSG;
    reader->position = comma ? comma + 1 : reader->end;
    return 0;
}

/* What the JSON begins with, for each type; zero is the end of the packet. */
static bool json_may_begin(enum socketio_type type, char first)
{
    switch (type) {
    case SOCKETIO_CONNECT:
        return first == '\0' || first == '{';
    case SOCKETIO_DISCONNECT:
        return first == '\0';
    case SOCKETIO_CONNECT_ERROR:
        return first == '"' || first == '{';
    case SOCKETIO_EVENT:
    case SOCKETIO_ACK:
    case SOCKETIO_BINARY_EVENT:
    case SOCKETIO_BINARY_ACK:
        return first == '[';
    }
    return false;
}

int socketio_parse(const char *data, size_t length, struct socketio_packet *ret_packet)
{
    if (length == 0 || data[0] < '0' || data[0] > '0' + SOCKETIO_BINARY_ACK)
        return -EBADMSG;
    struct reader reader = {.position = data + 1, .end = data + length};
    struct socketio_packet packet = {
        .type = (enum socketio_type)(data[0] - '0'),
        .name_space = "/",
        .name_space_length = 1,
    };
    if (is_binary(packet.type) && take_attachments(&reader, &packet) < 0)
        return -EBADMSG;
    if (at(&reader, '/') && take_name_space(&reader, &packet) < 0)
        return -EBADMSG;
    packet.has_ack = at_digit(&reader);
    if (packet.has_ack && take_number(&reader, SOCKETIO_ACK_MAX, &packet.ack) < 0)
        return -EBADMSG;
    if (packet.has_ack ? !may_have_ack(packet.type) : must_have_ack(packet.type))
        return -EBADMSG;

    packet.json = reader.position;
    packet.json_length = (size_t)(reader.end - reader.position);
    if (packet.json_length > 0 && packet.json[0] == '\0')
        return -EBADMSG;
    if (!json_may_begin(packet.type, packet.json_length > 0 ? packet.json[0] : '\0'))
        return -EBADMSG;
    *ret_packet = packet;
    return 0;
}

static bool is_writable(const struct socketio_packet *packet)
{
    if ((int)packet->type < SOCKETIO_CONNECT || (int)packet->type > SOCKETIO_BINARY_ACK)
        return false;
    if (packet->has_ack ? !may_have_ack(packet->type) || packet->ack > SOCKETIO_ACK_MAX
                        : must_have_ack(packet->type))
        return false;
    if (packet->attachments > (is_binary(packet->type) ? SOCKETIO_ATTACHMENTS_MAX : 0))
        return false;
    if (!packet->name_space)
        return true;
    return packet->name_space_length > 0 && packet->name_space_length <= SOCKETIO_NAMESPACE_MAX &&
           packet->name_space[0] == '/' && !memchr(packet->name_space, ',', packet->name_space_length);
}

static char *put_number(char *to, uint64_t number)
{
    char digits[DECIMAL_DIGITS_MAX];
    unsigned count = 0;
    do {
        digits[count++] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    while (count > 0)
        *to++ = digits[--count];
    return to;
}

int socketio_write_prefix(char *buffer, size_t capacity, const struct socketio_packet *packet)
{
    char prefix[SOCKETIO_PREFIX_MAX];
    if (!is_writable(packet))
        return -EINVAL;
    char *to = prefix;
    *to++ = ENGINEIO_MESSAGE_TYPE;
    *to++ = (char)('0' + (int)packet->type);
    if (is_binary(packet->type)) {
        to = put_number(to, packet->attachments);
        *to++ = '-';
    }
    if (packet->name_space && packet->name_space_length > 1) {
        memcpy(to, packet->name_space, packet->name_space_length);
        to += packet->name_space_length;
        *to++ = ',';
    }
    if (packet->has_ack)
        to = put_number(to, packet->ack);
    size_t length = (size_t)(to - prefix);
    if (length > capacity)
        return -ENOSPC;
    memcpy(buffer, prefix, length);
    return (int)length;
}
