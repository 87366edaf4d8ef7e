/* engine.io: any text is parsed as a frame and as a polling payload of both protocols; packets are written
 * anew.
 */
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

/* A packet that was found in a payload is found again in a payload of its own. */
static void check_prefix(enum engineio_protocol protocol, const char *frame, size_t length)
{
    char *payload = malloc(ENGINEIO_PREFIX_MAX + length);
    CHECK(payload);
    size_t prefix = engineio_write_prefix(payload, protocol, true, frame, length);
    CHECK(prefix <= ENGINEIO_PREFIX_MAX);
    memcpy(payload + prefix, frame, length);
    struct engineio_iterator iterator;
    struct engineio_packet packet;
    engineio_begin(&iterator, protocol, payload, prefix + length);
    CHECK(engineio_next(&iterator, &packet) == 1);
    CHECK(packet.data + packet.length == payload + prefix + length);
    CHECK(engineio_next(&iterator, &packet) == 0);
    free(payload);
}

static void check_payload(enum engineio_protocol protocol, const char *text, size_t length)
{
    struct engineio_iterator iterator;
    struct engineio_packet packet;
    const char *end = text;
    int result;
    engineio_begin(&iterator, protocol, text, length);
    while ((result = engineio_next(&iterator, &packet)) == 1) {
        CHECK(packet.data > end && packet.data + packet.length <= text + length);
        check_packet(&packet);
        if (protocol == ENGINEIO_PROTOCOL_4)
            CHECK(!memchr(packet.data, ENGINEIO_SEPARATOR, packet.length));
        check_prefix(protocol, packet.data - 1, packet.length + 1);
        end = packet.data + packet.length;
    }
    if (result == 0)
        CHECK(end == text + length);
    CHECK(engineio_next(&iterator, &packet) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t length)
{
    const char *text = (const char *)data;
    struct engineio_packet packet;
    if (engineio_parse(text, length, &packet) == 0) {
        CHECK(packet.data + packet.length == text + length);
        check_packet(&packet);
    }
    check_payload(ENGINEIO_PROTOCOL_3, text, length);
    check_payload(ENGINEIO_PROTOCOL_4, text, length);
    return 0;
}
