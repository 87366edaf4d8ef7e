/* Framing over TCP (RFC 4571): packets cut anywhere, empty ones, too long ones, readers that do not read. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "dataplane/tcp_stream.h"

struct rig {
    struct tcp_stream *stream;
    int peer;
};

static const struct shm_address somewhere = {.port = 5, .protocol = SHM_PROTOCOL_TCP};

static void rig_open(struct rig *rig)
{
    int pair[2];

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    rig->stream = malloc(sizeof(*rig->stream));
    assert_non_null(rig->stream);
    rig->peer = pair[1];
    tcp_stream_open(rig->stream, pair[0], &somewhere);
}

static void rig_close(struct rig *rig)
{
    tcp_stream_close(rig->stream);
    assert_int_equal(rig->stream->fd, -1);
    free(rig->stream);
    if (rig->peer >= 0)
        close(rig->peer);
}

static void say(const struct rig *rig, const void *bytes, size_t length)
{
    assert_int_equal(write(rig->peer, bytes, length), (int)length);
}

static void expect_packet(struct rig *rig, const void *bytes, uint32_t length)
{
    uint8_t *data;
    uint32_t got;

    assert_int_equal(tcp_stream_next(rig->stream, &data, &got), 1);
    assert_int_equal(got, length);
    assert_memory_equal(data, bytes, length);
}

static void expect_none(struct rig *rig)
{
    uint8_t *data = NULL;
    uint32_t length;

    assert_int_equal(tcp_stream_next(rig->stream, &data, &length), 0);
    assert_null(data);
}

static void packets_come_in_one_piece_and_byte_by_byte(void **state)
{
    (void)state;
    static const uint8_t bytes[] = {0, 3, 'a', 'b', 'c', 0, 0, 0, 1, 'd', 0, 2, 'e', 'f'};
    struct rig rig;

    rig_open(&rig);
    assert_int_equal(tcp_stream_receive(rig.stream), -EAGAIN);
    expect_none(&rig);
    say(&rig, bytes, sizeof(bytes));
    assert_int_equal(tcp_stream_receive(rig.stream), 0);
    expect_packet(&rig, "abc", 3);
    expect_packet(&rig, "d", 1); /* the empty one between is passed over */
    expect_packet(&rig, "ef", 2);
    expect_none(&rig);

    for (size_t i = 0; i < sizeof(bytes); i++) {
        say(&rig, bytes + i, 1);
        assert_int_equal(tcp_stream_receive(rig.stream), 0);
        if (i == 4)
            expect_packet(&rig, "abc", 3);
        if (i == 9)
            expect_packet(&rig, "d", 1);
        if (i == 13)
            expect_packet(&rig, "ef", 2);
        expect_none(&rig);
    }
    rig_close(&rig);
}

static void the_longest_packet_passes_and_a_longer_one_does_not(void **state)
{
    (void)state;
    uint8_t frame[2 + TCP_STREAM_FRAME_MAX] = {TCP_STREAM_FRAME_MAX >> 8, TCP_STREAM_FRAME_MAX & 255};
    static const uint8_t longer[] = {(TCP_STREAM_FRAME_MAX + 1) >> 8, (TCP_STREAM_FRAME_MAX + 1) & 255};
    struct rig rig;
    uint8_t *data;
    uint32_t length;

    rig_open(&rig);
    memset(frame + 2, 0x5a, TCP_STREAM_FRAME_MAX);
    /* More than the buffer holds, so that packets lie across its end. */
    for (int i = 0; i < 40; i++) {
        say(&rig, frame, sizeof(frame));
        assert_int_equal(tcp_stream_receive(rig.stream), 0);
        expect_packet(&rig, frame + 2, TCP_STREAM_FRAME_MAX);
    }
    say(&rig, longer, sizeof(longer));
    assert_int_equal(tcp_stream_receive(rig.stream), 0);
    assert_int_equal(tcp_stream_next(rig.stream, &data, &length), -EMSGSIZE);
    assert_int_equal(tcp_stream_next(rig.stream, &data, &length), -EMSGSIZE); /* and stays so */
    rig_close(&rig);
}

