#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "dataplane/stream_demux.h"

#define PLACES 4u
#define OPUS 111u
#define VP8 96u
#define RTX 97u

static struct demux_producer producers[PLACES];
static struct demux_retired retired;

static int begin(void **state)
{
    (void)state;
    memset(producers, 0, sizeof(producers));
    memset(&retired, 0, sizeof(retired));
    return 0;
}

static struct demux_producer producer(uint64_t handle, const char *mid, uint8_t media, uint8_t rtx,
                                      uint8_t encodings)
{
    struct demux_producer made = {.producer = handle,
                                  .mid_length = (uint8_t)strlen(mid),
                                  .payload_type_count = 1,
                                  .encoding_count = encodings,
                                  .payload_types = {{.media = media, .rtx = rtx}}};
    memcpy(made.mid, mid, strlen(mid));
    return made;
}

/* Three encodings, r0 to r2. */
static struct demux_producer simulcast(uint64_t handle, const char *mid)
{
    struct demux_producer made = producer(handle, mid, VP8, RTX, 3);
    for (uint8_t i = 0; i < 3; i++) {
        made.encodings[i].rid_length = 2;
        made.encodings[i].rid[0] = 'r';
        made.encodings[i].rid[1] = (char)('0' + i);
    }
    return made;
}

static unsigned install(const struct demux_producer *made)
{
    unsigned index = 99;
    assert_int_equal(stream_demux_install(producers, PLACES, &retired, made, &index), 0);
    return index;
}

struct packet {
    uint32_t ssrc;
    uint8_t payload_type;
    const char *mid, *rid, *repaired;
};

static int find(struct packet packet, struct stream_demux_match *ret_match)
{
    uint8_t bytes[64] = {0};
    struct packet_view view = {.header = {.ssrc = packet.ssrc, .payload_type = packet.payload_type}};
    const char *values[3] = {packet.mid, packet.rid, packet.repaired};
    const int kinds[3] = {MEDIA_EXTENSION_MID, MEDIA_EXTENSION_RID, MEDIA_EXTENSION_REPAIRED_RID};
    for (int i = 0; i < 3; i++) {
        if (!values[i])
            continue;
        uint16_t offset = (uint16_t)(1 + 20 * i);
        memcpy(bytes + offset, values[i], strlen(values[i]));
        view.extensions[kinds[i]] =
            (struct packet_extension){.offset = offset, .length = (uint8_t)strlen(values[i])};
    }
    return stream_demux_find(producers, PLACES, &retired, bytes, &view, ret_match);
}

static void test_signaled_ssrcs(void **state)
{
    (void)state;
    struct stream_demux_match match;
    struct demux_producer audio = producer(1, "0", OPUS, 0, 1), video = producer(2, "1", VP8, RTX, 1);
    audio.encodings[0].ssrc = 0xa0;
    video.encodings[0] = (struct demux_encoding){.ssrc = 0xb0, .rtx_ssrc = 0xb1};
    install(&audio);
    install(&video);

    assert_int_equal(find((struct packet){.ssrc = 0xa0, .payload_type = OPUS}, &match), 0);
    assert_int_equal(match.producer, 0);
    assert_false(match.is_rtx);
    assert_false(match.is_new);
    assert_int_equal(find((struct packet){.ssrc = 0xb1, .payload_type = RTX}, &match), 0);
    assert_int_equal(match.producer, 1);
    assert_true(match.is_rtx);
    /* A payload type that the producer does not have there. */
    assert_int_equal(find((struct packet){.ssrc = 0xb0, .payload_type = RTX}, &match), -EPROTO);
    assert_int_equal(find((struct packet){.ssrc = 0xb1, .payload_type = VP8}, &match), -EPROTO);
    assert_int_equal(find((struct packet){.ssrc = 0xa0, .payload_type = 0}, &match), -EPROTO);
    /* A signaled SSRC is not exchanged, whatever the packet says. */
    assert_int_equal(find((struct packet){.ssrc = 0xdead, .payload_type = VP8, .mid = "1"}, &match), -EEXIST);
    assert_int_equal(find((struct packet){.ssrc = 0xdead, .payload_type = OPUS}, &match), -EEXIST);
    assert_int_equal(find((struct packet){.ssrc = 0, .payload_type = OPUS, .mid = "0"}, &match), -ENOENT);
    assert_int_equal(producers[1].encodings[0].ssrc, 0xb0);
}

