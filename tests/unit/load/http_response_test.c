/* Responses of the API and of the upgrade, whole and in pieces. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tools/kolabmeet-load/http_response.h"

static const char ok[] =
    "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\ncontent-length: 7\r\n\r\n{\"a\":1}";

static void whole(void **state)
{
    struct http_response response;

    (void)state;
    assert_int_equal(http_response_read(ok, sizeof ok - 1, &response), 1);
    assert_int_equal(response.status, 200);
    assert_int_equal(response.body_bytes, 7);
    assert_memory_equal(response.body, "{\"a\":1}", 7);
    assert_int_equal(response.bytes, sizeof ok - 1);
}

static void in_pieces(void **state)
{
    struct http_response response;

    (void)state;
    for (size_t length = 0; length < sizeof ok - 1; length++)
        assert_int_equal(http_response_read(ok, length, &response), 0);
}

static void what_follows_is_the_next(void **state)
{
    static const char two[] = "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\nHTTP/1.1 200 OK\r\n";
    struct http_response response;

    (void)state;
    assert_int_equal(http_response_read(two, sizeof two - 1, &response), 1);
    assert_int_equal(response.status, 404);
    assert_int_equal(response.body_bytes, 0);
    assert_string_equal(two + response.bytes, "HTTP/1.1 200 OK\r\n");
}

static void an_upgrade_has_no_body(void **state)
{
    static const char upgrade[] = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n\x81\x01x";
    struct http_response response;

    (void)state;
    assert_int_equal(http_response_read(upgrade, sizeof upgrade - 1, &response), 1);
    assert_int_equal(response.status, 101);
    assert_int_equal(sizeof upgrade - 1 - response.bytes, 3);
}

static void nonsense(void **state)
{
    static char endless[20000];
    struct http_response response;

    (void)state;
    assert_int_equal(http_response_read("SSH-2.0-OpenSSH\r\n\r\n", 19, &response), -EBADMSG);
    assert_int_equal(http_response_read("HTTP/1.1 abc\r\n\r\n..", 18, &response), -EBADMSG);
    assert_int_equal(http_response_read("HTTP/1.1 999 x\r\n\r\n", 18, &response), -EBADMSG);
    memset(endless, 'x', sizeof endless);
    assert_int_equal(http_response_read(endless, sizeof endless, &response), -EBADMSG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole),
        cmocka_unit_test(in_pieces),
        cmocka_unit_test(what_follows_is_the_next),
        cmocka_unit_test(an_upgrade_has_no_body),
        cmocka_unit_test(nonsense),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
