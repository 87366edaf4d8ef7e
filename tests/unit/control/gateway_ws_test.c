#include "tests/unit/control/gateway_harness.h"

#include <malloc.h>

static struct harness harness;

static int set_up(void **state)
{
    (void)state;
    harness_init(&harness);
    harness.config.max_ws_message_bytes = 200000;
    harness.config.max_ws_queue_bytes = 1000000;
    harness.config.header_timeout_s = 1;
    harness_start(&harness);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    harness_stop(&harness);
    return 0;
}

static void echo_of_text_and_binary(void **state)
{
    (void)state;
    int client = harness_connect_ws(&harness);

    put_frame(client, 0x81, "gr\xc3\xbc\xc3\x9f", 6);
    expect_frame(client, 0x81, "gr\xc3\xbc\xc3\x9f", 6);
    put_frame(client, 0x82, "\x00\xff\xfe", 3);
    expect_frame(client, 0x82, "\x00\xff\xfe", 3);
    put_frame(client, 0x81, "", 0);
    expect_frame(client, 0x81, "", 0);
    close(client);
    wait_for(&harness.ws_closed, 1);
}

/* Whether they waited or not, nothing overtakes them, and those behind which nothing comes are written too.
 */
static void reports_keep_the_order(void **state)
{
    (void)state;
    int client = harness_connect_ws(&harness);

    for (unsigned round = 0; round < 2; round++) {
        put_frame(client, 0x81, "reports:40", 10);
        for (unsigned i = 0; i < 40; i++)
            expect_frame(client, 0x81, "report", 6);
        expect_frame(client, 0x81, "reported", 8);
        for (unsigned i = 0; i < 40; i++)
            expect_frame(client, 0x81, "later", 5);
    }
    /* One that leaves while reports wait for it. */
    put_frame(client, 0x81, "reports:2", 9);
    close(client);
    wait_for(&harness.ws_closed, 1);
}

static void messages_of_every_length_form(void **state)
{
    (void)state;
    static const size_t lengths[] = {125, 126, 65535, 65536, 200000};
    uint8_t *sent = malloc(200001);
    uint8_t *got = malloc(200001);
    int client = harness_connect_ws(&harness);

    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        uint8_t first;

        for (size_t k = 0; k < lengths[i]; k++)
            sent[k] = (uint8_t)(k * 7 + i);
        put_frame(client, 0x82, sent, lengths[i]);
        assert_int_equal(get_frame(client, &first, got, 200001), lengths[i]);
        assert_int_equal(first, 0x82);
        assert_memory_equal(got, sent, lengths[i]);
    }
    close(client);
    free(sent);
    free(got);
}

static void fragments_with_a_ping_between(void **state)
{
    (void)state;
    int client = harness_connect_ws(&harness);

    put_frame(client, 0x01, "one ", 4);
    put_frame(client, 0x89, "hello", 5);
    put_frame(client, 0x00, "", 0);
    put_frame(client, 0x8a, "unasked", 7);
    put_frame(client, 0x80, "message", 7);
    expect_frame(client, 0x8a, "hello", 5);
    expect_frame(client, 0x81, "one message", 11);
    close(client);
}

static void bytes_one_at_a_time_and_many_frames_at_once(void **state)
{
    (void)state;
    static const uint8_t frame[] = {0x81, 0x82, 1, 2, 3, 4, 'h' ^ 1, 'i' ^ 2};
    uint8_t many[sizeof(frame) * 500];
    int client = harness_connect_ws(&harness);

    for (size_t i = 0; i < sizeof(frame); i++) {
        put(client, frame + i, 1);
        usleep(500);
    }
    expect_frame(client, 0x81, "hi", 2);
    for (size_t i = 0; i < 500; i++)
        memcpy(many + i * sizeof(frame), frame, sizeof(frame));
    put(client, many, sizeof(many));
    for (size_t i = 0; i < 500; i++)
        expect_frame(client, 0x81, "hi", 2);
    close(client);
}

static void first_message_may_come_with_the_handshake(void **state)
{
    (void)state;
    char head[512] = "";
    int client = harness_connect(&harness);

    put_text(client, WS_REQUEST("/meetmedia/signaling") "\r\n\x81\x80\x01\x02\x03\x04");
    get(client, head, 129);
    assert_memory_equal(head, "HTTP/1.1 101 ", 13);
    expect_frame(client, 0x81, "open /meetmedia/signaling ? 127.0.0.1", 37);
    expect_frame(client, 0x81, "", 0);
    close(client);
}

/* What the client must see: an optional close frame, then the end. */
static void expect_end(int client, const char *close_payload, size_t length)
{
    expect_frame(client, 0x88, close_payload, length);
    assert_true(is_closed(client));
    close(client);
}