static void test_rid_inside_its_mid(void **state)
{
    (void)state;
    struct stream_demux_match match;
    struct demux_producer camera = simulcast(1, "1"), screen = simulcast(2, "2");
    install(&camera);
    install(&screen);

    /* The same RIDs in two producers: the MID tells. */
    assert_int_equal(find((struct packet){.ssrc = 10, .payload_type = VP8, .mid = "2", .rid = "r1"}, &match),
                     0);
    assert_int_equal(match.producer, 1);
    assert_int_equal(match.encoding, 1);
    assert_true(match.is_new);
    assert_int_equal(find((struct packet){.ssrc = 11, .payload_type = VP8, .mid = "1", .rid = "r1"}, &match),
                     0);
    assert_int_equal(match.producer, 0);
    /* Without a MID nobody knows. */
    assert_int_equal(find((struct packet){.ssrc = 12, .payload_type = VP8, .rid = "r0"}, &match), -ENOENT);
    assert_int_equal(find((struct packet){.ssrc = 12, .payload_type = VP8}, &match), -ENOENT);
    assert_int_equal(find((struct packet){.ssrc = 12, .payload_type = VP8, .mid = "1"}, &match), -ENOENT);
    /* A MID or RID that does not exist matches nothing else. */
    assert_int_equal(find((struct packet){.ssrc = 12, .payload_type = VP8, .mid = "3", .rid = "r0"}, &match),
                     -ENOENT);
    assert_int_equal(find((struct packet){.ssrc = 12, .payload_type = VP8, .mid = "1", .rid = "r9"}, &match),
                     -ENOENT);
    assert_int_equal(find((struct packet){.ssrc = 12, .payload_type = VP8, .mid = "1", .rid = "r"}, &match),
                     -ENOENT);
    /* Another SSRC does not take a learned place. */
    assert_int_equal(find((struct packet){.ssrc = 12, .payload_type = VP8, .mid = "1", .rid = "r1"}, &match),
                     -EEXIST);
    /* The learned one is known from now on. */
    assert_int_equal(find((struct packet){.ssrc = 11, .payload_type = VP8}, &match), 0);
    assert_int_equal(match.producer, 0);
    assert_false(match.is_new);
}

static void test_rid_without_mid(void **state)
{
    (void)state;
    struct stream_demux_match match;
    struct demux_producer camera = simulcast(1, "");
    install(&camera);
    assert_int_equal(find((struct packet){.ssrc = 10, .payload_type = VP8, .rid = "r2"}, &match), 0);
    assert_int_equal(match.encoding, 2);
    assert_int_equal(find((struct packet){.ssrc = 11, .payload_type = OPUS, .rid = "r1"}, &match), -ENOENT);
}

static void test_rtx(void **state)
{
    (void)state;
    struct stream_demux_match match;
    struct demux_producer camera = simulcast(1, "1");
    install(&camera);
    struct packet rtx = {.ssrc = 20, .payload_type = RTX, .mid = "1", .repaired = "r0"};
    assert_int_equal(find(rtx, &match), -EAGAIN); /* before its media */
    assert_int_equal(producers[0].encodings[0].rtx_ssrc, 0);
    assert_int_equal(find((struct packet){.ssrc = 10, .payload_type = VP8, .mid = "1", .rid = "r0"}, &match),
                     0);
    assert_int_equal(find(rtx, &match), 0);
    assert_true(match.is_rtx);
    assert_int_equal(match.encoding, 0);
    /* RTX of RTX, and a repaired RID on media. */
    rtx.ssrc = 21;
    assert_int_equal(find(rtx, &match), -EEXIST);
    assert_int_equal(
        find((struct packet){.ssrc = 22, .payload_type = VP8, .mid = "1", .repaired = "r1"}, &match),
        -ENOENT);

    /* A signaled RTX SSRC before its media too. */
    struct demux_producer other = simulcast(2, "2");
    other.encodings[0].rtx_ssrc = 0x77;
    install(&other);
    assert_int_equal(find((struct packet){.ssrc = 0x77, .payload_type = RTX}, &match), -EAGAIN);
}

static void test_single_encoding_by_mid_or_payload_type(void **state)
{
    (void)state;
    struct stream_demux_match match;
    struct demux_producer audio = producer(1, "0", OPUS, 0, 1), video = producer(2, "1", VP8, RTX, 1);
    install(&audio);
    install(&video);
    assert_int_equal(find((struct packet){.ssrc = 1, .payload_type = OPUS, .mid = "0"}, &match), 0);
    assert_int_equal(match.producer, 0);
    assert_int_equal(find((struct packet){.ssrc = 2, .payload_type = VP8}, &match), 0);
    assert_int_equal(match.producer, 1);
    assert_int_equal(find((struct packet){.ssrc = 3, .payload_type = RTX}, &match), 0);
    assert_true(match.is_rtx);
    assert_int_equal(find((struct packet){.ssrc = 4, .payload_type = 50, .mid = "0"}, &match), -EPROTO);

    /* A second microphone: the payload type alone says nothing any more. */
    struct demux_producer second = producer(3, "2", OPUS, 0, 1);
    install(&second);
    assert_int_equal(find((struct packet){.ssrc = 5, .payload_type = OPUS}, &match), -ENOENT);
    assert_int_equal(find((struct packet){.ssrc = 5, .payload_type = OPUS, .mid = "2"}, &match), 0);
}

