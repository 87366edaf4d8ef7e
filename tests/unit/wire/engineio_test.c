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

static void check_payload(const char *payload, const char *const *packets, int result)
{
    size_t length = strlen(payload);
    char *exact = exact_copy(payload, length);
    struct engineio_iterator iterator;
    struct engineio_packet packet;
    engineio_begin(&iterator, exact, length);
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

#define CHECK(payload, result, ...) check_payload(payload, (const char *const[]){__VA_ARGS__, NULL}, result)

static void test_payloads(void **state)
{
    (void)state;
    CHECK("40", 0, "40");
    CHECK("2\x1e"
          "42[\"a\"]\x1e"
          "6",
          0, "2", "42[\"a\"]", "6");
    check_payload("", (const char *const[]){NULL}, -EBADMSG);
    check_payload("\x1e", (const char *const[]){NULL}, -EBADMSG);
    CHECK("2\x1e", -EBADMSG, "2");
    CHECK("2\x1e\x1e"
          "2",
          -EBADMSG, "2");
    CHECK("2\x1e"
          "bAAAA\x1e"
          "2",
          -EBADMSG, "2");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_types),
        cmocka_unit_test(test_probe),
        cmocka_unit_test(test_write),
        cmocka_unit_test(test_payloads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
