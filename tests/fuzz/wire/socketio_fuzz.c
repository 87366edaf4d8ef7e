/* socket.io: any text is parsed; what is accepted is written anew and parses to the same. */
#include "fuzz_check.h"
#include "proto/wire/engineio.h"
#include "proto/wire/socketio.h"

static void check_same(const struct socketio_packet *a, const struct socketio_packet *b)
{
    CHECK(a->type == b->type && a->attachments == b->attachments && a->has_ack == b->has_ack);
    CHECK(a->ack == b->ack && a->json_length == b->json_length);
    CHECK(a->name_space_length == b->name_space_length);
    CHECK(memcmp(a->name_space, b->name_space, a->name_space_length) == 0);
    CHECK(memcmp(a->json, b->json, a->json_length) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t length)
{
    struct socketio_packet packet, again;
    struct engineio_packet frame;
    char prefix[SOCKETIO_PREFIX_MAX];
    if (socketio_parse((const char *)data, length, &packet) < 0)
        return 0;
    CHECK(packet.name_space_length > 0 && packet.name_space_length <= SOCKETIO_NAMESPACE_MAX);
    CHECK(packet.name_space[0] == '/');
    CHECK(packet.ack <= SOCKETIO_ACK_MAX && packet.attachments <= SOCKETIO_ATTACHMENTS_MAX);
    CHECK(packet.json + packet.json_length == (const char *)data + length);

    int written = socketio_write_prefix(prefix, sizeof prefix, &packet);
    CHECK(written > 1);
    size_t total = (size_t)written + packet.json_length;
    char *text = malloc(total);
    CHECK(text);
    memcpy(text, prefix, (size_t)written);
    memcpy(text + written, packet.json, packet.json_length);
    CHECK(engineio_parse(text, total, &frame) == 0 && frame.type == ENGINEIO_MESSAGE);
    CHECK(socketio_parse(frame.data, frame.length, &again) == 0);
    check_same(&packet, &again);
    free(text);
    return 0;
}