static void test_late_packets_of_a_closed_producer(void **state)
{
    (void)state;
    struct stream_demux_match match;
    struct demux_producer camera = simulcast(1, "1"), again = simulcast(2, "1");
    unsigned place = install(&camera);
    struct packet packet = {.ssrc = 10, .payload_type = VP8, .mid = "1", .rid = "r0"};
    assert_int_equal(find(packet, &match), 0);
    stream_demux_remove(&producers[place], &retired);
    assert_int_equal(find(packet, &match), -ENOENT);

    /* Same MID, same RIDs, another producer: the old SSRC is not its. */
    install(&again);
    assert_int_equal(find(packet, &match), -ENOENT);
    packet.ssrc = 11;
    assert_int_equal(find(packet, &match), 0);

    /* Unless a producer signals it. */
    struct demux_producer signaled = producer(3, "5", VP8, RTX, 1);
    signaled.encodings[0].ssrc = 10;
    install(&signaled);
    packet = (struct packet){.ssrc = 10, .payload_type = VP8};
    assert_int_equal(find(packet, &match), 0);
    assert_true(producers[match.producer].producer == 3);
}

static void test_refused_installs(void **state)
{
    (void)state;
    unsigned index;
    struct demux_producer first = producer(1, "0", OPUS, 0, 1), other;
    first.encodings[0].ssrc = 5;
    install(&first);

    other = producer(2, "1", OPUS, 0, 1);
    other.encodings[0].ssrc = 5;
    assert_int_equal(stream_demux_install(producers, PLACES, &retired, &other, &index), -EEXIST);
    other.encodings[0] = (struct demux_encoding){.ssrc = 6, .rtx_ssrc = 5};
    assert_int_equal(stream_demux_install(producers, PLACES, &retired, &other, &index), -EEXIST);
    other.encodings[0] = (struct demux_encoding){.ssrc = 6, .rtx_ssrc = 6};
    assert_int_equal(stream_demux_install(producers, PLACES, &retired, &other, &index), -EEXIST);
    other = producer(2, "0", OPUS, 0, 1);
    assert_int_equal(stream_demux_install(producers, PLACES, &retired, &other, &index), -EEXIST);
    other = simulcast(2, "1");
    other.encodings[0].ssrc = other.encodings[2].ssrc = 9;
    assert_int_equal(stream_demux_install(producers, PLACES, &retired, &other, &index), -EEXIST);

    other = simulcast(2, "1");
    other.encodings[2].rid[1] = '0'; /* twice the same RID */
    assert_int_equal(stream_demux_install(producers, PLACES, &retired, &other, &index), -EINVAL);
    other = producer(2, "1", VP8, RTX, 2); /* nothing to tell the two by */
    assert_int_equal(stream_demux_install(producers, PLACES, &retired, &other, &index), -EINVAL);
    other = producer(2, "1", VP8, RTX, MEDIA_ENCODINGS_MAX + 1);
    assert_int_equal(stream_demux_install(producers, PLACES, &retired, &other, &index), -EINVAL);
    other = producer(2, "1", VP8, RTX, 1);
    other.mid_length = MEDIA_MID_BYTES + 1;
    assert_int_equal(stream_demux_install(producers, PLACES, &retired, &other, &index), -EINVAL);
    other.mid_length = 1;
    other.payload_type_count = 0;
    assert_int_equal(stream_demux_install(producers, PLACES, &retired, &other, &index), -EINVAL);

    const char *mids[] = {"1", "2", "3", "4"};
    for (unsigned i = 0; i < PLACES; i++) {
        other = producer(10 + i, mids[i], OPUS, 0, 1);
        assert_int_equal(stream_demux_install(producers, PLACES, &retired, &other, &index),
                         i < PLACES - 1 ? 0 : -ENOSPC);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_signaled_ssrcs, begin),
        cmocka_unit_test_setup(test_rid_inside_its_mid, begin),
        cmocka_unit_test_setup(test_rid_without_mid, begin),
        cmocka_unit_test_setup(test_rtx, begin),
        cmocka_unit_test_setup(test_single_encoding_by_mid_or_payload_type, begin),
        cmocka_unit_test_setup(test_late_packets_of_a_closed_producer, begin),
        cmocka_unit_test_setup(test_refused_installs, begin),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
