/* engine.io: any text is parsed as a frame and as a polling payload; packets are written anew. */
#include "fuzz_check.h"
#include "proto/wire/engineio.h"

static void check_packet(const struct engineio_packet *packet)
{
    CHECK((int)packet->type >= ENGINEIO_OPEN && packet->type <= ENGINEIO_NOOP);
    size_t length = packet->length + 1;
    char *frame = malloc(length);
    CHECK(frame);
    CHECK(engineio_write(frame, length, packet->type, packet->data, packet->length) == (int)length);
    CHECK(engineio_write(frame, length - 1, packet->type, packet->data, packet->length) < 0);
    struct engineio_packet again;
    CHECK(engineio_parse(frame, length, &again) == 0);
    CHECK(again.type == packet->type && again.length == packet->length);
    CHECK(memcmp(again.data, packet->data, packet->length) == 0);
    free(frame);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t length)
{
    const char *text = (const char *)data;
    struct engineio_iterator iterator;
    struct engineio_packet packet;
    if (engineio_parse(text, length, &packet) == 0) {
        CHECK(packet.data + packet.length == text + length);
        check_packet(&packet);
    }
    engineio_begin(&iterator, text, length);
    size_t taken = 0;
    int result;
    while ((result = engineio_next(&iterator, &packet)) == 1) {
        CHECK(!memchr(packet.data, ENGINEIO_SEPARATOR, packet.length));
        check_packet(&packet);
        taken += packet.length + 2;
    }
    if (result == 0)
        CHECK(taken == length + 1);
    CHECK(engineio_next(&iterator, &packet) == 0);
    return 0;
}