static void protocol_errors_close_with_a_code(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t length;
        const char *code;
    } cases[] = {
        {"\x81\x02"
         "40",
         4, "\x03\xea"},                                                      /* no mask */
        {"\xc1\x80\x01\x02\x03\x04", 6, "\x03\xea"},                          /* reserved bit */
        {"\x83\x80\x01\x02\x03\x04", 6, "\x03\xea"},                          /* reserved opcode */
        {"\x8b\x80\x01\x02\x03\x04", 6, "\x03\xea"},                          /* reserved control opcode */
        {"\x80\x80\x01\x02\x03\x04", 6, "\x03\xea"},                          /* continuation of nothing */
        {"\x01\x80\x01\x02\x03\x04\x81\x80\x01\x02\x03\x04", 12, "\x03\xea"}, /* message within a message */
        {"\x09\x80\x01\x02\x03\x04", 6, "\x03\xea"},                          /* fragmented ping */
        {"\x89\xfe\x00\x7e\x01\x02\x03\x04", 8, "\x03\xea"},                  /* long ping */
        {"\x81\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\x02\x03\x04", 14, "\x03\xea"}, /* 2^63 and more */
        {"\x81\xff\x00\x00\x00\x00\x00\x03\x0d\x41\x01\x02\x03\x04", 14, "\x03\xf1"}, /* 200001 bytes: 1009 */
        {"\x81\x81\x00\x00\x00\x00\xff", 7, "\x03\xef"},                              /* no UTF-8: 1007 */
        {"\x88\x81\x00\x00\x00\x00\x03", 7, "\x03\xea"},                              /* half a code */
        {"\x88\x82\x00\x00\x00\x00\x03\xed", 8, "\x03\xea"}, /* 1005 in a close frame */
    };
    struct gateway_counters counters;
    unsigned count = sizeof(cases) / sizeof(cases[0]);

    for (unsigned i = 0; i < count; i++) {
        int client = harness_connect_ws(&harness);

        put(client, cases[i].bytes, cases[i].length);
        expect_end(client, cases[i].code, 2);
    }
    wait_for(&harness.ws_closed, count);
    assert_int_equal(atomic_load(&harness.ws_messages), 0);
    gateway_counters(harness.gateway, &counters);
    assert_int_equal(counters.ws_protocol_errors, count);
}

static void fragments_over_the_limit_close_with_1009(void **state)
{
    (void)state;
    char *half = calloc(1, 150000);
    int client = harness_connect_ws(&harness);

    put_frame(client, 0x01, half, 150000);
    put_frame(client, 0x80, half, 60000);
    expect_end(client, "\x03\xf1", 2);
    free(half);
}

static void close_of_the_client_is_answered_in_kind(void **state)
{
    (void)state;
    int client = harness_connect_ws(&harness);

    put_frame(client, 0x88,
              "\x03\xe8"
              "bye",
              5);
    expect_end(client,
               "\x03\xe8"
               "bye",
               5);
    client = harness_connect_ws(&harness);
    put_frame(client, 0x88, "", 0);
    expect_end(client, "", 0);
    wait_for(&harness.ws_closed, 2);
}

static void close_of_the_server_comes_after_what_was_queued(void **state)
{
    (void)state;
    int client = harness_connect_ws(&harness);

    put_frame(client, 0x81, "close:0", 7);
    expect_frame(client, 0x81, "bye", 3);
    expect_frame(client, 0x88, "", 0);
    /* Not ended before the client's close frame. */
    assert_int_equal(atomic_load(&harness.ws_closed), 0);
    put_frame(client, 0x81, "ignored", 7);
    put_frame(client, 0x88, "", 0);
    assert_true(is_closed(client));
    close(client);
    wait_for(&harness.ws_closed, 1);
    assert_int_equal(atomic_load(&harness.ws_messages), 1);

    client = harness_connect_ws(&harness);
    put_frame(client, 0x81, "close:4001", 10);
    expect_frame(client, 0x81, "bye", 3);
    expect_frame(client, 0x88, "\x0f\xa1", 2);
    close(client);
    wait_for(&harness.ws_closed, 2);
}

