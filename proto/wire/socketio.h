/* socket.io protocol 5: the head of a packet in an engine.io message,
 *     <type>[<attachments>-][<namespace>,][<acknowledgement id>][JSON]
 * What the JSON says is left to the reader of the JSON; this is the code that crafted packets aim at. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum socketio_type {
    SOCKETIO_CONNECT = 0,
    SOCKETIO_DISCONNECT = 1,
    SOCKETIO_EVENT = 2,
    SOCKETIO_ACK = 3,
    SOCKETIO_CONNECT_ERROR = 4,
    SOCKETIO_BINARY_EVENT = 5,
    SOCKETIO_BINARY_ACK = 6,
};

#define SOCKETIO_ACK_MAX 9007199254740991u /* 2^53 - 1: what a JavaScript number holds exactly */
#define SOCKETIO_ATTACHMENTS_MAX 10
#define SOCKETIO_NAMESPACE_MAX 255 /* bytes */

struct socketio_packet {
    enum socketio_type type;
    bool has_ack;
    uint8_t attachments; /* binary packets only: frames that follow */
    uint64_t ack;
    const char *name_space; /* as sent, with its slash; "/" when absent. Not terminated */
    size_t name_space_length;
    const char *json; /* not terminated; may be empty only with CONNECT and DISCONNECT */
    size_t json_length;
};

/* Parses the data of an engine.io message. -EBADMSG when a part is malformed or out of bounds, and for a
 * packet that its type does not allow: an EVENT or ACK whose JSON is not an array, an ACK without id, an id
 * on any other type, a DISCONNECT with JSON, a CONNECT whose JSON is not an object. The JSON is looked at no
 * further than its first character. */
int socketio_parse(const char *data, size_t length, struct socketio_packet *ret_packet);

/* Writes what goes before the JSON, with the engine.io type 4 in front, not terminated. name_space may be
 * NULL or "/" for the main one. Returns its bytes, -ENOSPC, or -EINVAL for numbers or names that
 * socketio_parse() refuses. */
int socketio_write_prefix(char *buffer, size_t capacity, const struct socketio_packet *packet);

#define SOCKETIO_PREFIX_MAX 288 /* bytes socketio_write_prefix() writes at most */
