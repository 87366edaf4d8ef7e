/* engine.io, protocols 3 and 4: packets of text frames and of polling payloads. Binary packets are not spoken
 * here.
 *
 * A polling payload is several packets in one HTTP body: in protocol 4 separated by 0x1e, in protocol 3 each
 * as <length>:<packet> whose length is JavaScript's: UTF-16 code units of a text that travels as UTF-8. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

enum engineio_protocol {
    ENGINEIO_PROTOCOL_3 = 3,
    ENGINEIO_PROTOCOL_4 = 4,
};

enum engineio_type {
    ENGINEIO_OPEN = 0,
    ENGINEIO_CLOSE = 1,
    ENGINEIO_PING = 2,
    ENGINEIO_PONG = 3,
    ENGINEIO_MESSAGE = 4,
    ENGINEIO_UPGRADE = 5,
    ENGINEIO_NOOP = 6,
};

#define ENGINEIO_SEPARATOR '\x1e' /* between the packets of a polling payload of protocol 4 */

struct engineio_packet {
    enum engineio_type type;
    const char *data; /* what follows the type, not terminated; points into the frame */
    size_t length;
};

/* Parses one packet. -EBADMSG when it is empty or its type is none of the above ('b', binary, too). */
int engineio_parse(const char *frame, size_t length, struct engineio_packet *ret_packet);

/* Writes one packet, not terminated. Returns its bytes, -ENOSPC, or -EINVAL when type is none of the above.
 */
int engineio_write(char *buffer, size_t capacity, enum engineio_type type, const char *data, size_t length);

/* Walks the packets of a polling payload, which is valid UTF-8 (of other bytes the lengths mean nothing, but
 * no harm is done). next() returns 1 with a packet, 0 after the last, -EBADMSG at a bad or empty one (also in
 * an empty payload), after which there is nothing more. */
struct engineio_iterator {
    enum engineio_protocol protocol;
    const char *position; /* NULL after the last packet */
    const char *end;
};

void engineio_begin(struct engineio_iterator *iterator, enum engineio_protocol protocol, const char *payload,
                    size_t length);
int engineio_next(struct engineio_iterator *iterator, struct engineio_packet *ret_packet);

/* Writes what goes before a packet (type and all) of a polling payload, not terminated: nothing, a separator,
 * or the length. is_first: of the payload. Returns its bytes. */
#define ENGINEIO_PREFIX_MAX 21
size_t engineio_write_prefix(char *buffer, enum engineio_protocol protocol, bool is_first, const char *packet,
                             size_t length);
