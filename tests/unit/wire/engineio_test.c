/* engine.io packets and polling payloads. */
#include "proto/wire/engineio.h"
#include "wire_test.h"

static void test_types(void **state)
{
    (void)state;
    for (unsigned first = 0; first < 256; first++) {
        char *frame = exact_copy("?x", 2);
        struct engineio_packet p;
        frame[0] = (char)first;
        bool good = first >= '0' && first <= '6';
        assert_int_equal(engineio_parse(frame, 2, &p), good ? 0 : -EBADMSG);
        if (good) {
            assert_int_equal(p.type, first - '0');
            assert_int_equal(p.length, 1);
            assert_int_equal(p.data[0], 'x');
            assert_int_equal(engineio_parse(frame, 1, &p), 0);
            assert_int_equal(p.length, 0);
        }
        free(frame);
    }
    struct engineio_packet p;
    assert_int_equal(engineio_parse("2", 0, &p), -EBADMSG);
}

static void test_probe(void **state)
{
    (void)state;
    struct engineio_packet p;
    assert_int_equal(engineio_parse("2probe", 6, &p), 0);
    assert_int_equal(p.type, ENGINEIO_PING);
    assert_int_equal(p.length, 5);
    assert_memory_equal(p.data, "probe", 5);
}

static void test_write(void **state)
{
    (void)state;
    char buffer[8];
    memset(buffer, '#', sizeof buffer);
    assert_int_equal(engineio_write(buffer, sizeof buffer, ENGINEIO_PONG, "probe", 5), 6);
    assert_memory_equal(buffer, "3probe##", 8);
    assert_int_equal(engineio_write(buffer, 5, ENGINEIO_PONG, "probe", 5), -ENOSPC);
    assert_int_equal(engineio_write(buffer, 0, ENGINEIO_PING, NULL, 0), -ENOSPC);
    assert_int_equal(engineio_write(buffer, 1, ENGINEIO_NOOP, NULL, 0), 1);
    assert_int_equal(buffer[0], '6');
    assert_int_equal(engineio_write(buffer, 8, (enum engineio_type)7, NULL, 0), -EINVAL);
    assert_int_equal(engineio_write(buffer, 8, (enum engineio_type) - 1, NULL, 0), -EINVAL);
    assert_int_equal(engineio_write(buffer, SIZE_MAX, ENGINEIO_MESSAGE, "", SIZE_MAX), -ENOSPC);
}

static void check_payload(enum engineio_protocol protocol, const char *payload, const char *const *packets,
                          int result)
{
    size_t length = strlen(payload);
    char *exact = exact_copy(payload, length);
    struct engineio_iterator iterator;
    struct engineio_packet packet;
    engineio_begin(&iterator, protocol, exact, length);
    for (; *packets; packets++) {
        assert_int_equal(engineio_next(&iterator, &packet), 1);
        assert_int_equal(packet.type, (*packets)[0] - '0');
        assert_int_equal(packet.length, strlen(*packets) - 1);
        assert_memory_equal(packet.data, *packets + 1, packet.length);
    }
    assert_int_equal(engineio_next(&iterator, &packet), result);
    assert_int_equal(engineio_next(&iterator, &packet), 0);
    free(exact);
}

#define CHECK(payload, result, ...)                                                                          \
    check_payload(ENGINEIO_PROTOCOL_4, payload, (const char *const[]){__VA_ARGS__, NULL}, result)
#define CHECK_3(payload, result, ...)                                                                        \
    check_payload(ENGINEIO_PROTOCOL_3, payload, (const char *const[]){__VA_ARGS__, NULL}, result)
#define CHECK_3_BAD(payload)                                                                                 \
    check_payload(ENGINEIO_PROTOCOL_3, payload, (const char *const[]){NULL}, -EBADMSG)

static void test_payloads(void **state)
{
    (void)state;
    CHECK("40", 0, "40");
    CHECK("2\x1e"
          "42[\"a\"]\x1e"
          "6",
          0, "2", "42[\"a\"]", "6");
    check_payload(ENGINEIO_PROTOCOL_4, "", (const char *const[]){NULL}, -EBADMSG);
    check_payload(ENGINEIO_PROTOCOL_4, "\x1e", (const char *const[]){NULL}, -EBADMSG);
    CHECK("2\x1e", -EBADMSG, "2");
    CHECK("2\x1e\x1e"
          "2",
          -EBADMSG, "2");
    CHECK("2\x1e"
          "bAAAA\x1e"
          "2",
          -EBADMSG, "2");
}

/* Lengths are UTF-16 code units: e acute is 1, an emoji is 2. */
static void test_counted_payloads(void **state)
{
    (void)state;
    CHECK_3("2:40", 0, "40");
    CHECK_3("1:28:42[\"a\"]1:6", -EBADMSG, "2", "42[\"a\"]1");
    CHECK_3("1:27:42[\"a\"]1:6", 0, "2", "42[\"a\"]", "6");
    CHECK_3("2:4\xc3\xa9"
            "3:4\xf0\x9f\x98\x80"
            "1:2",
            0, "4\xc3\xa9", "4\xf0\x9f\x98\x80", "2");
    CHECK_3("3:4\x1e"
            "2",
            0,
            "4\x1e"
            "2");
    CHECK_3("0001:2", 0, "2");
    CHECK_3("1:2x", -EBADMSG, "2");
    CHECK_3("1:22:2", -EBADMSG, "2");
    CHECK_3_BAD("");
    CHECK_3_BAD("40");
    CHECK_3_BAD(":40");
    CHECK_3_BAD("0:");
    CHECK_3_BAD("2:4");
    CHECK_3_BAD("-1:4");
    CHECK_3_BAD(" 2:40");
    CHECK_3_BAD("2");
    CHECK_3_BAD("2:4\xf0\x9f\x98\x80"); /* would cut the emoji in two */
    CHECK_3_BAD("5:bAAAA");
    CHECK_3_BAD("18446744073709551618:40");
    CHECK_3_BAD("2147483648:40");
}

static void check_prefix(enum engineio_protocol protocol, bool is_first, const char *packet,
                         const char *prefix)
{
    char buffer[ENGINEIO_PREFIX_MAX];
    assert_int_equal(engineio_write_prefix(buffer, protocol, is_first, packet, strlen(packet)),
                     strlen(prefix));
    assert_memory_equal(buffer, prefix, strlen(prefix));
}

static void test_prefixes(void **state)
{
    (void)state;
    check_prefix(ENGINEIO_PROTOCOL_4, true, "40", "");
    check_prefix(ENGINEIO_PROTOCOL_4, false, "40", "\x1e");
    check_prefix(ENGINEIO_PROTOCOL_3, true, "40", "2:");
    check_prefix(ENGINEIO_PROTOCOL_3, false, "42[\"\xe2\x82\xac\xf0\x9f\x98\x80\"]", "9:");
    check_prefix(ENGINEIO_PROTOCOL_3, false, "42[\"0123456789\"]", "16:");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_types),
        cmocka_unit_test(test_probe),
        cmocka_unit_test(test_write),
        cmocka_unit_test(test_payloads),
        cmocka_unit_test(test_counted_payloads),
        cmocka_unit_test(test_prefixes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