static void reader_that_does_not_read_is_dropped(void **state)
{
    (void)state;
    struct gateway_counters counters;
    int small = 8192;
    int client = harness_connect_ws(&harness);

    setsockopt(client, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
    put_frame(client, 0x81, "flood:200", 9);
    wait_for(&harness.ws_closed, 1);
    gateway_counters(harness.gateway, &counters);
    assert_int_equal(counters.ws_slow_readers, 1);
    close(client);
}

/* 64 clients, each of which gets two messages of 3 MiB: four copies wait, not 128, and each reads its own. */
static void what_many_are_told_waits_once(void **state)
{
    (void)state;
    static uint8_t payload[(3 << 20) + 1];
    enum { CROWD = 64, BYTES = 3 << 20 };
    struct harness roomy;
    int clients[CROWD];
    uint8_t first;

    harness_init(&roomy);
    roomy.config.max_ws_queue_bytes = 64 << 20;
    harness_start(&roomy);
    for (int i = 0; i < CROWD; i++) {
        clients[i] = harness_connect_ws(&roomy);
        int small = 262144; /* little waits in the kernel */
        setsockopt(clients[i], SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
    }
    mallopt(M_MMAP_THRESHOLD, 1 << 20); /* so that large blocks of all threads are counted */
    size_t before = mallinfo2().hblkhd;
    put_frame(clients[0], 0x81, "crowd:3145728", 13);
    put_frame(clients[0], 0x81, "crowd:3145728", 13);
    wait_for(&roomy.ws_messages, 2);
    usleep(200000);
    size_t waiting = mallinfo2().hblkhd - before;
    assert_true(waiting < 24 << 20);
    for (int i = 0; i < CROWD; i++)
        for (int message = 0; message < 2; message++) {
            assert_int_equal(get_frame(clients[i], &first, payload, sizeof(payload)), BYTES);
            assert_int_equal(payload[0], 'a' + i / 32);
            assert_int_equal(payload[1], 0);
        }
    for (int i = 0; i < CROWD; i++)
        close(clients[i]);
    harness_stop(&roomy);
}

/* A client that neither reads nor answers is gone some seconds after the server closed it. */
static void mute_client_does_not_outlive_its_close(void **state)
{
    (void)state;
    int client = harness_connect_ws(&harness);

    put_frame(client, 0x81, "close:1000", 10);
    wait_for(&harness.ws_closed, 1);
    close(client);
}

static void handshakes_that_are_refused(void **state)
{
    (void)state;
    static const char refused[] =
        "HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-type: text/html\r\n"
        "Content-Length: 17\r\n\r\nTransport unknown";
    char answer[512] = "";
    int client = harness_connect(&harness);

    put_text(client, WS_REQUEST("/meetmedia/signaling/?refuse") "\r\n");
    get(client, answer, sizeof(refused) - 1);
    assert_string_equal(answer, refused);
    assert_true(is_closed(client));
    close(client);

    static const char *const elsewhere[] = {WS_REQUEST("/") "\r\n",
                                            WS_REQUEST("/meetmedia/signalingX/") "\r\n",
                                            WS_REQUEST("/meetmedia//signaling/") "\r\n"};
    for (size_t i = 0; i < sizeof(elsewhere) / sizeof(elsewhere[0]); i++) {
        client = harness_connect(&harness);
        put_text(client, elsewhere[i]);
        assert_true(is_closed(client));
        close(client);
    }

    client = harness_connect(&harness);
    ask(client,
        "GET /meetmedia/signaling/ HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        "Sec-WebSocket-Version: 8\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
        "HTTP/1.1 426 Upgrade Required\r\nConnection: close\r\nSec-WebSocket-Version: 13\r\n");
    close(client);
    client = harness_connect(&harness);
    ask(client,
        "GET /meetmedia/signaling/ HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: short\r\n\r\n",
        "HTTP/1.1 400 Bad Request\r\n");
    close(client);
    assert_int_equal(atomic_load(&harness.ws_opened), 0);

    /* Below the path is ours as well; and without the Upgrade field it is a request like others. */
    client = harness_connect(&harness);
    assert_string_equal(
        ask(client, "GET /meetmedia/signaling/?EIO=4 HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 200 OK"),
        "GET /meetmedia/signaling/ ?EIO=4 token=- body=0:");
    put_text(client, WS_REQUEST("/meetmedia/signaling/extra/") "\r\n");
    get(client, answer, 129);
    assert_memory_equal(answer, "HTTP/1.1 101 ", 13);
    close(client);
}

static void open_websockets_end_with_the_gateway(void **state)
{
    (void)state;
    struct harness other;

    harness_init(&other);
    harness_start(&other);
    int first = harness_connect_ws(&other);
    int second = harness_connect(&other);
    put_text(second, "GET /hold HTTP/1.1\r\nHost: x\r\n\r\n");
    wait_for(&other.held_seen, 1);
    harness_stop(&other);
    assert_true(is_closed(first));
    assert_true(is_closed(second));
    close(first);
    close(second);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(echo_of_text_and_binary),
        TEST(reports_keep_the_order),
        TEST(messages_of_every_length_form),
        TEST(fragments_with_a_ping_between),
        TEST(bytes_one_at_a_time_and_many_frames_at_once),
        TEST(first_message_may_come_with_the_handshake),
        TEST(protocol_errors_close_with_a_code),
        TEST(fragments_over_the_limit_close_with_1009),
        TEST(close_of_the_client_is_answered_in_kind),
        TEST(close_of_the_server_comes_after_what_was_queued),
        TEST(reader_that_does_not_read_is_dropped),
        TEST(what_many_are_told_waits_once),
        TEST(mute_client_does_not_outlive_its_close),
        TEST(handshakes_that_are_refused),
        TEST(open_websockets_end_with_the_gateway),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