static void a_full_buffer_waits_until_it_is_emptied(void **state)
{
    (void)state;
    uint8_t frame[1002] = {1000 >> 8, 1000 & 255};
    struct rig rig;
    uint8_t *data;
    uint32_t length;
    uint32_t packets = 0;

    rig_open(&rig);
    for (int i = 0; i < 60; i++)
        say(&rig, frame, sizeof(frame));
    while (tcp_stream_receive(rig.stream) == 0)
        assert_true(rig.stream->in_end <= TCP_STREAM_IN_BYTES);
    while (packets < 60) {
        while (tcp_stream_next(rig.stream, &data, &length) == 1)
            packets++;
        if (packets < 60)
            assert_int_equal(tcp_stream_receive(rig.stream), 0);
    }
    assert_int_equal(tcp_stream_receive(rig.stream), -EAGAIN);
    rig_close(&rig);
}

static void the_end_is_told(void **state)
{
    (void)state;
    struct rig rig;

    rig_open(&rig);
    say(&rig, "\0\3ab", 4);
    close(rig.peer);
    rig.peer = -1;
    assert_int_equal(tcp_stream_receive(rig.stream), 0);
    expect_none(&rig); /* half a packet is none */
    assert_int_equal(tcp_stream_receive(rig.stream), -ECONNRESET);
    assert_int_equal(tcp_stream_queue(rig.stream, (const uint8_t *)"x", 1), 0);
    assert_int_equal(tcp_stream_send(rig.stream), -EPIPE);
    rig_close(&rig);
}

/* Packets are numbered; what was taken arrives whole and in order, however slowly it is read. */
static void a_slow_reader_gets_whole_packets_and_costs_a_buffer(void **state)
{
    (void)state;
    uint8_t packet[1200] = {0};
    uint8_t got[2 + sizeof(packet)];
    uint32_t taken[4000];
    uint32_t taken_count = 0;
    uint32_t refused = 0;
    struct rig rig;

    rig_open(&rig);
    for (uint32_t i = 0; i < 4000; i++) {
        memcpy(packet, &i, sizeof(i));
        int error = tcp_stream_queue(rig.stream, packet, sizeof(packet));
        assert_true(error == 0 || error == -ENOBUFS);
        if (error == 0)
            taken[taken_count++] = i;
        refused += error != 0;
        assert_true(tcp_stream_waiting(rig.stream) <= TCP_STREAM_OUT_BYTES);
        int sent = tcp_stream_send(rig.stream);
        assert_true(sent == 0 || sent == -EAGAIN);
    }
    assert_true(refused > 1000);
    for (uint32_t i = 0; i < taken_count; i++) {
        for (size_t have = 0; have < sizeof(got);) {
            ssize_t length =
                recv(rig.peer, got + have, sizeof(got) - have < 777 ? sizeof(got) - have : 777, 0);
            assert_true(length > 0);
            have += (size_t)length;
            int sent = tcp_stream_send(rig.stream);
            assert_true(sent == 0 || sent == -EAGAIN);
        }
        uint32_t number;
        memcpy(&number, got + 2, sizeof(number));
        assert_int_equal(got[0] << 8 | got[1], sizeof(packet));
        assert_int_equal(number, taken[i]);
    }
    assert_int_equal(tcp_stream_waiting(rig.stream), 0);
    rig_close(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(packets_come_in_one_piece_and_byte_by_byte),
        cmocka_unit_test(the_longest_packet_passes_and_a_longer_one_does_not),
        cmocka_unit_test(a_full_buffer_waits_until_it_is_emptied),
        cmocka_unit_test(the_end_is_told),
        cmocka_unit_test(a_slow_reader_gets_whole_packets_and_costs_a_buffer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
